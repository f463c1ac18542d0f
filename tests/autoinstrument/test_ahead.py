"""Helpers are started for large packages that are not in the cache, and the program cannot tell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from raceway.autoinstrument import ahead
from raceway.autoinstrument.ahead import Ahead
from raceway.autoinstrument.cache import Cache
from raceway.autoinstrument.helper import fill
from raceway.autoinstrument.scope import Scope
from raceway.autoinstrument.source import Source
from tests.conftest import ROOT, TIMEOUT_S, clean_environ

SOURCE = b"def f(o):\n    o.count += 1\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of some modules, on a machine with room for two helpers, where little work is worth them."""
    monkeypatch.setattr(ahead, "helper_count", lambda: 2)
    monkeypatch.setattr(ahead, "_is_unnoticed", lambda: True)
    monkeypatch.setattr(ahead, "_WORTH_BYTES", 5 * len(SOURCE))
    root = tmp_path / "code" / "shop"
    for name in ("__init__", "a", "b", "c", "inner/__init__", "inner/d", "tests/test_a", "skipped"):
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(SOURCE)
    (root / "notes.txt").write_bytes(SOURCE)
    return root


class Started:
    """Stands for the starting of helpers."""

    def __init__(self, package: Path, cache: Cache) -> None:
        self.commands: list[list[str]] = []
        scope = Scope((), ("shop.skipped",), (str(package.parent),))
        self.ahead = Ahead(cache, scope, "hold", self._start)
        self._package = package

    def _start(self, arguments: Sequence[str]) -> None:
        self.commands.append(list(arguments))

    def missed(self, module: str, file: str) -> list[str]:
        """The files that helpers are started for, relative to the package."""
        self.commands.clear()
        self.ahead.missed(module, str(self._package / file))
        return sorted(os.path.relpath(name, self._package) for command in self.commands for name in command[3:])


def test_the_rest_of_a_large_package_is_shared_out_once(package: Path, tmp_path: Path) -> None:
    started = Started(package, Cache(str(tmp_path / "cache")))
    assert started.missed("shop", "__init__.py") == ["a.py", "b.py", "c.py", "inner/__init__.py", "inner/d.py"]
    assert [len(command[3:]) for command in started.commands] == [3, 2]
    assert all(command[:3] == [str(tmp_path / "cache"), "hold", str(os.getpid())] for command in started.commands)
    assert started.missed("shop.a", "a.py") == []


def test_a_package_is_found_from_a_module_deep_inside(package: Path, tmp_path: Path) -> None:
    started = Started(package, Cache(str(tmp_path / "cache")))
    assert started.missed("shop.inner.d", "inner/d.py") == ["__init__.py", "a.py", "b.py", "c.py", "inner/__init__.py"]


@pytest.mark.parametrize(
    ("module", "file"), [("shop.a", "elsewhere/a.py"), ("a", "a.py"), ("__main__", "a.py"), ("other", "__init__.py")]
)
def test_what_is_no_part_of_a_package_starts_nothing(package: Path, tmp_path: Path, module: str, file: str) -> None:
    assert Started(package, Cache(str(tmp_path / "cache"))).missed(module, file) == []


def test_a_package_that_is_mostly_in_the_cache_starts_nothing(package: Path, tmp_path: Path) -> None:
    cache = Cache(str(tmp_path / "cache"))
    fill(cache, "hold", [str(package / "b.py")], os.getpid())
    assert Started(package, cache).missed("shop", "__init__.py") == []


def test_without_a_cache_there_are_no_helpers(package: Path) -> None:
    assert Started(package, Cache("")).missed("shop", "__init__.py") == []


def test_a_child_that_could_be_noticed_is_not_started(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(ahead, "helper_count", lambda: 2)
    monkeypatch.setattr(ahead, "_WORTH_BYTES", 0)
    monkeypatch.setattr(ahead, "_count", lambda: 0)
    before = signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        assert Started(package, Cache(str(tmp_path / "cache"))).missed("shop", "__init__.py") == []
    finally:
        signal.signal(signal.SIGCHLD, before)
    monkeypatch.setattr(ahead, "_count", lambda: 1)
    assert Started(package, Cache(str(tmp_path / "cache"))).missed("shop", "__init__.py") == []
    monkeypatch.setattr(ahead, "_count", lambda: 0)
    assert Started(package, Cache(str(tmp_path / "cache"))).missed("shop", "__init__.py") != []


def test_the_cache_is_filled_and_what_cannot_be_is_passed_over(package: Path, tmp_path: Path) -> None:
    cache = Cache(str(tmp_path / "cache"))
    (package / "b.py").write_bytes(b"def f(:\n")
    names = [str(package / name) for name in ("missing.py", "b.py", "c.py")]
    fill(cache, "hold", names, os.getpid())
    assert [cache.has_file(name, "hold") for name in names] == [False, False, True]
    assert cache.load(Source(lambda: SOURCE), names[2], "hold") is not None


def test_a_helper_stops_when_its_program_is_gone(package: Path, tmp_path: Path) -> None:
    gone = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(gone, 0)
    cache = Cache(str(tmp_path / "cache"))
    fill(cache, "hold", [str(package / "c.py")], gone)
    assert not cache.has_file(str(package / "c.py"), "hold")


PROGRAM = """
import os, sys
from raceway.autoinstrument.ahead import start_helper

start_helper([sys.argv[1], "hold", str(os.getpid()), *sys.argv[2:]])
try:
    print(os.wait())
except ChildProcessError:
    with open(sys.argv[-1], "wb"):  # waits for the helper to come to it
        print("nobody's")
"""


def test_a_helper_is_nobodys_child(package: Path, tmp_path: Path) -> None:
    cache = Cache(str(tmp_path / "cache"))
    fifo = package / "last.py"
    os.mkfifo(fifo)
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, cache.directory, str(package / "c.py"), str(fifo)],
        env=clean_environ(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
    )
    assert finished.stdout == "nobody's\n"
    assert cache.load(Source(lambda: SOURCE), str(package / "c.py"), "hold") is not None
