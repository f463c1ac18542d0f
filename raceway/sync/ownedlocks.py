"""Locks of tasks that note their owner, those of trio and of anyio: who holds one, seen where the owner is noted.

As with those of asyncio, that they are held says what guards what, and orders tasks no further than their loop does.
Every way to take one (`async with`, `acquire()`, by a Condition) passes there. Who gives one back while others wait
makes the first of them its owner, who goes on later. On no exception path.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import MemberDescriptorType

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import creation
from raceway.sync.eventloops import serial_of
from raceway.sync.patching import ABSENT, Patches, Watched
from raceway.sync.serials import Serial, Table, of_run
from raceway.sync.timelimits import is_limited
from raceway.sync.wrappers import Failures

_TRIO, _ANYIO = "trio._sync", "anyio._backends._asyncio"

_PASSED = ("trio.", "anyio.", "raceway.sync.")

locks: Table[Serial] = of_run(Table())


def made(recorder: Recorder, lock: Any) -> None:
    """`lock` was just made."""
    frame = sys._getframe(3)  # this one, the model, the descriptor, and then `__init__`
    while frame.f_back is not None and creation.module_of(frame).startswith(_PASSED):
        frame = frame.f_back
    locks.put(lock, Serial(recorder, "lock", *creation.place(frame)))


def passes(recorder: Recorder, lock: Any, old: object, owner: int) -> None:
    """`lock`, which has had the owner `old`, is the task's of this serial from here on; nobody's if that is 0."""
    number = _serial(recorder, lock).number
    if old is not None:
        recorder.lock_freed(number)
    if owner:
        before = recorder.tasks.resume(owner)
        recorder.tasks.lock_taken(number, before == owner and not _is_limited(lock))
        recorder.tasks.resume(before)


def _is_limited(lock: object) -> bool:
    """Whether the current task gives up waiting for the lock at some time."""
    library = sys.modules[type(lock).__module__.partition(".")[0]]
    return library.current_effective_deadline() != math.inf or is_limited()


def _serial(recorder: Recorder, lock: Any) -> Serial:
    return locks.of(lock, lambda: Serial(recorder, "lock"))


def written(recorder: Recorder, lock: Any, old: object, new: object) -> None:
    """The owner of a lock, a task or None, is about to be noted."""
    if old is ABSENT:
        made(recorder, lock)
    else:
        passes(recorder, lock, old, 0 if new is None else serial_of(recorder, new))


class WatchedSlot:
    """A data descriptor in place of that of a slot, `member`. It tells a model of each store, as `Watched` does."""

    def __init__(self, member: Any, write: Callable[..., None]) -> None:
        self._member = member
        self._write = write
        self._current = active.recorder

    def __get__(self, instance: Any, owner: type) -> Any:
        """The value, as if there were no descriptor of ours."""
        return self._member.__get__(instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        """Store the value."""
        try:
            if (recorder := self._current()) is not None:
                self._write(recorder, instance, self._before(instance), value)
        except Exception:
            Failures.count += 1
        self._member.__set__(instance, value)

    def __delete__(self, instance: Any) -> None:
        """Remove the value."""
        self._member.__delete__(instance)

    def _before(self, instance: Any) -> Any:
        try:
            return self._member.__get__(instance, type(instance))
        except AttributeError:
            return ABSENT


_OWNER = Watched("_owner", write=written)


def patch(patches: Patches) -> None:
    """Watch the locks of trio and of anyio, as far as they have been imported."""
    trio = sys.modules.get(_TRIO)
    lock = getattr(trio, "_LockImpl", None) or getattr(trio, "Lock", None)
    if lock is not None:
        patches.replace(lock, "_owner", _OWNER)
    lock = getattr(sys.modules.get(_ANYIO), "Lock", None)
    member = vars(lock).get("_owner_task") if lock is not None else None
    if type(member) is MemberDescriptorType:
        patches.replace(lock, "_owner_task", WatchedSlot(member, written))
