"""The buffer between the threads of the program and the worker: bounded, never waited for, exact in what it counts."""

from __future__ import annotations

import contextlib
from collections import deque

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


class Buffer:
    """Events that wait for the worker, and the bell that wakes it.

    `put` is for any thread and takes no lock: appending to a deque is one step on every build. Drops are exact.
    """

    def __init__(self, size: int, batch_size: int) -> None:
        self._size = size
        self._batch_size = batch_size
        self._waiting: deque[Any] = deque()
        self._bell = allocate_lock()
        self._bell.acquire()
        self._asleep = False
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
        if self._asleep and len(waiting) >= self._batch_size:
            self.ring()
        return True

    def ring(self) -> None:
        """Wake the worker."""
        self._asleep = False
        with contextlib.suppress(RuntimeError):  # somebody else was faster
            self._bell.release()

    def wait(self, seconds: float) -> None:
        """Sleep until there is a batch, the bell rings or the time is over. For the worker."""
        self._asleep = True
        if len(self._waiting) < self._batch_size:
            self._bell.acquire(True, max(seconds, 0.0))
        self._asleep = False

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
        self._asleep = False
        self.dropped = Tally()
        self.taken = 0
