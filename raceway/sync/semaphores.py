"""Semaphore and BoundedSemaphore: `release()` -> every later `acquire()` that succeeded.

One that begins with a place for one actor is told as a lock, held from `acquire()` to `release()`, as long as it lets
in no more. Who uses it as a signal frees it in another actor than took it, which the recorder knows to be no lock.

The edge sits at the counter: it goes up and down under the semaphore's own lock, only when the operation succeeds, and
in subclasses too. The semaphore that a thread pool counts its idle workers with gives no edge. On no exception path.
"""

from __future__ import annotations

import sys
import threading
from types import FrameType

from raceway.runtime.contract import Recorder
from raceway.sync import creation
from raceway.sync.locks import LockRecord, record_for
from raceway.sync.patching import ABSENT, Patches, Watched
from raceway.sync.serials import Serials, Table

serials = Serials("semaphore")
internal: Table[bool] = Table()
owned: Table[LockRecord] = Table()
"""What those tell that let in one actor at a time."""

_CONSTRUCTORS = frozenset({"Semaphore.__init__", "BoundedSemaphore.__init__"})


def counting(recorder: Recorder, semaphore: object, old: object, new: object) -> None:
    """The counter of `semaphore` is about to change."""
    if old is ABSENT:
        frame = creation.asker(sys._getframe(1), _CONSTRUCTORS)
        if creation.is_quiet(frame):
            internal.put(semaphore, True)
        elif new == 1 and (record := record_for(frame)) is not None:
            owned.put(semaphore, record)
    elif type(old) is int and type(new) is int and not internal.get(semaphore):
        if new > old:
            released(recorder, semaphore, new)
        elif new < old:
            acquired(recorder, semaphore)


def released(recorder: Recorder, semaphore: object, places: int) -> None:
    """`semaphore` is about to let so many in."""
    record = owned.get(semaphore)
    if record is not None and places == 1:
        record.freed()
    else:
        recorder.release(serials.number(recorder, semaphore))


def acquired(recorder: Recorder, semaphore: object) -> None:
    """The current actor got in."""
    recorder.acquire(serials.number(recorder, semaphore))
    if (record := owned.get(semaphore)) is not None:
        record.taken(_would_wait())


def _would_wait() -> bool:
    """Whether the `acquire` that goes on would have waited without limit."""
    frame: FrameType | None = sys._getframe(
        3
    )  # this one, `acquired`, `counting`, the watched attribute, then `acquire`
    while frame is not None and frame.f_code.co_qualname != "Semaphore.acquire":
        frame = frame.f_back
    asked = {} if frame is None else frame.f_locals
    return bool(asked.get("blocking", True)) and asked.get("timeout") is None


COUNTER = Watched("_value", write=counting)


def patch(patches: Patches) -> None:
    """Watch the counter."""
    patches.watch(threading.Semaphore, COUNTER)
