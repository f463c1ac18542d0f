"""What a statement begins with, and what is told of programs of them: both cores say the same."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raceway.sync.databases import begins
from tests.sync.databases import INSERT, SELECT, Step, make, steps_told, told
from tests.sync.recording import models, watched

WORDS = "SELECT begin Immediate EXCLUSIVE insert commit longerthanany savepointx x é \u017felect \u0130 \u212a".split()
OTHERS = "-- /* */ */ /*/ - / * 1 ( ;".split()
SPACES = ["--\n", "\n", "\n", " ", "\t", "\v", "\r", "\x1f", "\xa0", "\u2003", "\0", "\U0001f600"]
PIECES = [*WORDS, *OTHERS, *SPACES]


@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=20)))
@settings(max_examples=300)
def test_both_cores_find_the_same_words(sql: str) -> None:
    if models.native is not None:
        assert models.native.database_words(sql) == tuple(word[:12] for word in begins(sql))


STEPS: list[Step] = [
    "BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT s", "RELEASE s", "PRAGMA user_version", INSERT, SELECT,
    "CREATE TABLE IF NOT EXISTS goods (name)", "nonsense", ("commit",), ("rollback",), ("executescript", SELECT),
    ("executescript", "BEGIN"), ("executescript", "PRAGMA user_version"),
]  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(STEPS)), max_size=25))
@settings(max_examples=25)
def test_both_cores_tell_the_same_of_any_program(tmp_path_factory: pytest.TempPathFactory, program: Any) -> None:
    if models.native is None:
        return
    native = models.native
    logs = []
    for core in (None, native):
        models.native = core
        try:
            logs.append(log_of(tmp_path_factory.getbasetemp() / "any.db", program))
        finally:
            models.native = native
    assert logs[0] == logs[1]


def log_of(place: Path, program: list[tuple[int, Step]]) -> list[str]:
    """What is told of steps by two connections, and by cursors of these."""
    make(place)
    with watched() as recorder, contextlib.ExitStack() as stack:
        subjects: list[Any] = []
        for level in (None, "IMMEDIATE"):
            connection = sqlite3.connect(place, timeout=0, isolation_level=level)
            stack.enter_context(contextlib.closing(connection))
            subjects += [connection, connection.cursor()]
        log = []
        for which, step in program:
            subject = subjects[which if isinstance(step, str) or step[0] == "executescript" else which // 2 * 2]

            def go(subject: Any = subject, step: Step = step) -> None:
                with contextlib.suppress(sqlite3.Error):
                    steps_told(recorder, subject, [step])

            log.append(told(recorder, go))
        return log
