"""Statements for tests of databases, and what is told of each."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.sync.recording import FakeRecorder

Step = str | tuple[Any, ...]
"""A statement, or the name of a method and its arguments."""


def make(place: Path) -> None:
    """The database, anew."""
    place.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(place)) as connection:
        connection.execute("CREATE TABLE sales (name)")


def told(recorder: FakeRecorder, function: Callable[[], object]) -> str:
    """What is told while the function is called: `r` for a release, `a` for an acquire."""
    before = len(recorder.log)
    function()
    verbs = (verb for verb, _actor, _arguments in recorder.log[before:] if verb in ("release", "acquire"))
    return "".join(dict.fromkeys(verb[0] for verb in verbs))  # where a connection asks a cursor, both tell


def steps_told(recorder: FakeRecorder, connection: Any, steps: list[Step]) -> list[str]:
    """The same for each step."""

    def go(step: Step) -> object:
        name, *arguments = ("execute", step) if isinstance(step, str) else step
        return getattr(connection, name)(*arguments)

    return [told(recorder, functools.partial(go, step)) for step in steps]


def autocommitting(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def plainly(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path)


INSERT = "INSERT INTO sales VALUES (1)"
SELECT = "SELECT * FROM sales"
