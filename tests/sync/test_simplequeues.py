"""SimpleQueue: each item has its own edge, and it behaves as the real one."""

from __future__ import annotations

import queue
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from raceway import originals
from tests.sync.recording import FakeRecorder, Gate, outcome, run, watched

GETS: list[Callable[[Any], object]] = [
    lambda items: items.get(),
    lambda items: items.get(True, 20),
    lambda items: items.get(block=False),
    lambda items: items.get_nowait(),
]
PUTS: list[Callable[[Any, object], object]] = [
    lambda items, item: items.put(item),
    lambda items, item: items.put(item=item),
    lambda items, item: items.put(item, False, timeout=3),
    lambda items, item: items.put_nowait(item),
    lambda items, item: items.put_nowait(item=item),
]


@pytest.mark.parametrize("get", GETS)
@pytest.mark.parametrize("put", PUTS)
def test_a_put_is_before_the_get_of_its_item_only(
    put: Callable[[Any, object], object], get: Callable[[Any], object], recorder: FakeRecorder
) -> None:
    items: queue.SimpleQueue[int] = queue.SimpleQueue()
    done = Gate()

    def producer() -> None:
        recorder.mark("before 1")
        put(items, 1)
        recorder.mark("before 2")
        put(items, 2)
        done.open()

    def consumer() -> None:
        done.wait()
        assert items.qsize() == 2
        assert not items.empty()
        assert get(items) == 1
        recorder.mark("got 1")
        assert get(items) == 2
        recorder.mark("got 2")

    run(producer, consumer)
    assert recorder.before("before 1", "got 1")
    assert not recorder.before("before 2", "got 1")
    assert recorder.before("before 2", "got 2")
    assert set(recorder.kinds.values()) <= {"queue"}  # that of the queue itself, which jobs go by


def test_failed_gets_tell_nothing(recorder: FakeRecorder) -> None:
    items: queue.SimpleQueue[int] = queue.SimpleQueue()
    for get in GETS[2:]:
        with pytest.raises(queue.Empty):
            get(items)
    assert recorder.verbs() == []


def test_items_in_a_queue_outlive_the_run() -> None:
    with watched():
        items: queue.SimpleQueue[int] = queue.SimpleQueue()
        factory = queue.SimpleQueue
        items.put(1)
    items.put(2)
    assert items.get() == 1
    assert type(factory()) is originals.SimpleQueue
    with watched():
        items.put(3)
        assert [items.get(), items.get_nowait()] == [2, 3]


def test_items_die_when_they_did(recorder: FakeRecorder) -> None:
    class Item:
        pass

    items: queue.SimpleQueue[Item] = queue.SimpleQueue()
    item = Item()
    reference = weakref.ref(item)
    items.put(item)
    items.get()
    del item
    assert reference() is None
    items.put(Item())
    del items
    assert set(recorder.kinds.values()) <= {"queue"}  # that of the queue itself, which jobs go by


def test_a_put_within_a_put_gets_through(recorder: FakeRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    items: queue.SimpleQueue[str] = queue.SimpleQueue()
    release = recorder.release

    def interrupted(sync: int, merge: bool = True) -> None:
        monkeypatch.setattr(recorder, "release", release)
        items.put("inner")
        release(sync, merge)

    monkeypatch.setattr(recorder, "release", interrupted)
    items.put("outer")
    assert {items.get(), items.get()} == {"inner", "outer"}


def test_it_may_be_derived_from(recorder: FakeRecorder) -> None:
    class Doubling(queue.SimpleQueue):  # type: ignore[type-arg]
        def put(self, item: Any) -> None:  # type: ignore[override]
            super().put(2 * item)

    items = Doubling()
    items.put(2)
    assert items.get() == 4
    assert recorder.verbs() == ["release", "acquire"]


@pytest.mark.parametrize(
    "call",
    [
        lambda items: items.put(),
        lambda items: items.put(1, 2, 3, 4),
        lambda items: items.put(1, wrong=2),
        lambda items: items.get(timeout=-1),
        lambda items: items.get(timeout="soon"),
        lambda items: items.get(False),
        lambda items: items.get_nowait(1),
        lambda items: type(items)(1),
        lambda items: repr(items).partition(" at ")[0],
        lambda items: repr(type(items)[int]),
        lambda items: isinstance(items, originals.SimpleQueue),
        lambda items: hasattr(items, "__dict__"),
    ],
)
def test_use_and_misuse_are_as_without_a_run(call: Callable[[Any], object]) -> None:
    def attempt() -> object:
        return outcome(lambda: call(queue.SimpleQueue()))

    plain = attempt()
    with watched():
        assert attempt() == plain
