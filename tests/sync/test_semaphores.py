"""Semaphore and BoundedSemaphore: what they tell, and that they behave as without a run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from raceway.sync.semaphores import ROOM
from tests.sync.recording import FakeRecorder, Gate, outcome, run, watched

KINDS = [threading.Semaphore, threading.BoundedSemaphore]


@pytest.mark.parametrize("kind", KINDS)
def test_releasing_is_before_whoever_gets_in_later(kind: type[threading.Semaphore], recorder: FakeRecorder) -> None:
    semaphore, released = kind(1), [Gate(), Gate()]
    semaphore.acquire()

    def first() -> None:
        recorder.mark("first")
        semaphore.release()
        recorder.mark("later")
        released[0].open()

    def second() -> None:
        released[0].wait()
        with semaphore:
            recorder.mark("second")
        released[1].open()

    def third() -> None:
        released[1].wait()
        assert semaphore.acquire(timeout=1)
        recorder.mark("third")

    run(first, second, third)
    assert recorder.before("first", "second")
    assert recorder.before("first", "third")
    assert recorder.before("second", "third")
    assert not recorder.before("later", "second")


@pytest.mark.parametrize("kind", KINDS)
def test_getting_in_orders_nothing_for_others(kind: type[threading.Semaphore], recorder: FakeRecorder) -> None:
    semaphore, inside = kind(2), Gate()

    def first() -> None:
        recorder.mark("first")
        semaphore.acquire()
        inside.open()

    def second() -> None:
        inside.wait()
        semaphore.acquire()
        recorder.mark("second")

    run(first, second)
    assert not recorder.before("first", "second")


@pytest.mark.parametrize("kind", KINDS)
def test_who_comes_in_takes_the_place_that_is_free_longest(
    kind: type[threading.Semaphore], recorder: FakeRecorder
) -> None:
    semaphore, out = kind(2), [Gate(), Gate(), Gate()]

    def first() -> None:
        semaphore.acquire()
        recorder.mark("first")
        semaphore.release()
        out[0].open()

    def second() -> None:
        out[0].wait()
        semaphore.acquire()
        recorder.mark("second")
        semaphore.release()
        out[1].open()

    def third() -> None:
        out[1].wait()
        semaphore.acquire()
        recorder.mark("third")
        semaphore.acquire()
        recorder.mark("all")

    run(first, second, third)
    assert not recorder.before("first", "second")
    assert recorder.before("first", "third")
    assert not recorder.before("second", "third")
    assert recorder.before("second", "all")


def test_several_places_are_given_back_at_once(recorder: FakeRecorder) -> None:
    semaphore, ready = threading.Semaphore(0), [Gate(), Gate()]

    def giver() -> None:
        recorder.mark("given")
        semaphore.release(2)
        ready[0].open()
        ready[1].open()

    def taker(number: int) -> Callable[[], None]:
        def take() -> None:
            ready[number].wait()
            semaphore.acquire()
            recorder.mark(f"taken {number}")

        return take

    run(giver, taker(0), taker(1))
    assert recorder.before("given", "taken 0")
    assert recorder.before("given", "taken 1")


def test_several_places_are_taken_at_once(recorder: FakeRecorder) -> None:
    class Greedy(threading.Semaphore):
        def take_all(self) -> None:
            with self._cond:  # type: ignore[attr-defined]
                self._value = 0

    semaphore, given = Greedy(0), [Gate(), Gate()]

    def giver(number: int) -> Callable[[], None]:
        def give() -> None:
            recorder.mark(f"given {number}")
            semaphore.release(number + 1)
            given[number].open()

        return give

    def taker() -> None:
        given[0].wait()
        given[1].wait()
        semaphore.take_all()
        recorder.mark("taken")

    run(giver(0), giver(1), taker)
    assert recorder.before("given 0", "taken")
    assert recorder.before("given 1", "taken")


def test_what_nobody_takes_is_one_with_the_last(recorder: FakeRecorder) -> None:
    semaphore = threading.Semaphore(0)
    for _ in range(3 * ROOM):
        semaphore.release()
    assert len({asked[0] for verb, _, asked in recorder.log if verb == "release"}) == ROOM
    for _ in range(3 * ROOM):
        assert semaphore.acquire(False)
    assert len({asked[0] for verb, _, asked in recorder.log if verb == "acquire"}) == ROOM
    assert recorder.verbs().count("acquire") == 3 * ROOM


@pytest.mark.parametrize("kind", KINDS)
def test_failed_tries_tell_nothing(kind: type[threading.Semaphore], recorder: FakeRecorder) -> None:
    semaphore = kind(1)
    semaphore.acquire()
    del recorder.log[:]
    assert not semaphore.acquire(blocking=False)
    assert not semaphore.acquire(timeout=0.001)
    assert recorder.verbs() == []
    semaphore.release()
    if kind is threading.BoundedSemaphore:
        with pytest.raises(ValueError, match="released too many times"):
            semaphore.release()
    assert recorder.verbs() == ["lock_freed"]


def test_a_subclass_with_ways_of_its_own_tells_the_same(recorder: FakeRecorder) -> None:
    class Generous(threading.Semaphore):
        def release(self, n: int = 1) -> None:
            with self._cond:  # type: ignore[attr-defined]
                self._value += 2 * n
                self._cond.notify(2 * n)  # type: ignore[attr-defined]

    semaphore = Generous(0)
    semaphore.release()
    assert semaphore.acquire(False)
    assert semaphore.acquire(False)
    assert recorder.verbs() == ["release", "acquire", "acquire"]


def test_the_idle_workers_of_a_pool_tell_nothing_through_its_semaphore(recorder: FakeRecorder) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        pool.submit(int).result()
    assert "semaphore" not in recorder.kinds.values()


@pytest.mark.parametrize(
    "call",
    [
        lambda semaphore: semaphore.release(0),
        lambda semaphore: semaphore.acquire(False, 1),
        lambda semaphore: semaphore.acquire(timeout="soon"),
        lambda semaphore: (semaphore.release(), semaphore.release()),
        lambda semaphore: type(semaphore)(-1),
        lambda semaphore: type(semaphore)._value,
        lambda semaphore: hasattr(type(semaphore), "_value"),
        lambda semaphore: repr(semaphore).partition(" at ")[0],
        lambda semaphore: list(vars(semaphore)),
        lambda semaphore: (semaphore.release(), semaphore.acquire(), semaphore._value)[2],
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_misuse_has_the_same_traceback(
    call: Callable[[threading.Semaphore], object], kind: type[threading.Semaphore]
) -> None:
    def attempt() -> object:
        semaphore = kind(1)
        semaphore.acquire()
        return outcome(lambda: call(semaphore))

    plain = attempt()
    with watched():
        ours = attempt()
    if isinstance(plain, str) and "has no attribute" in plain:
        plain, ours = (str(text).splitlines()[-1] for text in (plain, ours))
    assert ours == plain
