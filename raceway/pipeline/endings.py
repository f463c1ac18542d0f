"""Ends and forks of the process: what every open pipeline does at them.

At exit pipelines are closed. Before a fork they write down what waits; in the child they begin with nothing. SIGTERM,
where a pipeline asks for it and the program leaves it to the system, closes pipelines before it ends the process.
"""

from __future__ import annotations

import atexit
import functools
import os
import signal
import sys
import threading
from types import FrameType

from raceway.model.typing import Any, Protocol

EXIT_TIMEOUT = 5.0
"""Seconds that a process waits for its events at its end; what is left then is spooled, or lost and counted."""

TERM_TIMEOUT = 2.0
"""The same after SIGTERM: whoever sent it may follow with SIGKILL."""


class Ending(Protocol):
    """What has something to do at the end."""

    def close(self, timeout: float = ...) -> bool:
        """Deliver and end, in so many seconds at most."""

    def before_fork(self) -> None:
        """In the parent, before a fork."""

    def after_fork(self) -> None:
        """In the child, after it."""


_open: dict[Ending, bool] = {}
"""Pipelines that are open, and whether they want to be closed at exit."""


def follow(pipeline: Ending, *, at_exit: bool, terminate: bool) -> None:
    """Tell the pipeline of ends and forks from here on."""
    _register()
    _open[pipeline] = at_exit
    if terminate:
        _mind_sigterm()


def leave(pipeline: Ending) -> None:
    """Tell it no more."""
    _open.pop(pipeline, None)


@functools.cache  # what is registered stays for good
def _register() -> None:
    atexit.register(_at_exit)
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


def _at_exit() -> None:
    for pipeline, at_exit in list(_open.items()):
        if at_exit:
            pipeline.close(EXIT_TIMEOUT)


def _before_fork() -> None:
    for pipeline in list(_open):
        pipeline.before_fork()


def _after_fork() -> None:
    for pipeline in list(_open):
        pipeline.after_fork()
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        # A process of multiprocessing ends without exit handlers. What it does instead can be told only once it runs.
        util.register_after_fork(_child, _Child.close_at_end)


class _Child:
    """A forked child that multiprocessing may have begun."""

    def close_at_end(self) -> None:
        """Close pipelines when multiprocessing ends it."""
        util: Any = sys.modules["multiprocessing.util"]
        util.Finalize(None, _at_exit, exitpriority=-100)


_child = _Child()


def _mind_sigterm() -> None:
    """Close pipelines on SIGTERM. A program that handles the signal itself is left alone."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(number: int, _frame: FrameType | None) -> None:
    for pipeline, at_exit in list(_open.items()):
        if at_exit:  # the others' owner has more to say, and minds the signal itself
            pipeline.close(TERM_TIMEOUT)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
