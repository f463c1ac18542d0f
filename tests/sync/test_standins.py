"""Functions of C modules that have a model: they are pickled, described and bound as ever, whoever holds them."""

from __future__ import annotations

import _thread
import array
import datetime
import fcntl
import inspect
import os
import pickle
import select
import sqlite3
from typing import Any

import pytest

from raceway import standins
from tests.sync.recording import FakeRecorder, models, watched

FUNCTIONS = [
    (os, "read"), (os, "write"), (os, "close"), (select, "select"), (fcntl, "flock"), (sqlite3, "connect"),
    (_thread, "start_new_thread"),
]  # fmt: skip


def said(owner: Any, name: str) -> list[object]:
    function = getattr(owner, name)
    try:
        signature = str(inspect.signature(function))
    except ValueError as error:
        signature = str(error)
    same = pickle.loads(pickle.dumps(function)) is function
    names = function.__module__, function.__name__, function.__qualname__
    return [signature, same, names, function.__doc__, repr(function), inspect.isroutine(function)]


@pytest.mark.parametrize(("owner", "name"), FUNCTIONS, ids=[name for _, name in FUNCTIONS])
def test_what_has_a_model_says_of_itself_what_it_said(owner: Any, name: str) -> None:
    before, real = said(owner, name), getattr(owner, name)
    with watched():
        assert said(owner, name) == before
        if models.native is not None:
            assert type(getattr(owner, name)) is type(real)
    assert getattr(owner, name) is real
    assert said(owner, name) == before


def test_as_the_attribute_of_a_class_it_is_no_method(recorder: FakeRecorder) -> None:
    class Selector:
        select, read, write = select.select, os.read, os.write

    selector: Any = Selector()
    reader, writer = os.pipe()
    assert selector.write(writer, b"some") == 4
    assert selector.select([reader], [], [], 0) == ([reader], [], [])
    assert selector.read(reader, 9) == b"some"
    assert recorder.verbs() == ["release", "acquire", "acquire"]
    os.close(reader)
    os.close(writer)


def test_who_had_the_function_before_the_run_has_it_with_its_model() -> None:
    if models.native is None:
        pytest.skip("of the models in C")
    write, read = os.write, os.read
    poll = select.poll()
    told = poll.poll
    with watched() as recorder:
        reader, writer = os.pipe()
        write(writer, b"some")
        read(reader, 9)
        poll.register(reader)
        assert told(0) == []
        assert recorder.verbs()[:2] == ["release", "acquire"]
        os.close(reader)
        os.close(writer)


def test_one_is_taken_back_under_another() -> None:
    if models.native is None:
        pytest.skip("of the models in C")

    def doubling(real: Any) -> Any:
        return lambda *args: real(*args) * 2

    def adding(real: Any) -> Any:
        return lambda *args: real(*args) + 1

    owner, name = os, "getpgid"
    plain = os.getpgid(0)
    undo_first = standins.stand_in(owner, name, doubling, models.native)
    assert os.getpgid(0) == plain * 2
    undo_second = standins.stand_in(owner, name, adding, models.native)
    assert os.getpgid(0) == plain * 2 + 1
    undo_first()  # it is not the newest, and stays below that
    assert os.getpgid(0) == plain * 2 + 1
    undo_second()
    assert os.getpgid(0) == plain * 2
    undo_first()
    assert os.getpgid(0) == plain


def test_all_ways_of_being_called_reach_what_is_called() -> None:
    if models.native is None:
        pytest.skip("of the models in C")
    calls: list[tuple[tuple[object, ...], dict[str, object]]] = []

    def noting(real: Any) -> Any:
        def called(*args: object, **named: object) -> object:
            calls.append((args, named))
            return real(*args, **named)

        return called

    functions = [getattr(os, name) for name in ("getpid", "strerror", "lseek", "access")]
    methods = [array.array.tolist, array.array.count, array.array.insert, bytearray.split, datetime.date.replace]
    undo = [standins.redirected(each, noting, models.native) for each in (*functions, *methods)]
    some, day = array.array("i", [5, 6]), datetime.date(2026, 1, 2)
    try:
        assert os.getpid() == os.getpid()
        assert os.strerror(2)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.lseek(-1, 0, 0)
        assert os.access(".", mode=os.F_OK, follow_symlinks=True)
        assert some.tolist() == [5, 6]
        assert some.count(5) == 1
        some.insert(0, 4)
        assert bytearray(b"a b").split(maxsplit=1) == [b"a", b"b"]
        assert day.replace(2027, day=3) == datetime.date(2027, 1, 3)
        with pytest.raises(TypeError, match="getpid"):
            os.getpid(1)  # type: ignore[call-arg]
    finally:
        for each in undo:
            assert each is not None
            each()
    assert calls[:5] == [
        ((), {}),
        ((), {}),
        ((2,), {}),
        ((-1, 0, 0), {}),
        ((".",), {"mode": os.F_OK, "follow_symlinks": True}),
    ]
    assert calls[5:] == [
        ((some,), {}),
        ((some, 5), {}),
        ((some, 0, 4), {}),
        ((bytearray(b"a b"),), {"maxsplit": 1}),
        ((day, 2027), {"day": 3}),
    ]
    assert os.strerror(2)
    assert len(calls) == 10


def test_what_is_no_function_of_a_module_is_replaced_as_it_was() -> None:
    class Owner:
        """Has something of Python."""

        @staticmethod
        def name() -> int:
            return 1

    undo = standins.stand_in(Owner, "name", lambda real: staticmethod(lambda: real() + 1), models.native)
    assert Owner.name() == 2
    undo()
    assert Owner.name() == 1
