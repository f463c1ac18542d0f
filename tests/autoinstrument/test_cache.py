"""The cache of instrumented bytecode: what comes back is what was put in, and nothing else ever does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from raceway.autoinstrument.cache import Cache, Cached
from raceway.autoinstrument.source import Source
from raceway.transform import Instrumented, instrument
from tests.conftest import ROOT, TIMEOUT_S, RunRaceway, clean_environ

SOURCE = b"total = 0\ndef add(o):\n    global total\n    total += o.count\n"


@pytest.fixture
def done() -> Instrumented:
    """A module that the transform has rewritten."""
    return instrument(SOURCE, "shop.py", "shop")


def put(cache: Cache, done: Instrumented, source: bytes = SOURCE, filename: str = "shop.py") -> None:
    """Store a module."""
    cache.store(Source(lambda: source), filename, "hold", Cached(*done.parted()))


def files(directory: Path) -> list[Path]:
    """All files below a directory."""
    return [path for path in directory.rglob("*") if path.is_file()]


def test_what_was_stored_comes_back(tmp_path: Path, done: Instrumented) -> None:
    put(Cache(str(tmp_path)), done)
    found = Cache(str(tmp_path)).load(Source(lambda: SOURCE), "shop.py", "hold")
    assert found is not None
    assert (found.code, tuple(found.sites), found.places) == done.parted()


@pytest.mark.parametrize(("source", "filename"), [(SOURCE + b"#", "shop.py"), (SOURCE, "other.py")])
def test_another_source_or_name_is_a_miss(tmp_path: Path, done: Instrumented, source: bytes, filename: str) -> None:
    cache = Cache(str(tmp_path))
    put(cache, done)
    assert cache.load(Source(lambda: source), filename, "hold") is None


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"\x00" * 400])
def test_a_damaged_file_is_a_miss_and_is_replaced(tmp_path: Path, done: Instrumented, damage: bytes) -> None:
    cache = Cache(str(tmp_path))
    put(cache, done)
    (path,) = files(tmp_path)
    path.write_bytes(damage)
    assert cache.load(Source(lambda: SOURCE), "shop.py", "hold") is None
    put(cache, done)
    assert cache.load(Source(lambda: SOURCE), "shop.py", "hold") is not None


@pytest.mark.parametrize("kept", [1, 8, 40, -1])
def test_a_truncated_file_is_a_miss(tmp_path: Path, done: Instrumented, kept: int) -> None:
    cache = Cache(str(tmp_path))
    put(cache, done)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    assert cache.load(Source(lambda: SOURCE), "shop.py", "hold") is None


def test_forms_are_kept_apart(tmp_path: Path, done: Instrumented) -> None:
    cache = Cache(str(tmp_path))
    put(cache, done)
    assert cache.load(Source(lambda: SOURCE), "shop.py", "peek") is None
    assert cache.load(Source(lambda: SOURCE), "shop.py", "hold") is not None


def test_a_file_of_another_version_is_a_miss(
    tmp_path: Path, done: Instrumented, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(Cache(str(tmp_path)), done)
    monkeypatch.setattr("raceway.autoinstrument.cache.__version__", "0.0.0")
    other = Cache(str(tmp_path))
    assert other.load(Source(lambda: SOURCE), "shop.py", "hold") is None
    put(other, done)
    assert other.load(Source(lambda: SOURCE), "shop.py", "hold") is not None
    assert len(files(tmp_path)) == 1


def settled(path: Path, content: bytes = SOURCE) -> Path:
    """A file that was written long ago, as far as its time of change tells."""
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))
    return path


def test_a_file_that_has_not_changed_is_not_read(
    tmp_path: Path, done: Instrumented, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Status changes cannot be dated back: nothing is too young here.
    monkeypatch.setattr("raceway.autoinstrument.source._SETTLED_NS", -(10**12))
    path = settled(tmp_path / "shop.py")
    cache, name = Cache(str(tmp_path / "cache")), str(path)
    made = Cached(*done.parted())
    cache.store(Source(path.read_bytes, name), name, "hold", made)

    def unread() -> bytes:
        raise AssertionError("it was read")

    assert cache.load(Source(unread, name), name, "hold") is not None
    path.write_bytes(SOURCE + b"#")
    assert cache.load(Source(path.read_bytes, name), name, "hold") is None
    settled(path)  # same size, same date, and yet another time of status change: read, found equal, noted anew
    assert cache.load(Source(path.read_bytes, name), name, "hold") is not None
    assert cache.load(Source(unread, name), name, "hold") is not None


def test_a_file_that_may_still_change_in_the_same_tick_is_read(tmp_path: Path, done: Instrumented) -> None:
    path = tmp_path / "shop.py"
    path.write_bytes(SOURCE)
    cache, name = Cache(str(tmp_path / "cache")), str(path)
    cache.store(Source(path.read_bytes, name), name, "hold", Cached(*done.parted()))
    changed = Source(lambda: SOURCE.replace(b"count", b"other"), name)
    assert cache.load(changed, name, "hold") is None


BUSY = """
import sys
from raceway.autoinstrument.cache import Cache, Cached
from raceway.autoinstrument.source import Source
from raceway.transform import instrument

source = Source(sys.argv[2].encode)
done = instrument(source.content, "shop.py", "shop")
cache = Cache(sys.argv[1])
for _ in range(100):
    cache.store(source, "shop.py", "hold", Cached(*done.parted()))
    found = cache.load(source, "shop.py", "hold")
    assert found is not None and found.code == done.parted()[0]
"""


def test_processes_that_store_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BUSY, str(tmp_path), SOURCE.decode()]
    children = [subprocess.Popen(command, env=clean_environ(), cwd=ROOT) for _ in range(2)]
    assert [child.wait(TIMEOUT_S) for child in children] == [0, 0]
    assert len(files(tmp_path)) == 1


def test_every_byte_counts(tmp_path: Path, done: Instrumented) -> None:
    cache = Cache(str(tmp_path))
    put(cache, done)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert cache.load(Source(lambda: SOURCE), "shop.py", "hold") is None


def test_no_directory_is_no_cache(done: Instrumented) -> None:
    cache = Cache("")
    put(cache, done)
    assert cache.load(Source(lambda: SOURCE), "shop.py", "hold") is None


def test_a_directory_that_cannot_be_made_only_costs_time(tmp_path: Path, done: Instrumented) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(str(tmp_path / "file" / "cache"))
    put(cache, done)
    assert cache.load(Source(lambda: SOURCE), "shop.py", "hold") is None


def test_a_directory_below_a_link_to_nowhere_only_costs_time(tmp_path: Path, done: Instrumented) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    cache = Cache(str(tmp_path / "link" / "cache" / "raceway"))
    put(cache, done)
    assert cache.load(Source(lambda: SOURCE), "shop.py", "hold") is None


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
