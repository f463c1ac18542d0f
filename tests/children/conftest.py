"""The place in which programs of several processes are run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.children.running import SHARED, Place


@pytest.fixture
def place() -> Iterator[Place]:
    """A directory with the module that races. Its path is short: multiprocessing makes Unix sockets under it."""
    with tempfile.TemporaryDirectory(prefix="rw-") as folder:
        found = Place(Path(folder) / "program", Path(folder) / "temporary")
        found.directory.mkdir()
        found.temporary.mkdir()
        found.write("shared.py", SHARED)
        yield found
