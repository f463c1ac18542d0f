"""Condition: it has no model; all goes through its lock."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

import pytest

from tests.sync.recording import FakeRecorder, outcome, run, watched

MAKERS: list[Callable[[], threading.Condition]] = [
    threading.Condition,
    lambda: threading.Condition(threading.Lock()),
    lambda: threading.Condition(threading.RLock()),
]


@pytest.mark.parametrize("make", MAKERS)
def test_the_notifier_is_before_the_waiter_and_the_waiter_before_it(
    make: Callable[[], threading.Condition], recorder: FakeRecorder
) -> None:
    condition = make()
    ready = False
    waiting = False

    def waiter() -> None:
        nonlocal waiting
        with condition:
            recorder.mark("waiting")
            waiting = True
            condition.notify_all()
            assert condition.wait_for(lambda: ready, 20)
            recorder.mark("woken")

    def notifier() -> None:
        nonlocal ready
        with condition:
            assert condition.wait_for(lambda: waiting, 20)
            recorder.mark("notifying")
            ready = True
            condition.notify()
        recorder.mark("later")

    run(waiter, notifier)
    assert recorder.before("waiting", "notifying")
    assert recorder.before("notifying", "woken")
    assert not recorder.before("later", "woken")


def test_waiting_frees_all_levels(recorder: FakeRecorder) -> None:
    condition = threading.Condition()
    with condition, condition:
        assert not condition.wait(0.001)
    assert recorder.verbs() == ["lock_taken", "lock_freed", "lock_taken", "lock_freed"]


@pytest.mark.parametrize(
    "call",
    [
        lambda condition: condition.wait(),
        lambda condition: condition.notify(),
        lambda condition: condition.release(),
        lambda condition: repr(condition).partition(" at ")[0],
    ],
)
def test_misuse_has_the_same_traceback(call: Callable[[threading.Condition], object]) -> None:
    def outcomes() -> list[object]:
        return [outcome(functools.partial(call, make())) for make in MAKERS]

    plain = outcomes()
    with watched() as recorder:
        assert outcomes() == plain
        held = recorder.told("lock_taken")
        assert sorted(held) == sorted(recorder.told("lock_freed"))
