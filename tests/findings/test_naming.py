"""Names of files where the program has put its own functions in place of those of `os`."""

from __future__ import annotations

import os
from typing import Never

import pytest

from raceway.findings import naming


def _forbidden(*_arguments: object) -> Never:
    raise RuntimeError("blocks")


def test_paths_are_relative_to_the_directory_they_lie_under() -> None:
    assert naming.relative("/project/src/../app.py", "/project/") == "app.py"
    assert naming.relative("/elsewhere/app.py", "/project") == "/elsewhere/app.py"
    assert naming.relative("/projects/app.py", "/project") == "/projects/app.py"
    assert naming.relative("<string>", "/project") == "<string>"


def test_files_are_named_where_the_program_forbids_to_ask_the_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("getcwd", "lstat"):
        monkeypatch.setattr(os, name, _forbidden)
    for name in ("abspath", "realpath", "relpath"):
        monkeypatch.setattr(os.path, name, _forbidden)
    assert naming.relative("/project/app.py", "/project") == "app.py"
    assert naming.relative("app.py", "/project") == "app.py"
