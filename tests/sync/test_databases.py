"""Databases of `sqlite3` in a file: a commit orders the transactions that begin later, by whoever has the file open."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sync.databases import INSERT, SELECT, Step, autocommitting, make, plainly, steps_told, told
from tests.sync.recording import FakeRecorder, Gate, run, watched


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table, made when nobody watched."""
    place = tmp_path / "shop.db"
    make(place)
    return place


CASES: dict[str, tuple[Callable[[Path], sqlite3.Connection], list[tuple[Step, str]]]] = {
    "each statement by itself": (
        autocommitting,
        [
            (INSERT, "ra"),
            ("UPDATE sales SET name = 2", "ra"),
            ("REPLACE INTO sales VALUES (3)", "ra"),
            ("DELETE FROM sales", "ra"),
            ("CREATE TABLE goods (name)", "ra"),
            (SELECT, "a"),
            ("VALUES (1)", "a"),
            ("WITH one AS (SELECT 1) SELECT * FROM one", "a"),
            ("PRAGMA user_version", ""),
            ("EXPLAIN SELECT 1", ""),
            ("-- why\n /* how */ select 1", "a"),
        ],
    ),
    "a transaction that takes no lock looks at its first statement": (
        autocommitting,
        [
            ("BEGIN", ""),
            (SELECT, "a"),
            (SELECT, ""),
            (INSERT, ""),
            ("COMMIT", "r"),
            ("begin deferred transaction", ""),
            (INSERT, "a"),
            ("END", "r"),
            ("BEGIN", ""),
            ("CREATE TABLE goods (name)", "a"),
            ("DROP TABLE goods", ""),
            ("COMMIT", "r"),
            ("BEGIN", ""),
            ("COMMIT", "r"),
            (SELECT, "a"),
        ],
    ),
    "one that takes the lock looks at once": (
        autocommitting,
        [
            ("BEGIN IMMEDIATE", "a"),
            (SELECT, ""),
            (INSERT, ""),
            ("COMMIT", "r"),
            ("/**/begin\n exclusive", "a"),
            (SELECT, ""),
            ("END TRANSACTION", "r"),
        ],
    ),
    "savepoints": (
        autocommitting,
        [
            ("SAVEPOINT one", ""),
            (INSERT, ""),
            ("RELEASE one", "r"),
            (SELECT, "a"),
        ],
    ),
    "what is taken back commits nothing": (
        autocommitting,
        [
            ("BEGIN IMMEDIATE", "a"),
            (INSERT, ""),
            ("ROLLBACK", ""),
            ("BEGIN", ""),
            ("PRAGMA user_version", "a"),
            ("ROLLBACK", ""),
            (SELECT, "a"),
        ],
    ),
    "a transaction that the module begins": (
        plainly,
        [
            (SELECT, "a"),
            (("commit",), ""),
            (INSERT, "a"),
            (INSERT, ""),
            (SELECT, ""),
            (("commit",), "r"),
            (("commit",), ""),
            (("executemany", "INSERT INTO sales VALUES (?)", "abc"), "a"),
            (("rollback",), ""),
            ("CREATE TABLE goods (name)", "ra"),
        ],
    ),
    "a context": (
        plainly,
        [
            (INSERT, "a"),
            (("__enter__",), ""),
            (("__exit__", None, None, None), "r"),
            (("__exit__", None, None, None), ""),
        ],
    ),
    "scripts": (
        plainly,
        [
            (("executescript", SELECT), "ra"),
            (("executescript", "PRAGMA user_version; SELECT 1"), "r"),
            (("executescript", f"BEGIN; {INSERT};"), "r"),
            (SELECT, "a"),
            (SELECT, ""),
            (("commit",), "r"),
            (("executescript", "BEGIN IMMEDIATE; COMMIT"), "ra"),
            (("executescript", ""), "ra"),
        ],
    ),
}


@pytest.mark.parametrize("by_cursor", [False, True], ids=["connection", "cursor"])
@pytest.mark.parametrize("case", CASES)
def test_transactions_are_told(path: Path, recorder: FakeRecorder, case: str, by_cursor: bool) -> None:
    connect, steps = CASES[case]
    with contextlib.closing(connect(path)) as connection:
        cursor = connection.cursor()
        found = []
        for step, _verbs in steps:
            name = "execute" if isinstance(step, str) else step[0]
            subject = cursor if by_cursor and name.startswith("execute") else connection
            found += steps_told(recorder, subject, [step])
        assert found == [verbs for _step, verbs in steps]
    assert len(set(recorder.told("release") + recorder.told("acquire"))) == 1


def test_a_commit_comes_before_what_looks_later(path: Path, recorder: FakeRecorder) -> None:
    gates = [Gate(), Gate()]

    def sell() -> None:
        with contextlib.closing(plainly(path)) as connection:
            connection.execute(INSERT)
            recorder.mark("sold")
            connection.commit()
            recorder.mark("committed")
        gates[0].open()

    def look(before: str, after: str, turn: int) -> None:
        gates[turn].wait()
        with contextlib.closing(plainly(path)) as connection:
            recorder.mark(before)
            connection.cursor().execute(SELECT)
            recorder.mark(after)
        gates[-1].open()

    run(sell, lambda: look("waiting", "looked", 0), lambda: look("waiting too", "looked too", 1))
    order = recorder.before
    assert order("sold", "looked")
    assert order("sold", "looked too")
    assert not order("sold", "waiting")
    assert not order("committed", "looked")
    assert not order("looked", "looked too")


def test_files_are_told_apart_however_they_are_named(path: Path, recorder: FakeRecorder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    near = os.path.relpath(path)
    names: list[Any] = [path, str(path), os.fsencode(path), near, tmp_path / "link" / "." / "shop.db"]
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(contextlib.closing(sqlite3.connect(name))).execute(SELECT)
        stack.enter_context(contextlib.closing(sqlite3.connect(database=path))).execute(SELECT)
        assert len(recorder.told("acquire")) == 6
        assert len(set(recorder.told("acquire"))) == 1
        stack.enter_context(contextlib.closing(sqlite3.connect(tmp_path / "other.db"))).execute("SELECT 1")
        assert len(set(recorder.told("acquire"))) == 2


def test_what_was_committed_is_known_when_all_connections_are_gone(path: Path, recorder: FakeRecorder) -> None:
    for _ in range(3):
        with contextlib.closing(autocommitting(path)) as connection:
            connection.execute(INSERT)
        del connection
        gc.collect()
    assert len(set(recorder.told("release") + recorder.told("acquire"))) == 1
    assert list(recorder.kinds.values()).count("database") == 1


@pytest.mark.parametrize("name", [":memory:", b":memory:", "", "file::memory:"])
def test_databases_in_memory_order_nothing(recorder: FakeRecorder, name: Any) -> None:
    with contextlib.closing(sqlite3.connect(name, uri=True)) as connection:
        assert steps_told(recorder, connection, ["CREATE TABLE x (y)", "SELECT 1", ("executescript", "SELECT 1")]) == [
            "",
            "",
            "",
        ]
        connection.execute("INSERT INTO x VALUES (1)")
        assert told(recorder, connection.commit) == ""


def test_who_has_the_address_of_a_connection_later_is_another(path: Path, recorder: FakeRecorder) -> None:
    for _ in range(20):
        first = autocommitting(path)
        assert steps_told(recorder, first, ["BEGIN", SELECT, "ROLLBACK", "BEGIN"]) == ["", "a", "", ""]
        first.close()
        del first
        gc.collect()  # it has a cache that has it
        second = sqlite3.connect(":memory:")
        assert steps_told(recorder, second, ["SELECT 1", "BEGIN", "COMMIT"]) == ["", "", ""]
        second.close()
        del second
        gc.collect()
        third = autocommitting(path)
        third.cursor()
        third.executescript(
            "BEGIN IMMEDIATE"
        )  # the transaction that another one with this address had begun is not its
        assert steps_told(recorder, third, [SELECT]) == [""]
        third.close()
        del third
        gc.collect()


def test_a_connection_of_before_the_run_orders_nothing(path: Path) -> None:
    with contextlib.closing(autocommitting(path)) as connection, watched() as recorder:
        assert steps_told(recorder, connection, [INSERT, SELECT]) == ["", ""]


def test_nothing_is_told_between_runs(path: Path) -> None:
    with watched():
        connection = autocommitting(path)
        method = connection.execute
    method("BEGIN")
    with watched() as recorder, contextlib.closing(connection):
        assert steps_told(recorder, connection, [SELECT, "COMMIT"]) == ["", ""]
        method(SELECT)
        assert recorder.verbs() == []


def test_a_statement_that_fails_has_looked_at_nothing(path: Path, recorder: FakeRecorder) -> None:
    with contextlib.closing(autocommitting(path)) as connection:

        def fail() -> None:
            with pytest.raises(sqlite3.OperationalError):
                connection.execute("SELECT * FROM nowhere")

        connection.execute("BEGIN")
        assert told(recorder, fail) == ""
        with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
            connection.execute("BEGIN IMMEDIATE")
        assert steps_told(recorder, connection, [SELECT, SELECT]) == ["a", ""]
