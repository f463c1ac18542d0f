"""asyncio.Lock: who holds one, seen where the lock notes that it is taken or free.

Locks order tasks of one loop no further than the loop itself does; that they are held says what guards what, and in
which order they are taken. Every way to take one (`async with`, `acquire()`, by a Condition) passes there. On no
exception path.
"""

from __future__ import annotations

import sys

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync import creation, loopobjects
from raceway.sync.patching import ABSENT, Patches, Watched
from raceway.sync.serials import Serial, Table, of_run
from raceway.sync.timelimits import is_limited

MODULE = "asyncio.locks"

_PASSED = frozenset({"asyncio.locks", "asyncio.mixins"})

locks: Table[Serial] = of_run(Table())


def written(recorder: Recorder, lock: Any, old: object, new: object) -> None:
    """`lock` is made, or about to be noted as taken or free."""
    loopobjects.used(recorder, lock, old is ABSENT)
    if old is ABSENT:
        frame = sys._getframe(2)  # this one, the descriptor, and then `__init__`
        while frame.f_back is not None and frame.f_globals.get("__name__") in _PASSED:
            frame = frame.f_back
        file, line = creation.place(frame)
        locks.put(lock, Serial(recorder, "lock", file, line))
        return
    serial = locks.of(lock, lambda: Serial(recorder, "lock"))
    if new is True and old is not True:
        recorder.tasks.lock_taken(serial.number, not is_limited())
    elif new is False and old is True:
        recorder.lock_freed(serial.number)


def patch(patches: Patches) -> None:
    """Watch the locks of asyncio, if it has been imported."""
    lock = getattr(sys.modules.get(MODULE), "Lock", None)
    if lock is not None:
        patches.replace(lock, "_locked", Watched("_locked", write=written))
