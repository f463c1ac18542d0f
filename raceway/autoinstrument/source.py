"""The source of a module, read when it must be. Serves the import hook and the cache.

A file whose stamp (size, times of change) is the one that the cache noted need not be read. The time of
the last status change cannot be set by programs, so only an edit in the same tick of the clock could go unseen: a
stamp that is younger than some seconds is not noted.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from raceway.autoinstrument import disk

Stamp = tuple[int, int, int]

_SETTLED_NS = 3_000_000_000
"""No file system keeps times more coarsely than by two seconds."""


class Source:
    """What a file holds. `path` is where it lies, empty where its status says nothing of what `read` gives."""

    def __init__(self, read: Callable[[], bytes], path: str = "") -> None:
        self._read = read
        self._path = path
        self._content: bytes | None = None
        self._stamp: Stamp | None = None

    @property
    def content(self) -> bytes:
        """The bytes. Raises what reading raises."""
        if self._content is None:
            self.stamp()  # before it is read: a change in between must show
            self._content = self._read()
        return self._content

    def stamp(self) -> Stamp | None:
        """What tells whether the file has changed; None when that cannot be told."""
        if self._stamp is None and self._path:
            self._stamp = disk.stamp(self._path)
        return self._stamp

    def settled_stamp(self) -> Stamp | None:
        """The same, None also while another change might get the same stamp."""
        stamp = self.stamp()
        return stamp if stamp is not None and max(stamp[1:]) < time.time_ns() - _SETTLED_NS else None
