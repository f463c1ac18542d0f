"""The project in which the real pytest is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pytesting.running import BANK, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a class that races."""
    directory = tmp_path / "project"
    directory.mkdir()
    found = Project(directory)
    found.write("bank.py", BANK)
    found.write("pytest.ini", "[pytest]\n")
    return found
