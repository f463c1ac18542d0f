"""Copies of pyperformance's programs, made in a work directory: copies are own code, installed packages are not.

Nothing of pyperformance is part of this repository; it comes with the extra `bench`.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from benchmarks.programs.adapters import ADAPTERS

DATA = {"bm_pyflate": "data/interpreter.tar.bz2"}
"""Files that a program reads."""


class MissingPackageError(Exception):
    """A package of the extra `bench` is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"{package} is not installed: pip install -e '.[bench]', or use make bench")


def package_directory(package: str) -> Path:
    """Where an installed package lies. Raises MissingPackageError."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(package)
    return Path(next(iter(spec.submodule_search_locations)))


def copy_programs(directory: Path) -> Path:
    """Copy every program that has an adapter into the directory, as modules `bm_<name>`; files that are there stay."""
    source = package_directory("pyperformance") / "data-files" / "benchmarks"
    directory.mkdir(parents=True, exist_ok=True)
    for module in {adapter.module for adapter in ADAPTERS.values()}:
        _copy(source / module / "run_benchmark.py", directory / f"{module}.py")
        if module in DATA:
            file = source / module / DATA[module]
            _copy(file, directory / file.name)
    return directory


def _copy(source: Path, target: Path) -> None:
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)
