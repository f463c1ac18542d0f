"""The cache of instrumented bytecode: what comes back is what was put in, and nothing else ever does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from raceway.autoinstrument.cache import Cache, Cached
from raceway.transform import Instrumented, instrument
from tests.conftest import RunRaceway

SOURCE = b"total = 0\ndef add(o):\n    global total\n    total += o.count\n"


@pytest.fixture
def done() -> Instrumented:
    """A module that the transform has rewritten."""
    return instrument(SOURCE, "shop.py", "shop")


def put(cache: Cache, done: Instrumented, source: bytes = SOURCE, filename: str = "shop.py") -> None:
    """Store a module."""
    cache.store(source, filename, "hold", Cached(done.code, done.sites, done.marker))


def files(directory: Path) -> list[Path]:
    """All files below a directory."""
    return [path for path in directory.rglob("*") if path.is_file()]


def test_what_was_stored_comes_back(tmp_path: Path, done: Instrumented) -> None:
    put(Cache(str(tmp_path)), done)
    found = Cache(str(tmp_path)).load(SOURCE, "shop.py", "hold")
    assert found is not None
    assert (found.code, tuple(found.sites), found.marker) == (done.code, done.sites, done.marker)


@pytest.mark.parametrize(("source", "filename"), [(SOURCE + b"#", "shop.py"), (SOURCE, "other.py")])
def test_another_source_or_name_is_a_miss(tmp_path: Path, done: Instrumented, source: bytes, filename: str) -> None:
    cache = Cache(str(tmp_path))
    put(cache, done)
    assert cache.load(source, filename, "hold") is None


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"\x00" * 400])
def test_a_damaged_file_is_a_miss_and_is_replaced(tmp_path: Path, done: Instrumented, damage: bytes) -> None:
    cache = Cache(str(tmp_path))
    put(cache, done)
    (path,) = files(tmp_path)
    path.write_bytes(damage)
    assert cache.load(SOURCE, "shop.py", "hold") is None
    put(cache, done)
    assert cache.load(SOURCE, "shop.py", "hold") is not None


def test_every_byte_counts(tmp_path: Path, done: Instrumented) -> None:
    cache = Cache(str(tmp_path))
    put(cache, done)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert cache.load(SOURCE, "shop.py", "hold") is None


def test_no_directory_is_no_cache(done: Instrumented) -> None:
    cache = Cache("")
    put(cache, done)
    assert cache.load(SOURCE, "shop.py", "hold") is None


def test_a_directory_that_cannot_be_made_only_costs_time(tmp_path: Path, done: Instrumented) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(str(tmp_path / "file" / "cache"))
    put(cache, done)
    assert cache.load(SOURCE, "shop.py", "hold") is None


def test_nothing_is_left_beside_the_files(tmp_path: Path, done: Instrumented) -> None:
    cache = Cache(str(tmp_path))
    for _ in range(3):
        put(cache, done)
    assert len(files(tmp_path)) == 1


def test_a_warm_run_finds_the_same_and_imports_no_libcst(run_raceway: RunRaceway, tmp_path: Path) -> None:
    program = run_raceway.write(
        "app.py",
        "import sys, threading\nclass Box: value = 0\nbox = Box()\n"
        "def work():\n    for _ in range(5): box.value += 1\n"
        "threads = [threading.Thread(target=work) for _ in range(2)]\n"
        "for thread in threads: thread.start()\nfor thread in threads: thread.join()\nprint('libcst' in sys.modules)\n",
    )
    environ = {"RACEWAY_CACHE_DIR": str(tmp_path / "cache")}
    cold, warm = (run_raceway("--fail-on", "never", program, environ=environ) for _ in range(2))
    assert (cold.stdout, warm.stdout) == ("True\n", "False\n")
    assert [one["fingerprint"] for one in cold.findings] == [one["fingerprint"] for one in warm.findings]
    assert len(cold.findings) == 1
    assert os.listdir(tmp_path / "cache")
