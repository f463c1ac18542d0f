"""The functions of `sqlite3` with models beside them do what the real ones do, whatever they are called with."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sync.databases import INSERT, SELECT, autocommitting, make, plainly, steps_told, told
from tests.sync.recording import FakeRecorder, models, outcome, watched


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one table, made when nobody watched."""
    place = tmp_path / "shop.db"
    make(place)
    return place


sqlite: Any = sqlite3


class OwnCursor(sqlite3.Cursor):
    connection = property(lambda self: 1 / 0)

    def execute(self, *args: Any) -> Any:
        return super().execute(*args)


class OwnConnection(sqlite3.Connection):
    connection = property(lambda self: 1 / 0)
    in_transaction = property(lambda self: 1 / 0)
    isolation_level = property(lambda self: 1 / 0)

    def commit(self) -> None:
        super().commit()


def test_classes_of_the_program_are_not_asked(path: Path, recorder: FakeRecorder) -> None:
    with contextlib.closing(sqlite3.connect(path, factory=OwnConnection)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = bytes
        assert steps_told(recorder, connection, [INSERT, INSERT, ("commit",)]) == ["a", "", "r"]
        cursor = connection.cursor(OwnCursor)
        assert steps_told(recorder, cursor, [SELECT, INSERT, INSERT]) == ["a", "a", ""]
        assert told(recorder, lambda: connection.__exit__(None, None, None)) == "r"
        assert connection.execute("SELECT name, 'x' AS text FROM sales").fetchall()[0]["text"] == b"x"
    with contextlib.closing(sqlite3.connect(path, factory=OwnConnection, isolation_level=None)) as connection:
        assert steps_told(recorder, connection, [INSERT, "BEGIN", "COMMIT"]) == ["ra", "", "r"]


def test_a_factory_may_give_anything(path: Path, recorder: FakeRecorder) -> None:
    made = sqlite.connect(path, factory=lambda *args, **kwargs: [*args])
    assert made == [path]


def test_a_statement_may_be_of_a_class_of_the_program(path: Path, recorder: FakeRecorder) -> None:
    class Text(str):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(name)

    with contextlib.closing(plainly(path)) as connection:
        assert steps_told(recorder, connection, [("execute", Text("/*'*/ insert into sales values (1)"))]) == ["a"]
        assert told(recorder, connection.commit) == "r"


class FailingPath:
    def __fspath__(self) -> str:
        raise OSError("no path")


WRONG: dict[str, Callable[[Any], object]] = {
    "a mistake": lambda connection: connection.execute("SELEC 1"),
    "no table": lambda connection: connection.cursor().execute("INSERT INTO nowhere VALUES (1)"),
    "too few values": lambda connection: connection.execute("SELECT ?", ()),
    "no statement": lambda connection: connection.execute(),
    "by name": lambda connection: connection.execute(sql=SELECT),
    "a number": lambda connection: connection.execute(3),
    "bytes": lambda connection: connection.executescript(b"SELECT 1"),
    "two statements": lambda connection: connection.execute("SELECT 1; SELECT 2"),
    "a surrogate": lambda connection: connection.execute("SELECT '\ud800'"),
    "no connection": lambda _connection: sqlite.Connection.execute(3, SELECT),
    "no cursor": lambda connection: sqlite.Cursor.execute(connection, SELECT),
    "nobody": lambda _connection: sqlite.Cursor.execute(),
    "nobody commits": lambda _connection: sqlite.Connection.commit(),
    "a list commits": lambda _connection: sqlite.Connection.commit([]),
    "commit with more": lambda connection: connection.commit(1),
    "exit with less": lambda connection: connection.__exit__(),
    "half a cursor": lambda _connection: sqlite.Cursor.__new__(sqlite.Cursor).execute(SELECT),
    "connect to nothing": lambda _connection: sqlite.connect(),
    "connect to a number": lambda _connection: sqlite.connect(3.5),
    "connect to a folder": lambda _connection: sqlite.connect("/"),
    "connect with a zero": lambda _connection: sqlite.connect("a\0b"),
    "connect to no path": lambda _connection: sqlite.connect(FailingPath()),
    "end of nothing": lambda connection: connection.execute("COMMIT"),
}


@pytest.mark.parametrize("what", WRONG)
def test_errors_are_those_of_the_real_functions(path: Path, what: str) -> None:
    def fail() -> object:
        return outcome(lambda: WRONG[what](connection))

    with contextlib.closing(autocommitting(path)) as connection:
        expected = fail()
    with watched(), contextlib.closing(autocommitting(path)) as connection:
        assert fail() == expected
        assert connection.execute(SELECT).fetchall() == []


def test_a_closed_connection_is_left_to_the_real_one(path: Path, recorder: FakeRecorder) -> None:
    connection = autocommitting(path)
    cursor = connection.cursor()
    connection.close()
    calls: list[Callable[[], object]] = [
        *(
            functools.partial(subject.execute, sql)
            for subject in (connection, cursor)
            for sql in (SELECT, INSERT, "COMMIT")
        ),
        functools.partial(connection.executescript, SELECT),
        connection.commit,
        functools.partial(connection.__exit__, None, None, None),
    ]
    for call in calls:
        with pytest.raises(sqlite3.ProgrammingError, match="Cannot operate on a closed database"):
            call()
    assert {"release", "acquire"}.isdisjoint(recorder.verbs())


def test_the_functions_are_those_of_before_when_the_run_is_over() -> None:
    def found() -> list[int]:
        spaces: list[Any] = [sqlite3, sqlite3.dbapi2, sqlite3.Connection, sqlite3.Cursor]
        return [id(value) for space in spaces for value in vars(space).values()]

    before = found()
    with watched():
        assert (found() == before) is (models.native is not None)  # there the functions themselves tell
    assert found() == before


def test_connect_is_no_method_of_who_has_it(path: Path, recorder: FakeRecorder) -> None:
    class Store:
        connect = sqlite3.connect

    store: Any = Store()
    with contextlib.closing(store.connect(path)) as connection:
        assert steps_told(recorder, connection, [SELECT]) == ["a"]


def test_what_stands_for_a_function_answers_for_it() -> None:
    def said() -> list[object]:
        return [(each.__name__, each.__doc__, inspect.unwrap(each)) for each in functions()]

    def functions() -> list[Any]:
        return [sqlite.connect, sqlite.Cursor.execute, sqlite.Connection.executescript, sqlite.Connection.commit]

    expected = said()
    with watched():
        assert said() == expected
        assert (functions()[1] is inspect.unwrap(functions()[1])) is (models.native is not None)
        if models.native is not None:
            assert repr(functions()) == repr([inspect.unwrap(each) for each in functions()])
