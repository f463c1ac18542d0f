"""The ways a process ends without winding up, SIGTERM, `os._exit` and `os.exec*`, made to report first.

Serves `raceway run`, and what forks a child that hands in its part. A program sees nothing of it: SIGTERM shows the
default handler, a handler of its own replaces ours and gets the default one back. The report is made on a thread of its
own, since the thread that is interrupted may hold a lock that the report needs.
"""

from __future__ import annotations

import _thread
import functools
import operator
import os
import signal
import sys
from _thread import allocate_lock, get_ident, start_new_thread
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, ModuleType

from raceway.model.typing import Any, NoReturn
from raceway.standins import Native, stand_in

Report = Callable[[int], int]
"""Makes the report the first time it is called; takes the program's status and returns that of the whole run."""

_PATIENCE_S = 60.0
"""How long the thread that ends the process waits for the report."""

_LITTLE_PATIENCE_S = 2.0
"""The same, for a thread that may itself hold what the report waits for."""

_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep


def report_before_dying(report: Report, *, in_children: bool = False) -> Callable[[], None]:
    """From now on what ends this process at once reports first, until what is returned is called.

    `in_children`: the same in the children that it forks.
    """
    process = None if in_children else os.getpid()
    undo = [_replace(os, "_exit", functools.partial(_exiting, report, process))]
    undo += [_replace(os, name, functools.partial(_executing, report, process)) for name in ("execv", "execve")]
    if os.name == "posix" and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and _is_main_thread():
        door = _SignalDoor(report, in_children=in_children)
        door.open()
        undo += [door.close, _replace(_thread, "interrupt_main", functools.partial(_interrupting, door))]

    def restore() -> None:
        for one in undo:
            one()

    return restore


def _replace(module: ModuleType, name: str, make: Callable[[Any], Any]) -> Callable[[], None]:
    """Have what is made of a function called for it; what is returned takes that back."""
    return stand_in(module, name, make, Native.module)


def _exiting(report: Report, process: int | None, really_exit: Callable[[int], NoReturn]) -> Callable[[int], NoReturn]:
    def _exit(status: int) -> NoReturn:
        try:
            code = operator.index(status)
        except TypeError as error:
            error.__traceback__ = None  # this frame's entry: the caller adds its own
            raise
        if process in (None, os.getpid()):
            code = _report_in_time(report, code)
        really_exit(code)

    return _exit


def _executing(report: Report, process: int | None, really_execute: Callable[..., NoReturn]) -> Callable[..., NoReturn]:
    def execute(*args: Any, **named: Any) -> NoReturn:
        path = args[0] if args else named.get("path", "")
        # `execvp` tries one directory after the other: only the one that has the program ends the process.
        if process in (None, os.getpid()) and (isinstance(path, int) or os.access(path, os.X_OK)):
            _report_in_time(report, 0)
        try:
            really_execute(*args, **named)
        except BaseException as error:
            error.__traceback__ = None  # this frame's entry: the caller adds its own
            raise

    return execute


def _interrupting(door: _SignalDoor, really_interrupt: Callable[..., None]) -> Callable[..., None]:
    """`_thread.interrupt_main`, which does nothing for a signal that has its default handler: ours counts as that."""

    def interrupt_main(*args: Any, **named: Any) -> None:
        try:
            terminates = len(args) == 1 and not named and operator.index(args[0]) == signal.SIGTERM
            if not terminates or not door.by_default():
                really_interrupt(*args, **named)
        except BaseException as error:
            error.__traceback__ = None  # this frame's entry: the caller adds its own
            raise

    return interrupt_main


def _report_in_time(report: Report, status: int) -> int:
    return _report_aside(report, status, _LITTLE_PATIENCE_S if _is_inside_raceway() else _PATIENCE_S)


class _Termination(int):
    """The handler of SIGTERM. As a number it is 0, SIG_DFL: that is what `signal` shows for it."""

    _die: Callable[[], None]

    def __new__(cls, die: Callable[[], None]) -> _Termination:
        handler = super().__new__(cls, signal.SIG_DFL)
        handler._die = die
        return handler

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self._die()


class _SignalDoor:
    """Stands for the C module inside `signal`: whoever sets SIGTERM to its default gets our handler instead."""

    def __init__(self, report: Report, *, in_children: bool) -> None:
        self._in_children = in_children
        self._module: Any = signal._signal  # type: ignore[attr-defined]
        self._report = report
        self._handler = _Termination(self._die)
        self._masks: dict[int, set[int]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def open(self) -> None:
        """Put it there, and the handler."""
        signal._signal = self  # type: ignore[attr-defined]
        self._module.signal(signal.SIGTERM, self._handler)
        self._insist()
        os.register_at_fork(before=self._hold, after_in_parent=self._unhold, after_in_child=self._in_child)

    def close(self) -> None:
        """As it would be without us."""
        signal._signal = self._module  # type: ignore[attr-defined]
        if self.by_default():
            self._module.signal(signal.SIGTERM, self._module.SIG_DFL)

    def by_default(self) -> bool:
        """Whether SIGTERM has the default handler as the program sees it."""
        return self._module.getsignal(signal.SIGTERM) is self._handler

    def _hold(self) -> None:
        """Keep SIGTERM back during a fork: the interpreter forgets signals that reach a child before it has begun."""
        self._masks[get_ident()] = self._module.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))

    def _unhold(self) -> None:
        self._module.pthread_sigmask(signal.SIG_SETMASK, self._masks.pop(get_ident(), ()))

    def _in_child(self) -> None:
        if not self._in_children:
            self.close()
        elif self.by_default():
            self._insist()
        self._unhold()

    def _insist(self) -> None:
        """Have the signal sent again until its handler has run, which may be never when it comes before a long wait."""
        if (native := _native()) is not None:
            native.insist(signal.SIGTERM)

    def signal(self, number: int, handler: Any) -> Any:
        """`_signal.signal`, but for one handler."""
        if number == signal.SIGTERM and type(handler) is int and handler == signal.SIG_DFL:
            handler = self._handler
        try:
            before = self._module.signal(number, handler)
        except BaseException as error:
            error.__traceback__ = None  # this frame's entry: the caller adds its own
            raise
        if handler is self._handler:
            self._insist()
        return before

    def _die(self) -> None:
        if (native := _native()) is not None:
            native.insist_no_more()
        # A second signal ends the process at once. Only the main thread, where handlers run, may set that.
        self._module.signal(signal.SIGTERM, self._module.SIG_DFL)
        if _is_inside_raceway():
            # It must go on for the report to get what it needs: the other thread ends the process.
            try:
                start_new_thread(self._report_and_die, ())
            except RuntimeError:  # the interpreter is shutting down: what reports now is the last thing that it does
                if not _is_reporting():
                    self._report_and_die()
        else:
            _report_aside(self._report, 0, _PATIENCE_S)
            os.kill(os.getpid(), signal.SIGTERM)

    def _report_and_die(self) -> None:
        self._report(0)
        os.kill(os.getpid(), signal.SIGTERM)


def _report_aside(report: Report, status: int, patience: float) -> int:
    """Report on another thread; the status of the whole run, or the program's when that takes too long."""
    done = allocate_lock()
    done.acquire()
    answers: list[int] = []

    def make() -> None:
        try:
            answers.append(report(status))
        finally:
            done.release()

    try:
        start_new_thread(make, ())
    except RuntimeError:  # no more threads here, as when the interpreter is shutting down
        return report(status)
    done.acquire(timeout=patience)
    return answers[0] if answers else status


def _native() -> Any:
    """The native core where it has been imported: what a handler of Python cannot do is done in C."""
    return sys.modules.get("raceway._native")


def _is_main_thread() -> bool:
    """Whether this is the thread that may say what a signal does."""
    threading: Any = sys.modules.get("threading")
    return threading is None or threading.main_thread().ident == get_ident()


_ON_TOP = (["raceway", "cli"], ["raceway", "children"])
"""Parts of Raceway whose frames hold nothing that a report needs."""


_SDK_HANDLER = ("raceway.pipeline.endings", "_terminated")
"""What a client of the SDK does on SIGTERM. When it lets the signal go on it holds nothing either."""


_REPORTING = (("raceway.cli.reporting", "_report"), ("raceway.session", "hand_in"))


def _is_inside_raceway() -> bool:
    """Whether the calling thread was in the middle of what Raceway does beside the program, or of finding a module."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__")
        part = name.split(".")[:2] if isinstance(name, str) else []
        if (name, frame.f_code.co_name) == _SDK_HANDLER:
            part = _ON_TOP[0]
        if part[:1] in (["importlib"], ["_frozen_importlib"]) or (part[:1] == ["raceway"] and part not in _ON_TOP):
            return True
        if part not in _ON_TOP and not frame.f_code.co_filename.startswith((_STANDARD_LIBRARY, "<frozen ")):
            return False  # the program's own code, which holds nothing of ours
        frame = frame.f_back
    return False


def _is_reporting() -> bool:
    """Whether the calling thread was in the middle of a report, or of handing in."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) in _REPORTING:
            return True
        frame = frame.f_back
    return False


def aside(call: Callable[[], None]) -> None:
    """Call it for a signal handler: on another thread, since the main one may be within what it needs.

    There can be none any more when the interpreter is shutting down; then it is too late for the call, too.
    """
    with suppress(RuntimeError):
        start_new_thread(call, ())
