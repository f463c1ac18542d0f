"""Taps of code that has not run yet: made with its first run, for every copy of it, and unnoticed by the program."""

from __future__ import annotations

import copy
import ctypes
import gc
import pickle
import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

import pytest

from raceway.runtime.contract import Core
from raceway.runtime.core import make_core
from raceway.transform import instrument
from tests.conftest import available_cores

if "native" not in available_cores() or not getattr(sys, "_is_gil_enabled", lambda: True)():
    pytest.skip("only then taps are bound late", allow_module_level=True)

SOURCE = """
def called(d, k):
    d[k] = d[k] + 1
    return [d[key] for key in sorted(d)]

def other(o):
    o.x += 1
    return o.x
"""


@pytest.fixture
def core() -> Any:
    core = make_core("native")
    core.start()
    core.recorder.fork("another")
    yield core
    core.stop()


@pytest.fixture
def resting() -> Any:
    """A core of a run that has one actor so far."""
    core = make_core("native")
    core.start()
    yield core
    core.stop()


def functions(core: Core, source: str = SOURCE) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "sample"}
    exec(core.bind(*instrument(source.encode(), "sample.py", "sample", core.form).parted(), "sample.py"), names)
    return names


def waiting(code: CodeType) -> int:
    return sum(repr(constant) == "<raceway tap>" for constant in code.co_consts)


def taps(code: CodeType) -> int:
    return sum(repr(constant).startswith("<raceway tap ") for constant in code.co_consts)


def test_taps_are_made_with_the_first_run_and_the_code_is_found_again(core: Core) -> None:
    called = functions(core)["called"]
    code = called.__code__
    before, known = waiting(code), {code: "known"}
    assert before > 2
    assert called({1: 1}, 1) == [2]
    assert (waiting(code), taps(code)) == (0, before)
    assert known[code] == "known"
    assert called({1: 1}, 1) == [2]


def test_taps_are_not_made_while_there_is_one_actor(resting: Core) -> None:
    called = functions(resting)["called"]
    before, counted = waiting(called.__code__), resting.counters().accesses
    assert called({1: 1}, 1) == [2]
    assert (waiting(called.__code__), taps(called.__code__)) == (before, 0)
    assert resting.counters().accesses > counted
    resting.recorder.fork("another")
    assert called({1: 1}, 1) == [2]
    assert (waiting(called.__code__), taps(called.__code__)) == (0, before)


def test_a_thread_that_nobody_announced_ends_the_rest(resting: Core) -> None:
    called = functions(resting)["called"]
    called({1: 1}, 1)
    before = waiting(called.__code__)
    _native_thread(lambda: called({1: 1}, 1))
    assert taps(called.__code__) == before


def _native_thread(work: Callable[[], object]) -> None:
    """Run it in a thread of C, which no patch of Python's sees begin."""
    pthreads = ctypes.PyDLL(None)
    routine = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda _: work() and None)
    thread = ctypes.c_ulong()
    assert pthreads.pthread_create(ctypes.byref(thread), None, routine, None) == 0
    assert ctypes.CDLL(None).pthread_join(thread, None) == 0


def test_what_runs_first_is_seen(core: Core) -> None:
    other = functions(core)["other"]
    counted = core.counters().accesses
    other(type("Plain", (), {"x": 1})())
    assert core.counters().accesses == counted + 2


def test_a_tap_that_waits_on_the_stack_while_others_are_made_notes_its_access(core: Core) -> None:
    keyed = functions(core, "def keyed(d, o):\n    d[o.x, o.y] = 1\n")["keyed"]
    counted = core.counters().accesses
    keyed({}, type("Plain", (), {"x": 1, "y": 2})())
    first = core.counters().accesses - counted
    keyed({}, type("Plain", (), {"x": 1, "y": 2})())
    assert core.counters().accesses == counted + 2 * first


@pytest.mark.parametrize("copy_first", [True, False])
def test_copies_of_code_have_taps_of_their_own(core: Core, copy_first: bool) -> None:
    called = functions(core)["called"]
    constants = called.__code__.co_consts
    copied = called.__code__.replace(co_name="copied", co_consts=(*constants, "more"))
    again = FunctionType(copied, called.__globals__)
    for function in (again, called) if copy_first else (called, again):
        assert function({1: 1, 2: 5}, 1) == [2, 5]
        assert waiting(function.__code__) == 0
    assert again.__code__.co_consts[-1] == "more"


def test_code_with_other_constants_gives_back_its_operands(core: Core) -> None:
    called = functions(core)["called"]
    first: Any = next(constant for constant in called.__code__.co_consts if repr(constant) == "<raceway tap>")
    constants = tuple(None if constant is first else constant for constant in called.__code__.co_consts)
    later: Any = next(constant for constant in constants if repr(constant) == "<raceway tap>")
    assert later[3] == 3
    assert later @ 3 == first @ 3 == 3
    assert copy.copy(later) is copy.deepcopy(later) is later
    assert pickle.loads(pickle.dumps(later))[3] == pickle.loads(pickle.dumps(first))[3] == 3


def test_after_the_end_of_the_run_code_runs_plainly() -> None:
    core = make_core("native")
    core.start()
    names = functions(core)
    core.stop()
    assert names["called"]({1: 1}, 1) == [2]
    core = make_core("native")
    core.start()
    counted = core.counters().accesses
    assert names["other"](type("Plain", (), {"x": 1})()) == 2
    assert core.counters().accesses == counted
    core.stop()


def test_code_with_many_constants_is_bound_at_once(core: Core) -> None:
    lines = "".join(f"    o.x = {number}.5\n" for number in range(1_200))
    function = functions(core, f"def many(o):\n{lines}    return o.x\n")["many"]
    assert waiting(function.__code__) == 0
    assert taps(function.__code__) > 1_000
    assert function(type("Plain", (), {})()) == 1_199.5


def test_nothing_is_kept_of_code_that_is_gone(core: Core) -> None:
    done = instrument(SOURCE.encode(), "sample.py", "sample", core.form).parted()
    places = done[2]
    before = sys.getrefcount(places)
    code = core.bind(*done, "sample.py")
    assert sys.getrefcount(places) > before
    del code, done
    gc.collect()
    assert sys.getrefcount(places) <= before
