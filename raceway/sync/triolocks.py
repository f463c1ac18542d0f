"""trio.Lock and its like: who holds one, seen where the lock notes its owner.

As with those of asyncio, that they are held says what guards what, and orders tasks no further than their loop does.
Every way to take one (`async with`, `acquire()`, by a Condition) passes there. Who gives one back while others wait
makes the first of them its owner, who goes on later. On no exception path.
"""

from __future__ import annotations

import sys

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync import creation, triotasks
from raceway.sync.patching import ABSENT, Patches, Watched
from raceway.sync.serials import Serial, Table, of_run

MODULE = "trio._sync"

_PASSED = ("trio.", "anyio.", "raceway.sync.")

locks: Table[Serial] = of_run(Table())


def written(recorder: Recorder, lock: Any, old: Any, new: Any) -> None:
    """`lock` is made, or about to get another owner, or None."""
    if old is ABSENT:
        frame = sys._getframe(2)  # this one, the descriptor, and then `__init__`
        while frame.f_back is not None and creation.module_of(frame).startswith(_PASSED):
            frame = frame.f_back
        locks.put(lock, Serial(recorder, "lock", *creation.place(frame)))
        return
    serial = locks.of(lock, lambda: Serial(recorder, "lock"))
    if old is not None:
        recorder.lock_freed(serial.number)
    if new is not None and (owner := triotasks.tasks.get(new)) is not None:
        give(recorder, serial.number, owner)


def give(recorder: Recorder, lock: int, owner: int) -> None:
    """The task `owner` holds the lock from here on, whichever task runs."""
    before = recorder.tasks.resume(owner)
    recorder.lock_taken(lock, before == owner)
    recorder.tasks.resume(before)


def patch(patches: Patches) -> None:
    """Watch the locks of trio, if it has been imported."""
    module = sys.modules.get(MODULE)
    lock = getattr(module, "_LockImpl", None) or getattr(module, "Lock", None)
    if lock is not None:
        patches.replace(lock, "_owner", Watched("_owner", write=written))
