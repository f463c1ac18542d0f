"""Semaphore and BoundedSemaphore: `release()` -> every later `acquire()` that succeeded.

The edge sits at the counter: it goes up and down under the semaphore's own lock, only when the operation succeeds, and
in subclasses too. The semaphore that a thread pool counts its idle workers with gives no edge. On no exception path.
"""

from __future__ import annotations

import sys
import threading

from raceway.runtime.contract import Recorder
from raceway.sync import creation
from raceway.sync.patching import ABSENT, Patches, Watched
from raceway.sync.serials import Serials, Table, of_run

serials = of_run(Serials("semaphore"))
internal: Table[bool] = of_run(Table())

_CONSTRUCTORS = frozenset({"Semaphore.__init__", "BoundedSemaphore.__init__"})


def counting(recorder: Recorder, semaphore: object, old: object, new: object) -> None:
    """The counter of `semaphore` is about to change."""
    if old is ABSENT:
        if creation.is_quiet(creation.asker(sys._getframe(1), _CONSTRUCTORS)):
            internal.put(semaphore, True)
    elif type(old) is int and type(new) is int and not internal.get(semaphore):
        if new > old:
            released(recorder, semaphore)
        elif new < old:
            acquired(recorder, semaphore)


def released(recorder: Recorder, semaphore: object) -> None:
    """`semaphore` is about to let somebody in."""
    recorder.release(serials.number(recorder, semaphore))


def acquired(recorder: Recorder, semaphore: object) -> None:
    """The current actor got in."""
    recorder.acquire(serials.number(recorder, semaphore))


COUNTER = Watched("_value", write=counting)


def patch(patches: Patches) -> None:
    """Watch the counter."""
    patches.replace(threading.Semaphore, "_value", COUNTER)
