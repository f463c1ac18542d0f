"""Queues: which put is before which get, room, tasks, shutdown, user code under the mutex."""

from __future__ import annotations

import gc
import queue
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from raceway.sync import workers
from tests.sync.recording import FakeRecorder, Gate, open_when_waiting, outcome, run, settle, watched


class Bag(queue.Queue[Any]):
    """Keeps its items wrapped, in an order of its own."""

    def _init(self, maxsize: int) -> None:
        self.queue: Any = []

    def _put(self, item: Any) -> None:
        self.queue.append([item])

    def _get(self) -> Any:
        return self.queue.pop(len(self.queue) // 2)[0]


class Recipe(queue.Queue[Any]):
    """Puts and gets as the documentation of the conditions shows it."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        with self.not_full:
            self._put(item)
            self.unfinished_tasks += 1
            self.not_empty.notify()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        with self.not_empty:
            while not self._qsize():
                self.not_empty.wait()
            item = self._get()
            self.not_full.notify()
            return item


KINDS: list[type[queue.Queue[Any]]] = [queue.Queue, queue.LifoQueue, queue.PriorityQueue, Bag, Recipe]


@pytest.mark.parametrize("kind", KINDS)
def test_a_put_is_before_the_get_of_its_item(kind: type[queue.Queue[Any]], recorder: FakeRecorder) -> None:
    items, put = kind(), Gate()

    def producer() -> None:
        recorder.mark("producing")
        items.put("item")
        recorder.mark("later")
        put.open()

    def consumer() -> None:
        put.wait()
        assert items.get() == "item"
        recorder.mark("consuming")

    run(producer, consumer)
    assert recorder.before("producing", "consuming")
    assert not recorder.before("later", "consuming")


def test_a_blocked_get_is_after_the_put(recorder: FakeRecorder) -> None:
    items: queue.Queue[int] = queue.Queue()
    waits = Gate()
    open_when_waiting(items.not_empty, waits)

    def producer() -> None:
        waits.wait()
        recorder.mark("producing")
        items.put(1)

    def consumer() -> None:
        items.get(timeout=20)
        recorder.mark("consuming")

    run(producer, consumer)
    assert recorder.before("producing", "consuming")


@pytest.mark.parametrize(("kind", "first"), [(queue.Queue, 1), (queue.LifoQueue, 2)])
def test_what_a_producer_does_after_a_put_is_not_before_the_get_of_that_item(
    kind: type[queue.Queue[int]], first: int, recorder: FakeRecorder
) -> None:
    items, put = kind(), Gate()

    def producer() -> None:
        recorder.mark("before 1")
        items.put(1)
        recorder.mark("before 2")
        items.put(2)
        put.open()

    def consumer() -> None:
        put.wait()
        assert items.get() == first
        recorder.mark("first")
        items.get()
        recorder.mark("second")

    run(producer, consumer)
    assert recorder.before("before 1", "first")
    assert recorder.before("before 2", "first") == (first == 2)
    assert recorder.before("before 2", "second")


@pytest.mark.parametrize("kind", KINDS[:4])
def test_neither_consumers_nor_producers_nor_lookers_are_ordered(
    kind: type[queue.Queue[Any]], recorder: FakeRecorder
) -> None:
    items, turns = kind(), [Gate(), Gate(), Gate()]
    for number in range(3):
        items.put(number)

    def consumer(name: str, turn: int) -> None:
        if turn:
            turns[turn - 1].wait()
        recorder.mark(f"{name} consuming")
        items.get()
        items.empty()
        items.qsize()
        items.full()
        turns[turn].open()

    def producer() -> None:
        turns[1].wait()
        items.put(4)
        recorder.mark("producing")

    run(lambda: consumer("first", 0), lambda: consumer("second", 1), producer)
    assert not recorder.before("first consuming", "second consuming")
    assert not recorder.before("first consuming", "producing")


@pytest.mark.parametrize("kind", KINDS[:4])
def test_in_a_bounded_queue_the_get_that_made_room_is_before_the_put_that_uses_it(
    kind: type[queue.Queue[Any]], recorder: FakeRecorder
) -> None:
    items, taken = kind(2), [Gate(), Gate()]
    items.put(1)
    items.put(2)

    def consumer() -> None:
        recorder.mark("taking 1")
        items.get()
        recorder.mark("taking 2")
        items.get()
        taken[0].open()

    def producer() -> None:
        taken[0].wait()
        items.put(3)
        recorder.mark("putting 3")
        items.put(4)
        recorder.mark("putting 4")

    run(consumer, producer)
    assert recorder.before("taking 1", "putting 3")
    assert not recorder.before("taking 2", "putting 3")
    assert recorder.before("taking 2", "putting 4")


def test_free_places_of_the_beginning_order_nothing(recorder: FakeRecorder) -> None:
    items: queue.Queue[int] = queue.Queue(3)
    items.put(1)
    taken = Gate()

    def consumer() -> None:
        recorder.mark("taking")
        items.get()
        taken.open()

    def producer() -> None:
        taken.wait()
        items.put(2)
        items.put(3)
        recorder.mark("places left")
        items.put(4)
        recorder.mark("place made")

    run(consumer, producer)
    assert not recorder.before("taking", "places left")
    assert recorder.before("taking", "place made")


@pytest.mark.parametrize("kind", KINDS[:4])
def test_failed_puts_and_gets_tell_nothing(kind: type[queue.Queue[Any]], recorder: FakeRecorder) -> None:
    items = kind(1)
    with pytest.raises(queue.Empty):
        items.get_nowait()
    with pytest.raises(queue.Empty):
        items.get(timeout=0.001)
    assert recorder.verbs() == []
    items.put(1)
    told = recorder.verbs()
    with pytest.raises(queue.Full):
        items.put_nowait(2)
    with pytest.raises(queue.Full):
        items.put(2, timeout=0.001)
    assert recorder.verbs() == told


def test_items_that_cannot_be_compared_leave_all_in_order(recorder: FakeRecorder) -> None:
    items: queue.PriorityQueue[Any] = queue.PriorityQueue()
    items.put(1)
    with pytest.raises(TypeError):
        items.put("1")
    assert items.get() in (1, "1")


def test_tasks_done_are_before_the_join(recorder: FakeRecorder) -> None:
    items: queue.Queue[int] = queue.Queue()
    items.put(1)
    items.put(2)

    def worker(name: str) -> None:
        items.get()
        recorder.mark(name)
        items.task_done()

    def waiter() -> None:
        items.join()
        recorder.mark("joined")

    run(lambda: worker("first"), lambda: worker("second"), waiter)
    assert recorder.before("first", "joined")
    assert recorder.before("second", "joined")
    assert not recorder.before("first", "second")


@pytest.mark.skipif(not hasattr(queue.Queue, "shutdown"), reason="queues are shut down since 3.13")
def test_shutting_down_is_before_who_sees_it(recorder: FakeRecorder) -> None:
    items: Any = queue.Queue()
    shut_down = queue.ShutDown  # type: ignore[attr-defined]

    def closer() -> None:
        recorder.mark("closing")
        items.shutdown()

    def waiter() -> None:
        with pytest.raises(shut_down):
            items.get()
        recorder.mark("seen")

    run(closer, waiter)
    assert recorder.before("closing", "seen")


def test_user_code_under_the_mutex_is_ordered_with_itself_and_with_items(recorder: FakeRecorder) -> None:
    items: queue.Queue[Any] = queue.Queue()
    turns = [Gate(), Gate(), Gate()]

    def producer() -> None:
        recorder.mark("producing")
        items.put("put")
        turns[0].open()

    def first() -> None:
        turns[0].wait()
        with items.mutex:
            recorder.mark("peeking")
            items.queue.append("by hand")
        turns[1].open()

    def second() -> None:
        turns[1].wait()
        with items.not_empty:
            recorder.mark("second")
        turns[2].open()

    def consumer() -> None:
        turns[2].wait()
        items.get()
        recorder.mark("got one")
        assert items.get() == "by hand"
        recorder.mark("got by hand")

    run(producer, first, second, consumer)
    assert recorder.before("producing", "peeking")
    assert recorder.before("peeking", "second")
    assert recorder.before("peeking", "got by hand")
    taken = recorder.told("lock_taken")
    assert len(taken) == 4  # and by both calls of get(), since user code has taken it
    assert taken == recorder.told("lock_freed")


def test_waiting_on_a_condition_of_the_queue_frees_the_mutex(recorder: FakeRecorder) -> None:
    items: queue.Queue[int] = queue.Queue()
    with items.all_tasks_done:
        assert not items.all_tasks_done.wait(0.001)
    told = [verb for verb in recorder.verbs() if verb.startswith("lock")]
    assert told == ["lock_taken", "lock_freed", "lock_taken", "lock_freed"]


def test_after_meddling_by_hand_gets_are_still_after_their_puts(recorder: FakeRecorder) -> None:
    items: queue.Queue[int] = queue.Queue()
    put = Gate()

    def producer() -> None:
        for number in range(4):
            recorder.mark(f"putting {number}")
            items.put(number)
        with items.mutex:
            items.queue.rotate(1)
            items.queue.popleft()
        put.open()

    def consumer() -> None:
        put.wait()
        for number in range(3):
            assert items.get() == number
            recorder.mark(f"got {number}")

    run(producer, consumer)
    for number in range(3):
        assert recorder.before(f"putting {number}", f"got {number}")
    # Once it was empty, each item has its own edge again.
    items.put(7)
    items.get()
    assert [verb for verb, *_ in recorder.log[-3:]] == ["acquire", "release", "lock_freed"]


def test_a_long_queue_falls_back_to_one_clock(recorder: FakeRecorder) -> None:
    items: queue.Queue[int] = queue.Queue()
    for number in range(5000):
        items.put(number)
    assert len(recorder.kinds) < 4200
    recorder.mark("all put")

    def consumer() -> None:
        for number in range(5000):
            assert items.get() == number
        recorder.mark("all got")

    run(consumer)
    assert recorder.before("all put", "all got")


def test_a_queue_is_named_after_the_line_that_makes_it_and_dies_when_it_did(recorder: FakeRecorder) -> None:
    items: queue.Queue[int] = queue.Queue(5)
    items.put(1)
    items.task_done()
    assert (
        __file__,
        test_a_queue_is_named_after_the_line_that_makes_it_and_dies_when_it_did.__code__.co_firstlineno + 1,
    ) in (recorder.places.values())
    reference = weakref.ref(items)
    gc.disable()
    try:
        del items
        assert reference() is None
        settle()
        assert recorder.kinds == {}
    finally:
        gc.enable()


def test_a_queue_works_after_the_run_and_is_seen_in_the_next() -> None:
    with watched():
        items: queue.Queue[int] = queue.Queue(1)
        items.put(1)
    items.get()
    items.put(2)
    with watched() as recorder:
        put = Gate()

        def producer() -> None:
            recorder.mark("producing")
            assert items.get() == 2
            items.put(3)
            put.open()

        def consumer() -> None:
            put.wait()
            items.get()
            recorder.mark("consuming")

        run(producer, consumer)
        assert recorder.before("producing", "consuming")


def test_the_mutex_is_a_lock_to_its_user() -> None:
    def looked_at() -> object:
        items: queue.Queue[int] = queue.Queue()
        mutex = items.mutex
        return (
            isinstance(mutex, type(threading.Lock())),
            repr(mutex).partition(" at ")[0],
            mutex.locked(),
            outcome(mutex.release),
            sorted(vars(items)),
            repr(items.not_full).partition(" at ")[0],
            isinstance(items.not_full, threading.Condition),
            mutex.acquire(False),
            outcome(lambda: items.not_empty.wait(0)),
        )

    plain = looked_at()
    with watched():
        assert looked_at() == plain


@pytest.mark.parametrize(
    "call",
    [
        lambda items: items.get_nowait(),
        lambda items: items.get(timeout=-1),
        lambda items: items.get(timeout=0.001),
        lambda items: items.put(),
        lambda items: items.task_done(),
        lambda items: items.join(1),
        lambda items: [items.put_nowait(1), items.put_nowait(2)],
        lambda items: items.not_empty.notify(),
        lambda items: type(items)("many").put(1),
    ],
)
@pytest.mark.parametrize("kind", KINDS[:4])
def test_misuse_has_the_same_traceback(kind: type[queue.Queue[Any]], call: Callable[[Any], object]) -> None:
    def attempt() -> object:
        return outcome(lambda: call(kind(1)))

    plain = attempt()
    with watched():
        assert attempt() == plain


@pytest.mark.parametrize("kind", KINDS)
def test_who_gets_takes_a_job_of_that_queue(kind: type[queue.Queue[Any]], recorder: FakeRecorder) -> None:
    first, second = kind(), kind()
    for items in (first, first, second):
        items.put("item")

    def consumer() -> None:
        for items in (first, second, first):
            items.get()

    run(consumer)
    (actor,) = {actor for actor, _queue in recorder.jobs.log}
    one, other, again = (serial for _actor, serial in recorder.jobs.log)
    assert actor != recorder.current()
    assert one == again != other


def simple() -> Any:
    """A queue of the class that is there in the run."""
    return queue.SimpleQueue()


@pytest.mark.parametrize("kind", [*KINDS[:-1], simple])
def test_jobs_are_judged_when_the_queue_can_be_used(
    kind: Callable[[], Any], recorder: FakeRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[object] = []

    def judge(_recorder: object, owner: Any, item: object) -> None:
        """As a finalizer may that runs meanwhile."""
        owner.put("again", timeout=10)
        judged.append(item)

    monkeypatch.setattr(workers, "judge_next", judge)
    recorder.jobs.asking = True
    items = kind()
    items.put("item")
    assert (items.get(), items.qsize()) == ("item", 1)
    assert judged == ["item"]
