"""Names of files where the program has put its own functions in place of those of `os`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Never

import pytest

from raceway.findings import naming
from raceway.findings.locknames import lock_name


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
    ("line", "name"), [(17, "Bank.lock"), (18, "Till.ready"), (19, "lock of Pair"), (20, ""), (21, ""), (99, "")]
)
def test_a_lock_that_is_made_with_an_object_is_called_by_its_field(tmp_path: Path, line: int, name: str) -> None:
    path = tmp_path / "app.py"
    path.write_text(LOCKS, encoding="utf-8")
    found = lock_name((str(path), line), 7, str(tmp_path))
    assert found == (name or f"lock made at app.py:{line}")


WAYS = """import threading
from collections import defaultdict
from threading import Lock as Mutex

class Bank:
    shared = threading.Lock()
    def __init__(self, key, lock=None):
        self.one = threading.RLock()
        self.many = [threading.Lock() for _ in range(9)]
        self.keyed = {}
        self.made = defaultdict(threading.Lock)
        self.given = lock
        self.keyed[key] = Mutex()
        self.lazy = lock or threading.Lock()
    def get(self, key, kind):
        lock = self.keyed.setdefault(key, threading.Lock())
        lock = self.keyed[key] = threading.Lock()
        with self.made[key]:
            pass
        self.many.append(
            threading.Lock()
        )
        thing = kind(key)
        return lock
bank = Bank("a", threading.Lock())
bank = Bank("a", lock=threading.Lock())
guard = threading.Condition(threading.Lock())
mutex = Mutex()
locks = {name: threading.Lock() for name in "ab"}
use(threading.Lock())
class Shop:
    lock: Mutex = field(default_factory=lambda: threading.Lock())
    def __init__(self):
        self.pair = tuple(map(lambda _: threading.Lock(), "ab"))
    def __enter__(self): self.open = threading.Lock(); return self
with bank.made[1]:
    pass
"""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (6, "Bank.shared"),
        (8, "Bank.one"),
        (9, "Bank.many[...]"),
        (13, "Bank.keyed[...]"),
        (14, "Bank.lazy"),
        (16, "Bank.keyed[...]"),
        (17, "Bank.keyed[...]"),
        (18, "Bank.made[...]"),
        (21, "Bank.many[...]"),
        (23, ""),
        (25, "Bank.given"),
        (26, "Bank.given"),
        (27, "guard"),
        (28, "mutex"),
        (29, "locks[...]"),
        (30, ""),
        (32, "Shop.lock"),
        (34, "Shop.pair[...]"),
        (35, "Shop.open"),
        (36, "Bank.made[...]"),
    ],
)
def test_a_lock_is_called_by_what_keeps_it(tmp_path: Path, line: int, name: str) -> None:
    path = tmp_path / "app.py"
    path.write_text(WAYS, encoding="utf-8")
    found = lock_name((str(path), line), 7, str(tmp_path))
    assert found == (name or f"lock made at app.py:{line}")


def test_a_lock_of_a_class_in_another_file_is_called_by_its_field(tmp_path: Path) -> None:
    package = tmp_path / "quota"
    package.mkdir()
    (package / "__init__.py").write_text("from .account import Upload\n", encoding="utf-8")
    (package / "account.py").write_text(
        "from dataclasses import dataclass, field\nfrom threading import Lock\n"
        "@dataclass\nclass Base:\n    lock: Lock = field(default_factory=Lock)\n"
        "@dataclass\nclass Upload(Base):\n    name: str = ''\n",
        encoding="utf-8",
    )
    lines = {
        "near.py": "from .account import Upload\nupload = Upload()\n",
        "far.py": "from quota import Upload as Job\nupload = Job()\n",
        "module.py": "from quota import account\nupload = account.Upload()\n",
    }
    for name, text in lines.items():
        (package / name).write_text(text, encoding="utf-8")
        assert lock_name((str(package / name), 2), 7, str(tmp_path)) == "Base.lock"
