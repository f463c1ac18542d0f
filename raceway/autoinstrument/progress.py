"""Tells on a terminal that modules are being instrumented, when that takes long. Serves the session.

One line, there only while a module is worked on and gone before the program runs on, so that the two never mix. It
begins where the cursor is, and the cursor is put back there: what the program has left of a line stays.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator

from raceway.config import has_dumb_terminal
from raceway.model.typing import TextIO

_PATIENCE_S = 1.0
"""So much time must have gone into instrumenting before anything is shown."""

_SAVE, _RESTORE_AND_CLEAR = "\x1b7", "\x1b8\x1b[K"
_NAME = 40


class Progress:
    """The progress of one run. `stream` is asked for when it matters; nothing is shown when it is no terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._spent = 0.0
        self._modules = 0

    @contextlib.contextmanager
    def of(self, module: str) -> Iterator[None]:
        """Around the work on one module."""
        shown = self._show(module) if self._spent >= _PATIENCE_S and not self._quiet else None
        began = time.monotonic()
        try:
            yield
        finally:
            self._spent += time.monotonic() - began
            self._modules += 1
            if shown is not None:
                _write(shown, _RESTORE_AND_CLEAR)

    def _show(self, module: str) -> TextIO | None:
        stream = sys.__stderr__
        if stream is None or not _is_terminal(stream):
            return None
        name = module if len(module) <= _NAME else f"...{module[3 - _NAME :]}"
        _write(stream, f"{_SAVE}raceway: instrumenting module {self._modules + 1}: {name}")
        return stream


def _is_terminal(stream: TextIO) -> bool:
    try:
        return os.isatty(stream.fileno()) and not has_dumb_terminal()
    except (OSError, ValueError):
        return False


def _write(stream: TextIO, text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        stream.write(text)
        stream.flush()
