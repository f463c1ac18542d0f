"""Paths are spelled alike, and the system is asked once about each: every question lets other threads run."""

from __future__ import annotations

import os
from pathlib import Path

from raceway.sync.databases import begins
from raceway.sync.spellings import spelled_alike


def test_a_link_and_what_it_leads_to_are_spelled_alike(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert spelled_alike(os.fsencode(tmp_path / "link" / "x")) == os.fsencode(tmp_path.resolve() / "real" / "x")


def test_a_name_that_was_met_is_not_asked_about_again(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("first")
    name = os.fsencode(tmp_path / "link")
    found = spelled_alike(name)
    (tmp_path / "link").unlink()
    assert spelled_alike(name) == found == os.fsencode(tmp_path.resolve() / "first")


def test_the_first_words_of_a_statement_are_found_behind_comments() -> None:
    assert begins("-- why\n /* how */ begin immediate") == ("BEGIN", "IMMEDIATE")
    assert begins("select 1") == ("SELECT", "")
    assert begins("") == ("", "")
