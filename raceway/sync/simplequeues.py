"""SimpleQueue: `put()` -> the `get()` of that item. `empty()` and `qsize()`: nothing.

The class stands for `queue.SimpleQueue` and is derived from it. Each item travels with the serial that its put
released, so the edge is exact, and nothing has to be locked: `put` may be called from a `__del__` or a signal handler
in the middle of another. Executors get real ones: their edges are modelled at the futures. A traceback shows no frame
of ours.
"""

from __future__ import annotations

import queue
import sys

from raceway.model.typing import Any
from raceway.originals import SimpleQueue as RealSimpleQueue
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import creation, workers
from raceway.sync.patching import Patches
from raceway.sync.serials import Serial, Serials, of_run
from raceway.sync.wrappers import Failures, hide_frame

queues = of_run(Serials("queue"))
"""Which queue a job was taken from."""


class Carried:
    """An item on its way, with the serial of its put."""

    __slots__ = ("item", "serial")

    _recorder = staticmethod(active.recorder)

    def __init__(self, item: Any) -> None:
        self.item = item
        self.serial: Serial | None = None
        try:
            if (recorder := self._recorder()) is not None:
                self.serial = Serial(recorder, "queue")
                putting(recorder, self.serial)
        except Exception:
            Failures.count += 1

    def taken(self, owner: object) -> None:
        """The current actor took the item out of that queue."""
        recorder = self._recorder()
        if recorder is not None and self.serial is not None and self.serial.run == Serial.runs:
            counts = recorder.jobs.take(queues.number(recorder, owner))
            got(recorder, self.serial)
            if counts and recorder.jobs.asks():
                workers.judge_next(recorder, owner, self.item)


def putting(recorder: Recorder, serial: Serial) -> None:
    """The current actor is about to put in the item that `serial` stands for."""
    recorder.release(serial.number, merge=False)


def got(recorder: Recorder, serial: Serial) -> None:
    """The current actor took the item out."""
    recorder.acquire(serial.number)


class SimpleQueue(RealSimpleQueue[Any]):
    """Stands for `queue.SimpleQueue`. It hands out real ones outside a run, and to internal modules."""

    __slots__ = ()

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Any:
        """A queue for whoever asks."""
        real = cls is SimpleQueue and (active.recorder() is None or creation.is_quiet(sys._getframe(1)))
        try:
            return RealSimpleQueue(*args, **kwargs) if real else super().__new__(cls, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    def put(self, /, *args: Any, **kwargs: Any) -> None:
        """Put an item in."""
        try:
            super().put(*_carrying(args, kwargs), **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    def put_nowait(self, /, *args: Any, **kwargs: Any) -> None:
        """Put an item in."""
        try:
            super().put_nowait(*_carrying(args, kwargs), **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    def get(self, /, *args: Any, **kwargs: Any) -> Any:
        """Take an item out."""
        try:
            item = super().get(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        if type(item) is not Carried:
            return item
        try:
            item.taken(self)
        except Exception:
            Failures.count += 1
        return item.item

    def get_nowait(self, /, *args: Any, **kwargs: Any) -> Any:
        """Take an item out."""
        try:
            item = super().get_nowait(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        if type(item) is not Carried:
            return item
        try:
            item.taken(self)
        except Exception:
            Failures.count += 1
        return item.item


def _carrying(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of a put with the item wrapped, wherever it is given."""
    if args:
        return (Carried(args[0]), *args[1:])
    if "item" in kwargs:
        kwargs["item"] = Carried(kwargs["item"])
    return args


SimpleQueue.__module__ = RealSimpleQueue.__module__
SimpleQueue.__doc__ = RealSimpleQueue.__doc__


def patch(patches: Patches) -> None:
    """Replace the class."""
    if RealSimpleQueue.__module__ == "_queue" and queue.SimpleQueue is RealSimpleQueue:
        patches.replace(queue, "SimpleQueue", SimpleQueue)
