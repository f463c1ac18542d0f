"""`dict.get` by a thread that made neither dictionary nor value: as ever, without waiting for itself."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import pytest

from tests.conftest import available_cores, has_gil

pytestmark = [
    pytest.mark.skipif(has_gil(), reason="where there is a GIL there is no lock of a dictionary"),
    pytest.mark.skipif("native" not in available_cores(), reason="no native core"),
]


def elsewhere(call: Callable[[], float]) -> float:
    """What it returns on another thread."""
    results: list[float] = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    return results[0]


def seconds_of_cpu(call: Callable[[], object]) -> float:
    """What it costs the thread, whatever else runs."""
    began = time.thread_time()
    call()
    return time.thread_time() - began


def test_a_get_costs_about_what_a_subscript_does() -> None:
    # Waiting for itself it asked the system forty times to run somebody else: a hundred times the cost.
    got, subscripted = ([{number: object()} for number in range(2000)] for _ in range(2))
    first = elsewhere(lambda: seconds_of_cpu(lambda: [table.get(number) for number, table in enumerate(got)]))
    second = elsewhere(lambda: seconds_of_cpu(lambda: [table[number] for number, table in enumerate(subscripted)]))
    assert first < 20 * second


class Unhashable:
    """A key with an exception of its own."""

    def __hash__(self) -> int:
        raise LookupError("mine")


class Table(dict[object, object]):
    """A dictionary that makes up what it has not."""

    def __missing__(self, key: object) -> str:
        return "made"


def test_it_gives_what_it_ever_gave() -> None:
    table: dict[object, object] = {1: "one", None: None}
    default = object()
    before = sys.getrefcount(default)
    assert (table.get(1), table.get(2), table.get(None, 3), Table().get(1)) == ("one", None, None, None)
    assert table.get(2, default) is default
    assert sys.getrefcount(default) == before
    assert dict.get(table, 1, default) == "one"
    with pytest.raises(LookupError, match="mine"):
        table.get(Unhashable())
    with pytest.raises(TypeError, match="get expected at least 1 argument, got 0"):
        table.get()  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="get expected at most 2 arguments, got 3"):
        table.get(1, 2, 3)  # type: ignore[call-overload]
