"""Standard error for the report: a stream of our own on the same file, whatever the program does to `sys.stderr`.

Serves `raceway run`. It is usable from any thread at any moment, and a reader that is gone is no error.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from select import select

from raceway.model.typing import Any, TextIO

_PATIENCE_S = 5.0
"""How long a full pipe may stay full when its writers do not block."""


class _Descriptor(io.RawIOBase):
    """Writes all it is given, or drops it once that has failed."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._broken = False

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B")
        rest = view
        while rest and not self._broken:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                self._broken = not select([], [self._descriptor], [], _PATIENCE_S)[1]
            except OSError:
                self._broken = True
        return len(view)


def standard_error() -> TextIO:
    """A text stream on the process's standard error; text that has nowhere to go is dropped."""
    stream = sys.__stderr__
    try:
        descriptor = stream.fileno() if stream is not None else -1
    except (OSError, ValueError):  # replaced by something that is no file, or closed
        descriptor = -1
    if stream is None or descriptor < 0:
        return io.StringIO()
    # Line by line: the report is one among the writers of a terminal.
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(descriptor)), stream.encoding, errors="backslashreplace", line_buffering=True
    )


def flush_streams() -> None:
    """Let what the program has written come before what we write."""
    for stream in (sys.stdout, sys.stderr):
        # Whatever the program has put there.
        with contextlib.suppress(Exception):
            stream.flush()
