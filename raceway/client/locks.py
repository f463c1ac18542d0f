"""`tracked_lock`: a lock around a block, told of when it is taken and freed, and how long one waited for it.

    with tracked_lock(client, lock, "name"):   with tracked_lock(lock, "name"):   with tracked_lock("name"):

The last form has a lock of its own, one for each name in the process. Locks of asyncio go with `async with`.
"""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from raceway.client import marks
from raceway.client.default import get_client
from raceway.client.lockwatch import LockUse, freed, taken
from raceway.client.marks import Place
from raceway.client.tracking import Tracking
from raceway.model.typing import Any, Self
from raceway.originals import allocate_lock

_named: dict[str, Any] = {}
_naming = allocate_lock()

_TYPES = {"lock": "Mutex", "Lock": "Mutex", "BoundedSemaphore": "Semaphore"}
"""What the wire calls locks whose type has another name."""


def tracked_lock(*parts: Any, lock_type: str = "", client: Any = None, lock: Any = None, name: str = "") -> TrackedLock:
    """A block under a lock: `(client, lock, "name")`, `(lock, "name")` or `("name")`; all parts also by keyword.

    Raises TypeError when there is neither a lock nor a name.
    """
    rest = list(parts)
    if rest and (rest[0] is None or isinstance(rest[0], Tracking)):
        client = rest.pop(0)
    if rest and isinstance(rest[-1], str):
        name = rest.pop()
    if rest:
        lock = rest.pop(0)
    if rest or (lock is None and not name):
        raise TypeError('tracked_lock takes (client, lock, "name"), (lock, "name") or ("name")')
    if lock is None:
        lock = _lock_called(name)
    return TrackedLock(client, lock, name or f"{type(lock).__name__}-{id(lock):x}", lock_type or _type_of(lock))


def _lock_called(name: str) -> Any:
    with _naming:
        if name not in _named:
            _named[name] = threading.RLock()
        return _named[name]


def _type_of(lock: Any) -> str:
    name = type(lock).__name__
    return _TYPES.get(name, name)


class TrackedLock:
    """What `tracked_lock` gives: a context manager, good for one block at a time in each flow."""

    def __init__(self, client: Tracking | None, lock: Any, name: str, lock_type: str) -> None:
        self._given = client
        self._lock = lock
        self.name = name
        self.lock_type = lock_type

    def acquire(self) -> bool:
        """Take the lock, as long as it takes."""
        return self._acquired(sys._getframe(1))

    def release(self) -> None:
        """Free the lock."""
        self._released(sys._getframe(1))

    def __enter__(self) -> Self:
        self._acquired(sys._getframe(1))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._released(sys._getframe(1))

    async def __aenter__(self) -> Self:
        frame = sys._getframe(1)
        place = (frame.f_code, frame.f_lasti)
        contended = bool(self._lock.locked())
        began = time.perf_counter_ns()
        await self._lock.acquire()
        self._tell_taken(place, contended, time.perf_counter_ns() - began)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._released(sys._getframe(1))

    def _acquired(self, frame: Any) -> bool:
        place = (frame.f_code, frame.f_lasti)
        acquire = getattr(self._lock, "acquire", None)
        began = time.perf_counter_ns()
        contended = False
        if acquire is None:
            self._lock.__enter__()
        elif not acquire(blocking=False):
            contended = True
            acquire()
        self._tell_taken(place, contended, time.perf_counter_ns() - began)
        return True

    def _released(self, frame: Any) -> None:
        place = (frame.f_code, frame.f_lasti)
        client = self._given or get_client()
        if client is not None:
            client.note(marks.lock_release, place, (self.name, self.lock_type))
        freed(client, self.name)
        release = getattr(self._lock, "release", None)
        if release is None:
            self._lock.__exit__(None, None, None)
        else:
            release()

    def _tell_taken(self, place: Place, contended: bool, waited_ns: int) -> None:
        client = self._given or get_client()
        if client is not None:
            client.note(marks.lock_acquire, place, (self.name, self.lock_type))
        taken(client, LockUse(self.name, place, contended, waited_ns if contended else 0))
