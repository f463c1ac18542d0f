"""Where a suite runs: its source distribution, unpacked, and a virtual environment of its own, both kept in a cache."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from msgspec import Struct

from tests.suites.catalogue import Catalogue, Suite

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = Path(__file__).with_name("plugin")
_INSTALL_TIMEOUT_S = 900


class SetUpError(Exception):
    """A suite could not be downloaded or installed."""


class Place(Struct, frozen=True):
    """A suite that is ready to run: the interpreter, the directory, and the directories to put on the search path."""

    python: Path
    directory: Path
    search: tuple[Path, ...]
    cache: Path


def prepare(name: str, suite: Suite, catalogue: Catalogue, cache: Path) -> Place:
    """Download, unpack and install what is not in the cache yet. Raises SetUpError."""
    origin = filter(None, (suite.repository, suite.tag))
    made_of = (name, suite.version, suite.requires, catalogue.common, sys.version, *origin)
    key = hashlib.sha256(repr(made_of).encode())
    home = cache / f"{name}-{suite.version}-{key.hexdigest()[:8]}"
    python = home / "venv" / "bin" / "python"
    source = home / "source"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        if suite.repository:
            _run(["git", "clone", "--quiet", "--depth", "1", "--branch", suite.tag, suite.repository, source])
        else:
            _unpack(name, suite, home, source)
        _run([sys.executable, "-m", "venv", home / "venv"])
        wanted = [f"{name}=={suite.version}", *catalogue.common, *suite.requires]
        _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
        (home / "ready").touch()
    return Place(python, source / suite.within, (_path_entry(cache), PLUGIN), cache / "bytecode")


def _unpack(name: str, suite: Suite, home: Path, source: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    _run([*pip, "--no-binary", name, "--dest", home, f"{name}=={suite.version}"])
    archives = list(home.glob("*.tar.gz"))
    if len(archives) != 1:
        raise SetUpError(f"{name} {suite.version} has no source distribution that can be unpacked")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(home / "unpacked", filter="data")
    (top,) = (home / "unpacked").iterdir()
    top.rename(source)


def _path_entry(cache: Path) -> Path:
    """A directory that holds this checkout's `raceway` and nothing else: its `tests` would hide those of the suites."""
    entry = cache / "path" / hashlib.sha256(bytes(ROOT)).hexdigest()[:8]
    entry.mkdir(parents=True, exist_ok=True)
    link = entry / "raceway"
    if link.resolve() != ROOT / "raceway":
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT / "raceway", target_is_directory=True)
    return entry


def _run(command: list[str | Path]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise SetUpError(f"{command[0]} took longer than {_INSTALL_TIMEOUT_S} s") from error
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise SetUpError(f"{' '.join(map(str, command))}: status {done.returncode}\n{last}")
