"""What the contract table says of single steps, held against the interpreter that runs."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from benchmarks import containers_stress
from raceway.runtime import contracts
from raceway.runtime.contracts import TABLE, Contract


def label(row: Contract) -> str:
    """How a row is called in the output of a failure."""
    return f"{row.container}.{row.name}-{row.shape.value}"


@contextmanager
def python_calls() -> Iterator[list[str]]:
    """The Python functions that are entered meanwhile in this thread."""
    entered: list[str] = []

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            entered.append(frame.f_code.co_qualname)

    before = sys.getprofile()
    collects = gc.isenabled()
    gc.disable()  # a collection calls what others have registered for it: hypothesis has
    sys.setprofile(profile)
    try:
        yield entered
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
        # The way out of this very function does not count.
        entered[:] = [name for name in entered if not name.startswith(("_GeneratorContextManager", "python_calls"))]


def runnable(rows: list[Contract]) -> list[Contract]:
    """The rows whose method this interpreter has."""
    return [row for row in rows if containers_stress.action(row) is not None]


def containers_of(row: Contract) -> tuple[Callable[[Any], Any], Any]:
    """The operation of a row and something to do it to."""
    kind, step = containers_stress.KINDS[row.container], containers_stress.action(row)
    assert step is not None
    return step, kind.view(kind.make())


def calls_inside(row: Contract) -> list[str]:
    """The Python functions that the operation of a row runs, besides the test's own way to it."""
    step, container = containers_of(row)
    with python_calls() as entered:
        containers_stress.outcome(step, container)
    return [name for name in entered if name != "outcome" and not name.startswith("action.")]


@pytest.mark.parametrize("row", runnable([row for row in TABLE if row.atomic_gil]), ids=label)
def test_no_python_code_runs_inside_one_step(row: Contract) -> None:
    assert calls_inside(row) == []


def test_the_container_types_in_python_claim_no_step() -> None:
    in_python = [row for row in TABLE if row.container in ("collections.Counter", "collections.ChainMap")]
    assert len(in_python) > 40
    assert [row for row in in_python if row.atomic_gil or row.atomic_free_threaded] == []
    assert all(calls_inside(row) for row in in_python if row.name in ("update", "__setitem__", "copy", "__iadd__"))


def test_what_is_one_step_without_the_gil_is_one_with_it() -> None:
    assert [row for row in TABLE if row.atomic_free_threaded and not row.atomic_gil] == []


STRESSED = {
    ("list", "append"), ("list", "sort"), ("list", "copy"), ("dict", "update"), ("dict", "setdefault"),
    ("dict", "__repr__"), ("set", "update"), ("set", "__or__"), ("collections.deque", "rotate"),
    ("collections.OrderedDict", "popitem"), ("bytearray", "replace"), ("dict_items", "__repr__"),
}  # fmt: skip


@pytest.mark.parametrize(
    "row", [row for row in TABLE if (row.container, row.name) in STRESSED and containers_stress.claimed(row)], ids=label
)
def test_other_threads_never_see_half_a_step(row: Contract) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        result = containers_stress.stress(row, seconds=60, runs=200)
    finally:
        sys.setswitchinterval(interval)
    assert result is not None
    assert result.runs == 200
    assert result.torn == 0, result.example


def test_the_harness_tells_half_a_step() -> None:
    looked = threading.Semaphore(0)

    def once() -> None:
        looked.acquire()

    def look() -> str:
        looked.release()
        return "half"

    append = contracts.lookup(list, "append")
    assert append is not None
    result = containers_stress.together(append, once, look, ["before", "after"], seconds=60, runs=3)
    assert result.runs == 3
    assert result.torn == result.looks >= 3
