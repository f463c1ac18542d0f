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
from raceway.originals import allocate_lock

EXIT_TIMEOUT = 5.0
"""Seconds that a process waits for its events at its end; what is left then is spooled, or lost and counted."""

TERM_TIMEOUT = 2.0
"""The same after SIGTERM: whoever sent it may follow with SIGKILL."""


importing = allocate_lock()
"""Held while a worker imports: a child that is forked meanwhile would have halves of modules for good."""

_forking: list[int] = []
"""The thread that forks, and holds it meanwhile."""

IMPORT_PATIENCE = 3.0
"""Seconds that a fork waits for an import at most."""

LOOKING = 0.2
"""Seconds between two looks for `is_over`, where that may be."""


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
    os.register_at_fork(before=_before_fork, after_in_parent=_forked, after_in_child=_after_fork)


def _at_exit() -> None:
    for pipeline, at_exit in list(_open.items()):
        if at_exit:
            pipeline.close(EXIT_TIMEOUT)


def _before_fork() -> None:
    for pipeline in list(_open):
        pipeline.before_fork()
    if importing.acquire(True, IMPORT_PATIENCE):
        _forking.append(threading.get_ident())


def _forked() -> None:
    if threading.get_ident() in _forking:  # else it was not to be had
        _forking.clear()
        importing.release()


def _after_fork() -> None:
    _forked()
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


def may_be_over() -> bool:
    """Whether this is a child that was forked by a thread which is not its parent's main one. It ends, without exit
    handlers, with the last of its threads: those that wait for work have to look whether they are alone."""
    return not isinstance(threading.main_thread(), threading._MainThread)  # type: ignore[attr-defined]


def is_over() -> bool:
    """Whether all threads of such a child have ended but those that `threading` does not know, as ours."""
    return may_be_over() and all(isinstance(thread, threading._DummyThread) for thread in threading.enumerate())


def close_all() -> None:
    """Close what is closed at exit: where exit handlers are not run."""
    _at_exit()


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
