"""What a run does on a signal: tell who waits for which lock, and who holds it where, or watch no longer.

The signal is the one that `--explain-on` or `--off-on` names, as long as the program leaves it at its default; a
handler that it sets takes the place of ours, and `signal.getsignal` shows the default meanwhile. Without these options
the signal does to the program what it ever did. Python runs handlers between instructions of the main thread, which
also a wait for a lock or a thread lets through. Forked children have the default.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

from raceway.model.typing import Any


class _Handler(int):
    """The handler. As a number it is 0, SIG_DFL: that is what `signal` shows for it."""

    _call: Callable[[], object]

    def __new__(cls, call: Callable[[], object]) -> _Handler:
        handler = super().__new__(cls, signal.SIG_DFL)
        handler._call = call
        return handler

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self._call()


def call_on_signal(call: Callable[[], object], name: str) -> Callable[[], None]:
    """From now on the signal of this name does this, until what is returned is called."""
    number = getattr(signal, name, None)
    if number is None or signal.getsignal(number) is not signal.SIG_DFL:
        return lambda: None
    # The functions of `signal` itself turn numbers into numbers.
    inner: Any = signal._signal  # type: ignore[attr-defined]
    handler, process = _Handler(call), os.getpid()
    inner.signal(number, handler)

    def restore() -> None:
        if inner.getsignal(number) is handler:
            inner.signal(number, inner.SIG_DFL)

    def in_child() -> None:
        if os.getpid() != process:
            restore()

    os.register_at_fork(after_in_child=in_child)
    return restore
