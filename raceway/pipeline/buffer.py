"""The buffer between the threads of the program and the worker: bounded, never waited for, exact in what it counts."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.originals import allocate_lock


class Tally:
    """A count that any thread may raise, also in the middle of another raise (a signal handler, a finaliser)."""

    __slots__ = ("_count", "_lock", "_others")

    def __init__(self) -> None:
        self._count = 0
        self._lock = allocate_lock()
        self._others: deque[int] = deque()

    def add(self, number: int = 1) -> None:
        """Raise it, without waiting for anybody."""
        if self._lock.acquire(False):
            self._count += number
            self._lock.release()
        else:
            self._others.append(number)

    def value(self) -> int:
        """The count so far."""
        return self._count + sum(list(self._others))


class _Intake:
    """Takes an event where nothing but that is to be done, which is almost always; else `otherwise` is asked.

    What it looks at: whether the worker is there (`served`), the pipeline is open (not `closed`), there is room, and
    the worker is not `asleep` until there is a batch, which would be whole now.
    """

    __slots__ = ("_append", "_batch_size", "_otherwise", "_size", "_waiting", "asleep", "closed", "served")

    def __init__(self, waiting: deque[Any], size: int, batch_size: int, otherwise: Callable[[Any], bool]) -> None:
        self.served = self.closed = self.asleep = False
        self._waiting = waiting
        self._append = waiting.append
        self._size = size
        self._batch_size = batch_size
        self._otherwise = otherwise

    def __call__(self, event: Any) -> bool:
        length = len(self._waiting)
        if not self.served or self.closed or length >= self._size or (self.asleep and length + 1 >= self._batch_size):
            return self._otherwise(event)
        self._append(event)
        return True


Intake: type[_Intake]
try:
    from raceway import _native
except ImportError:
    Intake = _Intake
else:
    Intake = _native.Intake  # type: ignore[assignment]


class Buffer:
    """Events that wait for the worker, and the bell that wakes it.

    `put` is for any thread and takes no lock: appending to a deque is one step on every build. Drops are exact. So is
    `intake`, which is quicker and leaves to `otherwise` what is out of the common.
    """

    def __init__(self, size: int, batch_size: int, otherwise: Callable[[Any], bool]) -> None:
        self._size = size
        self._batch_size = batch_size
        self._waiting: deque[Any] = deque()
        self._bell = allocate_lock()
        self._bell.acquire()
        self.intake = Intake(self._waiting, size, batch_size, otherwise)
        self.dropped = Tally()
        self.taken = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: Any) -> bool:
        """Append an event; False, and one drop counted, when the buffer is full."""
        waiting = self._waiting
        if len(waiting) >= self._size:
            self.dropped.add()
            return False
        waiting.append(event)
        if self.intake.asleep and len(waiting) >= self._batch_size:
            self.ring()
        return True

    def ring(self) -> None:
        """Wake the worker."""
        self.intake.asleep = False
        with contextlib.suppress(RuntimeError):  # somebody else was faster
            self._bell.release()

    def wait(self, seconds: float) -> None:
        """Sleep until there is a batch, the bell rings or the time is over. For the worker."""
        self.intake.asleep = True
        if len(self._waiting) < self._batch_size:
            self._bell.acquire(True, max(seconds, 0.0))
        self.intake.asleep = False

    def take(self) -> list[Any]:
        """All that waits now. For the worker."""
        waiting = self._waiting
        taken = [waiting.popleft() for _ in range(len(waiting))]
        self.taken += len(taken)
        return taken

    def after_fork(self) -> None:
        """In a forked child: what waits is the parent's, and so is the worker that was to be woken."""
        self._waiting.clear()
        self._bell = allocate_lock()
        self._bell.acquire()
        self.intake.asleep = False
        self.dropped = Tally()
        self.taken = 0
