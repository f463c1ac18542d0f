"""When threads began and ended, as the timeline of a report has it."""

from __future__ import annotations

import _thread
import itertools
import sys
from collections.abc import Callable

import pytest

from raceway.sync.lifetimes import Lifetimes

MODULE = sys.modules[Lifetimes.__module__]
"""Under its name the package has the lives of the run."""


@pytest.fixture(autouse=True)
def seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by one second each time it is looked at."""
    ticks = itertools.count(100.0)
    monkeypatch.setattr(MODULE, "_clock", lambda: next(ticks))


def elsewhere(*work: Callable[[], object]) -> None:
    """Do it on a thread of its own, to the end."""
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            for one in work:
                one()
        finally:
            done.release()

    _thread.start_new_thread(run, ())
    done.acquire()


def told(lives: Lifetimes) -> list[tuple[str, float, float | None]]:
    return [(life.actor.name, life.began, life.ended) for life in lives.told()]


def test_each_thread_has_its_own() -> None:
    lives = Lifetimes()
    lives.restart("MainThread", 1)
    elsewhere(lambda: lives.begun(2, "Thread-1"), lambda: lives.ended("renamed"))
    elsewhere(lambda: lives.begun(3, "Thread-2"), lambda: lives.ended(""))
    assert told(lives) == [("MainThread", 1.0, None), ("renamed", 2.0, 3.0), ("Thread-2", 4.0, 5.0)]
    lives.restart("again", 1)
    assert told(lives) == [("again", 1.0, None)]


def test_a_forked_child_has_that_of_its_thread_alone() -> None:
    lives = Lifetimes()
    lives.restart("MainThread", 1)
    elsewhere(lambda: lives.begun(2, "Thread-1"))
    lives.forked()
    assert told(lives) == [("MainThread", 3.0, None)]


def test_of_very_many_the_first_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "MOST", 2)
    lives = Lifetimes()
    lives.restart("MainThread", 1)
    for number in (2, 3):
        elsewhere(lambda number=number: lives.begun(number, f"Thread-{number}"), lambda: lives.ended(""))  # type: ignore[misc]
    assert [name for name, _began, _ended in told(lives)] == ["MainThread", "Thread-2"]
