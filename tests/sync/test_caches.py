"""Caches of functools: what one thread computed comes before whoever is given it."""

from __future__ import annotations

import contextlib
import copy
import functools
import gc
import pickle
import sqlite3
import weakref
from typing import Any

import pytest

from tests.sync.recording import FakeRecorder, Gate, outcome, run, watched


@functools.lru_cache
def early(number: int) -> int:
    """A cache of before the run."""
    return number * 2


@pytest.mark.parametrize("decorate", [functools.cache, functools.lru_cache(maxsize=2), functools.lru_cache])
def test_a_value_that_was_computed_comes_before_its_next_call(decorate: Any, recorder: FakeRecorder) -> None:
    @decorate  # type: ignore[untyped-decorator]
    def double(number: int) -> int:
        recorder.mark("computes")
        return number * 2

    computed = Gate()

    def first() -> None:
        double(2)
        recorder.mark("goes on")
        computed.open()

    def second() -> None:
        computed.wait()
        assert double(2) == 4
        recorder.mark("is given")

    run(first, second)
    assert recorder.before("computes", "is given")
    assert not recorder.before("goes on", "is given")


def test_a_call_that_computed_nothing_orders_nothing_after_it(recorder: FakeRecorder) -> None:
    @functools.cache
    def double(number: int) -> int:
        return number * 2

    double(2)
    called = Gate()

    def first() -> None:
        recorder.mark("calls")
        double(2)
        called.open()

    def second() -> None:
        called.wait()
        double(2)
        recorder.mark("calls too")

    run(first, second)
    assert not recorder.before("calls", "calls too")


def test_a_cached_property_is_published_before_it_is_stored(recorder: FakeRecorder) -> None:
    class Page:
        @functools.cached_property
        def words(self) -> list[str]:
            return ["a"]

    page = Page()
    assert page.words is page.words
    assert recorder.told("release") == [recorder.of[id(page)]]


def test_caches_are_what_they_would_be() -> None:
    def described() -> list[object]:
        @functools.lru_cache(maxsize=3)
        def double(number: int) -> int:
            return number * 2

        class Page:
            @functools.lru_cache  # noqa: B019
            def twice(self, number: int) -> int:
                return number * 2

            @functools.cached_property
            def size(self) -> int:
                raise KeyError("no size")

        double.__dict__["mark"] = 1
        page = Page()
        failing = functools.lru_cache(lambda number: 1 / number)
        return [
            double(2), double(2), double.cache_info(), double.cache_parameters(), double.__name__,
            double.__wrapped__(3),
            page.twice(4), Page.twice.cache_info(), copy.copy(double) is double, copy.deepcopy(double) is double,
            pickle.loads(pickle.dumps(early)) is early, type(double).__name__, repr(double).split(" at ")[0],
            isinstance(double, functools._lru_cache_wrapper), isinstance(early, functools._lru_cache_wrapper),
            outcome(lambda: failing(0)), outcome(failing), outcome(lambda: page.size),
            outcome(lambda: functools.lru_cache(maxsize="x")),  # type: ignore[call-overload]
            double.cache_info(), callable(double), hash(double) == hash(double),
        ]  # fmt: skip

    plain = described()
    with watched():
        assert described() == plain


def test_a_cache_dies_when_it_would_have() -> None:
    with watched():

        def double(number: int) -> int:
            return number * 2

        cache: Any = functools.lru_cache(double)
        cache.me = cache
        cache(3)
        reference = weakref.ref(cache)
        del cache, double
        gc.collect()
        assert reference() is None


def test_a_cache_goes_on_after_the_run() -> None:
    with watched():
        double = functools.cache(lambda number: number * 2)
        assert double(2) == 4
    assert [double(2), double(3)] == [4, 6]
    with watched() as recorder:
        assert [double(2), double(4), early(1)] == [4, 8, 2]
        assert "lock_taken" not in recorder.verbs()


def test_a_cache_may_be_made_by_keywords(recorder: FakeRecorder) -> None:
    kind: Any = functools._lru_cache_wrapper
    kind_of_info: Any = type(early.cache_info())
    cache = kind(user_function=abs, maxsize=3, typed=False, cache_info_type=kind_of_info)
    assert cache(-1) == 1


def test_the_statements_that_a_connection_keeps_order_nobody(recorder: FakeRecorder) -> None:
    class Own(sqlite3.Connection):
        pass

    with contextlib.closing(sqlite3.connect(":memory:", factory=Own)) as connection:
        for _ in range(2):
            connection.execute("SELECT 1")
    assert recorder.verbs() == []
