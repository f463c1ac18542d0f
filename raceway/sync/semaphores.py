"""Semaphore and BoundedSemaphore: the `release()` that gave a place back -> the `acquire()` that took it.

Places are taken in the order in which they became free, those that were there from the beginning first. So of a
semaphore that lets in three, who comes in happens after who went out three before: what Go's memory model says of
channels with room for three. The two others may still be at it.

One that begins with a place for one actor is told as a lock, held from `acquire()` to `release()`, as long as it lets
in no more. Who uses it as a signal frees it in another actor than took it, which the recorder knows to be no lock.

The edge sits at the counter: it goes up and down under the semaphore's own lock, only when the operation succeeds, and
in subclasses too. The semaphore that a thread pool counts its idle workers with gives no edge. On no exception path.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from types import FrameType

from raceway.runtime.contract import Recorder
from raceway.sync import creation
from raceway.sync.locks import LockRecord, record_for
from raceway.sync.patching import ABSENT, Patches, Watched
from raceway.sync.serials import Serial, Serials, Table, of_run

serials = of_run(Serials("semaphore"))
internal: Table[bool] = of_run(Table())
owned: Table[LockRecord] = of_run(Table())
"""What those tell that let in one actor at a time."""

ROOM = 64
"""Releases that are told apart while nobody comes in; what comes after them is one with the last."""


class Places:
    """The free places of a semaphore: so many that nobody has had, and those given back, the oldest first."""

    __slots__ = ("given_back", "spare", "untouched")

    def __init__(self, untouched: int) -> None:
        self.untouched = untouched
        self.given_back: deque[tuple[Serial, int]] = deque()
        self.spare: list[Serial] = []

    def give_back(self, recorder: Recorder, count: int) -> None:
        """The current actor gives back so many at once."""
        if len(self.given_back) < ROOM:
            serial = self.spare.pop() if self.spare else Serial(recorder, "semaphore")
            recorder.release(serial.number, merge=False)
        else:
            serial, more = self.given_back.pop()
            recorder.release(serial.number)
            count += more
        self.given_back.append((serial, count))

    def take(self, recorder: Recorder, count: int) -> None:
        """The current actor takes so many at once."""
        fresh = min(count, self.untouched)
        self.untouched -= fresh
        count -= fresh
        while count and self.given_back:
            serial, free = self.given_back.popleft()
            recorder.acquire(serial.number)
            if free > count:
                self.given_back.appendleft((serial, free - count))
            else:
                self.spare.append(serial)
            count -= min(count, free)


shared: Table[Places] = of_run(Table())
"""Those of all others."""

_CONSTRUCTORS = frozenset({"Semaphore.__init__", "BoundedSemaphore.__init__"})


def counting(recorder: Recorder, semaphore: object, old: object, new: object) -> None:
    """The counter of `semaphore` is about to change."""
    if old is ABSENT:
        frame = creation.asker(sys._getframe(1), _CONSTRUCTORS)
        if creation.is_quiet(frame):
            internal.put(semaphore, True)
        elif new == 1 and (record := record_for(frame)) is not None:
            owned.put(semaphore, record)
        elif type(new) is int:
            shared.put(semaphore, Places(new))
    elif type(old) is int and type(new) is int and old != new and not internal.get(semaphore):
        if (record := owned.get(semaphore)) is not None:
            _count_owned(recorder, semaphore, record, old, new)
            return
        places = shared.of(semaphore, lambda: Places(old))
        if new > old:
            places.give_back(recorder, new - old)
        else:
            places.take(recorder, old - new)


def _count_owned(recorder: Recorder, semaphore: object, record: LockRecord, old: int, new: int) -> None:
    if new < old:
        recorder.acquire(serials.number(recorder, semaphore))
        record.taken(_would_wait())
    elif new == 1:
        record.freed()
    else:
        recorder.release(serials.number(recorder, semaphore))


def _would_wait() -> bool:
    """Whether the `acquire` that goes on would have waited without limit."""
    frame: FrameType | None = sys._getframe(
        3
    )  # this one, `_count_owned`, `counting`, the watched attribute, then `acquire`
    while frame is not None and frame.f_code.co_qualname != "Semaphore.acquire":
        frame = frame.f_back
    asked = {} if frame is None else frame.f_locals
    return bool(asked.get("blocking", True)) and asked.get("timeout") is None


COUNTER = Watched("_value", write=counting)


def patch(patches: Patches) -> None:
    """Watch the counter."""
    patches.watch(threading.Semaphore, COUNTER)
