"""What was made before the run orders threads as what is made in it, and is as it was afterwards."""

from __future__ import annotations

import queue
import threading
from _thread import RLock, allocate_lock
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sync.recording import Gate, models, run, watched


class Holder:
    """A library's object."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.raw = allocate_lock()
        self.rlock = threading.RLock()
        self.direct = RLock()
        self.condition = threading.Condition()
        self.queue: queue.Queue[int] = queue.Queue()
        self.bounded: queue.Queue[int] = queue.Queue(1)


@pytest.fixture
def held() -> Iterator[Holder]:
    """Its object, which is as it was once the run has ended."""
    holder = Holder()
    before = dict(vars(holder))
    condition, waits = dict(vars(holder.condition)), (holder.queue.not_empty, holder.queue.not_full)
    yield holder
    assert all(value is before[name] for name, value in vars(holder).items())
    assert vars(holder.condition) == condition
    assert (holder.queue.not_empty, holder.queue.not_full) == waits


@pytest.mark.parametrize("name", ["lock", "raw", "rlock", "direct", "condition"])
def test_a_lock_of_before_the_run_orders(name: str, held: Holder) -> None:
    with watched(unnamed_too=True) as recorder:
        first = Gate()

        def one() -> None:
            with getattr(held, name):
                recorder.mark("first")
            first.open()

        def other() -> None:
            first.wait()
            with getattr(held, name):
                recorder.mark("second")

        run(one, other)
        assert recorder.before("first", "second")


def test_an_rlock_of_before_the_run_is_told_at_the_outermost_level_only(held: Holder) -> None:
    with watched(unnamed_too=True) as recorder:
        with held.rlock, held.rlock:
            pass
        assert recorder.verbs().count("lock_taken") == recorder.verbs().count("lock_freed") == 1


def test_a_waiter_comes_after_its_notifier(held: Holder) -> None:
    with watched(unnamed_too=True) as recorder:
        ready: list[int] = []

        def wait() -> None:
            with held.condition:
                held.condition.wait_for(lambda: ready)
                recorder.mark("woken")

        def notify() -> None:
            with held.condition:
                recorder.mark("notifies")
                ready.append(1)
                held.condition.notify()

        run(wait, notify)
        assert recorder.before("notifies", "woken")


@pytest.mark.parametrize("name", ["queue", "bounded"])
def test_a_queue_of_before_the_run_hands_over(name: str, held: Holder) -> None:
    jobs: queue.Queue[int] = getattr(held, name)
    with watched() as recorder:

        def put() -> None:
            recorder.mark("before put")
            jobs.put(1)

        def get() -> None:
            jobs.get()
            recorder.mark("after get")

        run(put, get)
        assert recorder.before("before put", "after get")


def test_who_waited_in_a_queue_before_the_run_is_woken(held: Holder) -> None:
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(held.queue.get()))
    thread.start()
    with watched():
        held.queue.put(7)
        thread.join(30)
    assert got == [7]


def test_a_lock_that_is_held_as_the_run_begins_can_be_freed_in_it(held: Holder) -> None:
    held.lock.acquire()
    held.rlock.acquire()
    with watched():
        held.lock.release()
        held.rlock.release()
        assert held.lock.acquire(blocking=False)
    held.lock.release()


def test_locks_of_primitives_stay_real_on_the_core_in_python() -> None:
    event: Any = threading.Event()
    lock = event._cond._lock
    with watched():
        assert event._cond._lock is lock
        assert models.native is not None or type(event._cond) is threading.Condition
