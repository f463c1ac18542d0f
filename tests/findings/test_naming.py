"""Names of files where the program has put its own functions in place of those of `os`."""

from __future__ import annotations

import os
from pathlib import Path
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


LOCKS = """from threading import Condition, Lock
from attrs import Factory, define, field
@define
class Bank:
    owner: str = field(default="")
    lock: Lock = field(factory=Lock)
@define
class Till:
    ready: Condition = field(default=Factory(lambda: Condition()))
@define
class Pair:
    one: Lock = field(factory=Lock)
    two: Lock = field(factory=Lock)
@define
class Plain:
    rows: list = field(factory=list)
bank = Bank("a")
tills = [Till() for _ in "ab"]
pair = Pair()
both = Bank(), Till()
guard = make_lock(Plain())
"""


@pytest.mark.parametrize(
    ("line", "name"), [(17, "Bank.lock"), (18, "Till.ready"), (19, "pair"), (20, "both"), (21, "guard"), (99, "")]
)
def test_a_lock_that_is_made_with_an_object_is_called_by_its_field(tmp_path: Path, line: int, name: str) -> None:
    path = tmp_path / "app.py"
    path.write_text(LOCKS, encoding="utf-8")
    found = naming.lock_name((str(path), line), 7, str(tmp_path))
    assert found == (name or f"lock made at app.py:{line}")
