"""Barrier: what it tells, generation by generation, and that it behaves as without a run."""

from __future__ import annotations

import functools
import threading

import pytest

from tests.sync.recording import FakeRecorder, Gate, open_when_waiting, outcome, run, watched


def test_all_arrivals_are_before_the_action_and_all_departures(recorder: FakeRecorder) -> None:
    barrier = threading.Barrier(3, lambda: recorder.mark("action"))

    def party(name: str) -> None:
        recorder.mark(f"{name} arrives")
        barrier.wait(20)
        recorder.mark(f"{name} departs")

    run(*(functools.partial(party, name) for name in "abc"))
    for name in "abc":
        assert recorder.before(f"{name} arrives", "action")
        assert recorder.before("action", f"{name} departs")
        for other in "abc":
            assert recorder.before(f"{name} arrives", f"{other} departs")
            assert not recorder.before(f"{name} departs", f"{other} departs") or name == other


def test_arrivals_of_the_next_generation_are_not_before_departures_of_this(recorder: FakeRecorder) -> None:
    barrier, between, again = threading.Barrier(2), Gate(), Gate()

    def quick() -> None:
        barrier.wait(20)
        recorder.mark("between")
        between.open()
        barrier.wait(20)  # arrives before the slow one goes on

    def slow() -> None:
        barrier.wait(20)
        between.wait()
        again.wait()
        recorder.mark("slow departs")
        barrier.wait(20)
        recorder.mark("second round")

    rounds = iter((Gate(), again))
    wait = barrier._cond.wait  # type: ignore[attr-defined]

    def telling(timeout: float | None = None) -> bool:
        next(rounds, again).open()
        return bool(wait(timeout))

    barrier._cond.wait = telling  # type: ignore[attr-defined]
    run(quick, slow)
    assert not recorder.before("between", "slow departs")
    assert recorder.before("between", "second round")


def test_who_leaves_a_broken_barrier_gets_no_edge(recorder: FakeRecorder) -> None:
    barrier, waits = threading.Barrier(2), Gate()
    open_when_waiting(barrier._cond, waits)  # type: ignore[attr-defined]

    def party() -> None:
        with pytest.raises(threading.BrokenBarrierError):
            barrier.wait(20)

    def breaker() -> None:
        waits.wait()
        barrier.abort()

    run(party, breaker)
    assert not recorder.told("acquire")


def test_a_barrier_that_was_reset_works_again(recorder: FakeRecorder) -> None:
    barrier = threading.Barrier(2)
    barrier.abort()
    barrier.reset()
    run(lambda: barrier.wait(20), lambda: barrier.wait(20))
    assert len(recorder.told("release")) == 3
    assert len(recorder.told("acquire")) == 2


def test_failures_have_the_same_traceback() -> None:
    def action() -> None:
        raise ValueError("from the action")

    def failing_action() -> object:
        return threading.Barrier(1, action).wait()

    def running_out() -> object:
        return threading.Barrier(2).wait(0.001)

    def broken() -> object:
        barrier = threading.Barrier(2)
        barrier.abort()
        return barrier.wait()

    def misused() -> object:
        return threading.Barrier(2).wait(1, 2)  # type: ignore[call-arg]

    for attempt in (failing_action, running_out, broken, misused):
        plain = outcome(attempt)
        with watched():
            assert outcome(attempt) == plain
