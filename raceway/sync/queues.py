"""Queue, LifoQueue, PriorityQueue: `put()` -> the `get()` of that item; in a bounded queue the `get()` that made room
-> the `put()` that used it; `task_done()` -> `join()`; `shutdown()` -> who sees it. `empty()`, `qsize()`, `full()`:
nothing.

Both sides tell each other under the queue's mutex, by `not_empty.notify()` and `not_full.notify()`; that is where the
models sit, so they see just what succeeded, in subclasses too. A traceback shows no frame of ours.

Simple model: one clock per queue, released by every put and acquired by every get. It hides what a producer does
between two puts from the consumer of the first. So where the order of items is known (the `_put` and `_get` of Queue or
LifoQueue) each item has a serial of its own, in a list beside the items. When the two differ in length, because
somebody changed `queue.queue` by hand, the simple model does until the queue was empty once.

User code that takes `mutex` or a condition of the queue is ordered with itself, after all puts so far, and with all
that the queue does under it from then on. Of a queue made before the run began no place is known to be free.
"""

from __future__ import annotations

import queue
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from types import FrameType

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import creation, early, workers
from raceway.sync.locks import TracedLock, made_for, name_as_lock
from raceway.sync.patching import Patches, Watched
from raceway.sync.serials import Serial, Serials, Table, of_run
from raceway.sync.waiting import Mode, Wait
from raceway.sync.wrappers import Failures, hide_frame

_LIMIT = 4096
"""So many waiting items have serials of their own at most; a longer queue falls back to the simple model."""

tasks = of_run(Serials("queue"))
shutdowns = of_run(Serials("queue"))


class Channel:
    """The edges through one queue. All of it is used under the queue's mutex only."""

    __slots__ = ("_everything", "_free", "_items", "_queue", "_rooms", "_spare")

    def __init__(self, recorder: Recorder, owner: weakref.ref[queue.Queue[Any]], free: int) -> None:
        self._queue = owner
        self._everything = Serial(recorder, "queue")
        self._items: deque[Serial] = deque()  # beside the items waiting
        self._rooms: deque[Serial] = deque()  # places that a get made and no put used yet
        self._free = free  # places that were there from the beginning
        self._spare: list[Serial] = []

    def put(self, recorder: Recorder) -> None:
        """An item was just put in."""
        owner = self._queue()
        if owner is None:
            return
        if owner.maxsize > 0:
            self._take_room(recorder)
        recorder.release(self._everything.number)
        if _order(owner) and len(owner.queue) == len(self._items) + 1 <= _LIMIT:
            self._items.append(self._released(recorder))

    def get(self, recorder: Recorder) -> None:
        """An item was just taken out."""
        owner = self._queue()
        if owner is None:
            return
        mutex: Any = owner.mutex
        if recorder.jobs.take(self._everything.number) and type(mutex) is QueueMutex:
            mutex.asks = True
        order = _order(owner)
        if order and self._items and len(owner.queue) == len(self._items) - 1:
            item = self._items.popleft() if order == "fifo" else self._items.pop()
            self._acquired(recorder, item)
        else:
            self._items.clear()
            recorder.acquire(self._everything.number)
        if owner.maxsize > 0:
            self._rooms.append(self._released(recorder))

    def entered(self, recorder: Recorder) -> None:
        """User code took the mutex."""
        recorder.acquire(self._everything.number)

    def leaving(self, recorder: Recorder) -> None:
        """User code is about to free the mutex."""
        recorder.release(self._everything.number)

    def _take_room(self, recorder: Recorder) -> None:
        if self._free > 0:
            self._free -= 1
        elif self._rooms:
            self._acquired(recorder, self._rooms.popleft())
        else:  # made by hand, or `maxsize` was raised
            recorder.acquire(self._everything.number)

    def _released(self, recorder: Recorder) -> Serial:
        serial = self._spare.pop() if self._spare else Serial(recorder, "queue")
        recorder.release(serial.number, merge=False)
        return serial

    def _acquired(self, recorder: Recorder, serial: Serial) -> None:
        recorder.acquire(serial.number)
        self._spare.append(serial)


channels: Table[Channel] = of_run(Table())
"""The channel of every mutex of a queue."""


def _order(owner: queue.Queue[Any]) -> str:
    """In which order the items of `owner` leave: "fifo", "lifo", or "" when that is the subclass's secret."""
    cls = type(owner)
    put, get = cls._put, cls._get
    if put is queue.Queue._put and get is queue.Queue._get and type(owner.queue) is deque:
        return "fifo"
    if put is queue.LifoQueue._put and get is queue.LifoQueue._get and type(owner.queue) is list:
        return "lifo"
    return ""


class _QueueCondition(threading.Condition):
    """A condition of a queue that tells the queue's channel what it is notified of.

    It tells afterwards: whoever was woken waits for the mutex, which the caller holds.
    """

    _lock: Any
    _current = staticmethod(active.recorder)

    def __init__(self, mutex: Any, owner: weakref.ref[queue.Queue[Any]]) -> None:
        super().__init__(mutex)
        self._raceway_queue = owner

    def _channel(self, recorder: Recorder) -> Channel:
        # Made here only for a queue of an earlier run: no place of it is known to be free.
        return channels.of(self._lock, lambda: Channel(recorder, self._raceway_queue, 0))


class NotEmpty(_QueueCondition):
    """Notified by put."""

    def notify(self, n: int = 1) -> None:
        """Wake somebody who waits to get."""
        try:
            super().notify(n)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if (recorder := self._current()) is not None:
                self._channel(recorder).put(recorder)
        except Exception:
            Failures.count += 1


class NotFull(_QueueCondition):
    """Notified by get."""

    def notify(self, n: int = 1) -> None:
        """Wake somebody who waits to put."""
        try:
            super().notify(n)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if (recorder := self._current()) is not None:
                self._channel(recorder).get(recorder)
        except Exception:
            Failures.count += 1


class QueueMutex(TracedLock):
    """The mutex of a queue: quiet while only `queue` itself uses it, a lock like any other once user code took it."""

    __slots__ = ("_outside", "asks", "loud")

    _outside: bool
    asks: bool
    """Its holder has taken a job: once it is free, what is in doubt of those may be judged."""
    loud: bool
    """Guards hooks of the program (`_put`, `_get` of its own), or was taken by user code, which guards something by it:
    then it counts inside `queue` too."""

    def __exit__(self, *_: object) -> None:
        asks, self.asks = getattr(self, "asks", False), False
        try:
            super().__exit__()
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if asks and (recorder := active.recorder()) is not None and recorder.jobs.asks():
                workers.judge_taken(recorder)
        except Exception:
            Failures.count += 1

    def _wait(self, mode: Mode, frame: FrameType) -> Wait | None:
        return super()._wait(mode, frame) if getattr(self, "loud", False) else None

    def _taken(self, waits: bool = True) -> None:
        frame = sys._getframe(2)  # who called the method of ours that calls this, perhaps through a condition
        while creation.module_of(frame) == "threading" and frame.f_back is not None:
            frame = frame.f_back
        self.loud = getattr(self, "loud", False) or creation.module_of(frame) != "queue"
        # Whoever frees it, under the lock: what was not told as taken is not told as freed.
        self._outside = self.loud
        if self._outside:
            self._record.taken(waits)
            recorder, channel = active.recorder(), channels.get(self)
            if recorder is not None and channel is not None:
                channel.entered(recorder)

    def _freed(self) -> None:
        if getattr(self, "_outside", False):
            recorder, channel = active.recorder(), channels.get(self)
            if recorder is not None and channel is not None:
                channel.leaving(recorder)
            self._record.freed()


name_as_lock(QueueMutex)


def _watched(hook: Any, taps: frozenset[type]) -> bool:
    """Whether a hook of a queue is instrumented code of the program."""
    return any(type(constant) in taps for constant in getattr(getattr(hook, "__code__", None), "co_consts", ()))


def is_loud(owner: queue.Queue[Any], taps: frozenset[type]) -> bool:
    """Whether the mutex of `owner` guards hooks of the program, that is code with constants of the types `taps`."""
    return any(_watched(getattr(type(owner), hook), taps) for hook in ("_init", "_put", "_get", "_qsize"))


def made(recorder: Recorder, owner: queue.Queue[Any], _result: object, fresh: bool = True) -> None:
    """A queue was made, just now if `fresh`: its conditions tell what it does."""
    reference = weakref.ref(owner)
    mutex: Any = owner.mutex
    if type(mutex) is QueueMutex:
        from raceway.runtime.taps import Tap

        mutex.loud = is_loud(owner, frozenset({Tap}))
    channels.put(owner.mutex, Channel(recorder, reference, owner.maxsize if fresh else 0))
    owner.not_empty = NotEmpty(owner.mutex, reference)
    owner.not_full = NotFull(owner.mutex, reference)


def follow_early(patches: Patches, recorder: Recorder, made: Callable[..., None]) -> None:
    """Have the queues of before the run tell. Those who wait in one are found by who puts something in."""
    names = ("not_empty", "not_full")
    for owner in early.instances(queue.Queue):
        before = {name: vars(owner).get(name) for name in names}
        if all(type(condition) is threading.Condition for condition in before.values()):
            made(recorder, owner, None, fresh=False)
            for name, condition in before.items():
                told = vars(owner)[name]
                told._waiters = condition._waiters
                setattr(owner, name, condition)
                patches.replace(owner, name, told)


def task_done(recorder: Recorder, owner: object) -> None:
    """The current actor is about to report a task as done."""
    recorder.release(tasks.number(recorder, owner))


def joined(recorder: Recorder, owner: object, _result: object) -> None:
    """The current actor has waited until all tasks were done."""
    recorder.acquire(tasks.number(recorder, owner))


def shutting_down(recorder: Recorder, owner: object, _old: object, new: object) -> None:
    """The queue is about to be shut down, if `new`."""
    if new:
        recorder.release(shutdowns.number(recorder, owner))


def seen_shut_down(recorder: Recorder, owner: object, value: object) -> None:
    """The current actor looked whether the queue was shut down."""
    if value:
        recorder.acquire(shutdowns.number(recorder, owner))


SHUTDOWN = Watched("is_shutdown", read=seen_shut_down, write=shutting_down)


def patch(patches: Patches, made: Callable[..., None] = made) -> None:
    """Put the models in; `made` is told of every queue, new or not. gevent puts queues of its own in their place."""
    if queue.Queue.__module__ != "queue":
        return
    if (recorder := active.recorder()) is not None:
        follow_early(patches, recorder, made)
    made_for["queue"] = QueueMutex
    patches.around(queue.Queue, "__init__", after=made)
    patches.around(queue.Queue, "task_done", before=task_done)
    patches.around(queue.Queue, "join", after=joined)
    if hasattr(queue.Queue, "shutdown"):
        patches.replace(queue.Queue, "is_shutdown", SHUTDOWN)
