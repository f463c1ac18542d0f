"""The stream of records between the threads of the program and the detector.

Every thread appends; whichever thread finds the detector idle feeds it what has gathered. Nobody ever waits: a thread
that finds the detector busy leaves its record to the one that is feeding. So a finaliser or signal handler that runs
in the middle of a feed cannot deadlock, and the order of the stream is the order in which things were appended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from raceway.model.records import Record
from raceway.originals import allocate_lock

HIDDEN = 0
"""The actor of threads of our own: what it does is not put into the stream. Serials begin at 1."""


class Stream:
    """A queue of records with a consumer that runs in the producers' threads.

    `last` is the newest record, so that who remembers it sees whether another came. `feed` takes each in turn.
    """

    def __init__(self, feed: Callable[[Record], None]) -> None:
        self.feed = feed
        self._waiting: deque[Record] = deque()
        self._busy = allocate_lock()
        self.failures = 0
        self.last: Record | None = None

    def put(self, record: Record) -> None:
        """Append a record and feed the detector unless somebody is at it."""
        if getattr(record, "actor", None) == HIDDEN:
            return
        self._waiting.append(record)
        self.drain()
        self.last = record

    def drain(self) -> None:
        """Feed all that waits, unless another thread does."""
        waiting, busy = self._waiting, self._busy
        while waiting and busy.acquire(False):
            try:
                while waiting:
                    self.feed(waiting.popleft())
            except Exception:  # a fault of ours is counted and reported, never raised into the program
                self.failures += 1
            finally:
                busy.release()

    def reset_after_fork(self) -> None:
        """In a forked child: the feeding thread of the parent does not exist here."""
        self._busy = allocate_lock()
        self._waiting.clear()
