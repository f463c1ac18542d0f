"""Event and Timer: what they tell, and that they behave as without a run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.sync.recording import FakeRecorder, Gate, open_when_waiting, outcome, run, watched

LOOKS: list[Callable[[threading.Event], object]] = [
    lambda event: event.wait(20),
    lambda event: event.wait(),
    lambda event: event.is_set(),
]


@pytest.mark.parametrize("look", LOOKS)
def test_setting_is_before_whoever_sees_it(look: Callable[[threading.Event], object], recorder: FakeRecorder) -> None:
    event, was_set = threading.Event(), Gate()

    def setter() -> None:
        recorder.mark("setting")
        event.set()
        recorder.mark("later")
        was_set.open()

    def waiter() -> None:
        was_set.wait()
        assert look(event)
        recorder.mark("seen")

    run(setter, waiter)
    assert recorder.before("setting", "seen")
    assert not recorder.before("later", "seen")


def test_a_waiter_that_is_blocked_is_after_the_setting(recorder: FakeRecorder) -> None:
    event, waits = threading.Event(), Gate()
    open_when_waiting(event._cond, waits)  # type: ignore[attr-defined]

    def setter() -> None:
        waits.wait()
        recorder.mark("setting")
        event.set()

    def waiter() -> None:
        assert event.wait(20)
        recorder.mark("seen")

    run(setter, waiter)
    assert recorder.before("setting", "seen")


def test_who_sees_it_unset_and_who_waits_orders_nothing(recorder: FakeRecorder) -> None:
    event, looked = threading.Event(), Gate()

    def looker() -> None:
        recorder.mark("looking")
        assert not event.is_set()
        assert not event.wait(0.001)
        event.clear()
        looked.open()

    def setter() -> None:
        looked.wait()
        event.set()
        recorder.mark("set")

    run(looker, setter)
    assert not recorder.before("looking", "set")


def test_setters_are_not_ordered(recorder: FakeRecorder) -> None:
    event, first_done = threading.Event(), Gate()

    def first() -> None:
        recorder.mark("first")
        event.set()
        first_done.open()

    def second() -> None:
        first_done.wait()
        event.set()
        recorder.mark("second")

    run(first, second)
    assert not recorder.before("first", "second")


def test_starting_and_ending_threads_tells_nothing_of_their_events(recorder: FakeRecorder) -> None:
    run(lambda: None)
    assert set(recorder.verbs()) == {"fork", "end", "join"}
    assert recorder.kinds == {}


def test_a_timer_is_after_its_start_and_before_who_sees_it_finished(recorder: FakeRecorder) -> None:
    timer = threading.Timer(0.001, lambda: recorder.mark("called"))
    recorder.mark("starting")
    timer.start()
    assert timer.finished.wait(20)
    recorder.mark("finished")
    timer.join(20)
    assert recorder.before("starting", "called")
    assert recorder.before("called", "finished")


def test_cancelling_a_timer_is_before_its_end(recorder: FakeRecorder) -> None:
    timer = threading.Timer(60, lambda: None)
    timer.start()
    recorder.mark("cancelling")

    def canceller() -> None:
        recorder.mark("in thread")
        timer.cancel()

    run(canceller)
    timer.join(20)
    assert not timer.is_alive()
    assert recorder.told("release")
    assert recorder.told("acquire")


@pytest.mark.parametrize(
    "call",
    [
        lambda event: event.wait("soon"),
        lambda event: event.wait(1, 2),
        lambda event: event.set(1),
        lambda event: event.is_set(1),
        lambda event: threading.Event.wait(),  # type: ignore[call-arg]
        lambda event: threading.Event.set.__doc__,
        lambda event: threading.Event.set.__qualname__,
        lambda event: repr(event).partition(" at ")[0],
        lambda event: sorted(vars(event)),
    ],
)
def test_use_and_misuse_are_as_without_a_run(call: Callable[[Any], object]) -> None:
    def attempt() -> object:
        return outcome(lambda: call(threading.Event()))

    plain = attempt()
    with watched():
        assert attempt() == plain
