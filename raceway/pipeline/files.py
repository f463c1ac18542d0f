"""The sink that writes events to a file: one JSON object per line, or msgpack objects one after the other.

The file is only ever appended to, in whole events: after `kill -9` it is readable up to the last flush. Both sides of a
fork may append to one file.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec

from raceway.pipeline.batch import Batch
from raceway.pipeline.settings import SinkCounts


class FileSink:
    """Appends events to `path`: msgpack when it ends in `.msgpack`, else JSONL. Raises OSError when it cannot.

    Every batch is written at once, when it comes: there is nothing to lose between two.
    """

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        self._pack = msgspec.msgpack.Encoder().encode if path.endswith(".msgpack") else None
        self._sent = 0
        self._lost = 0

    def take(self, batch: Batch) -> None:
        """Write the events. Raises OSError when the disk is full; what was cut off is taken back."""
        pack = self._pack
        data = b"".join(map(pack, batch.events)) if pack else b"\n".join(batch.lines) + b"\n"
        try:
            self._write(data)
        except BaseException:
            self._lost += len(batch.lines)
            raise
        self._sent += len(batch.lines)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        before = len(view)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            self._take_back(before - len(view))
            raise

    def _take_back(self, count: int) -> None:
        """Cut off the part of a batch that was written: a torn line would make the next one unreadable, too."""
        if count:
            os.ftruncate(self._file, max(os.fstat(self._file).st_size - count, 0))

    def attend(self, meanwhile: Callable[[], object]) -> None:
        """Nobody is ever waited for."""

    def work(self) -> float | None:
        """Nothing is ever due."""
        return None

    def flush(self, _until: float) -> bool:
        """All is written already."""
        return True

    def close(self, _until: float) -> bool:
        """Close the file."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
        return True

    def interrupt(self) -> None:
        """Nothing is ever waited for."""

    def after_fork(self) -> None:
        """The child appends to the same file."""
        self._sent = self._lost = 0

    def counts(self) -> SinkCounts:
        """What it wrote so far."""
        return SinkCounts(sent=self._sent, lost=self._lost)
