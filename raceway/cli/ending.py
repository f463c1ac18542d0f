"""Ends a program the way the interpreter does, step by step, so that the report can come after its last exit handler.

    show how it ended: nothing, a traceback through sys.excepthook, or what SystemExit carries
    join its threads, run its exit handlers
    (here the report is made)
    leave with its status, or by the signal that ended it

Serves `raceway run`. What is left for the interpreter to do is to finalise: destructors run as ever.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
from collections.abc import Callable
from types import TracebackType

from raceway.cli.program import Call
from raceway.model.struct import Struct
from raceway.model.typing import Any, NoReturn

_display = sys.__excepthook__
"""The interpreter's own, whatever the program puts in its place."""

_run_exit_handlers: Callable[[], None] = atexit._run_exitfuncs


class Outcome(Struct):
    """How the program ended. `interrupted`: by a KeyboardInterrupt, for which the process dies of SIGINT."""

    status: int
    interrupted: bool = False


def show(error: BaseException | None, call: Call, *, flush: bool) -> Outcome:
    """Tell what ended the program, on its standard error. `flush`: the interpreter does that first for scripts.

    `call` calls what is the program's.
    """
    if flush:
        _flush(sys.stderr)
        _flush(sys.stdout)
    if error is None:
        return Outcome(0)
    error.__traceback__ = without_ours(error.__traceback__)
    if isinstance(error, SystemExit):
        return _left(error)
    leaving = _call_hook(error, call)
    if leaving is not None:
        return _left(leaving)
    return Outcome(1, interrupted=type(error) is KeyboardInterrupt)


def wind_up(call: Call) -> None:
    """Wait for the threads that are not daemons, then run the exit handlers."""
    threading: Any = sys.modules.get("threading")
    if threading is not None:
        interruption = _join_threads(threading, call)
        if interruption is not None:
            _tell_unraisable(interruption, threading)
    call(_run_exit_handlers)


def leave(outcome: Outcome, status: int) -> NoReturn:
    """End the process; `status` is that of the whole run."""
    if outcome.interrupted:
        # The interpreter finalises and then dies of SIGINT when this reaches it. It has been shown already.
        sys.excepthook = lambda *_: None
        raise KeyboardInterrupt
    sys.exit(status)


def without_ours(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without frames of Raceway."""
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    entry = trace
    while entry is not None:
        while entry.tb_next is not None and _is_ours(entry.tb_next):
            entry.tb_next = entry.tb_next.tb_next
        entry = entry.tb_next
    return trace


def _is_ours(trace: TracebackType) -> bool:
    name = trace.tb_frame.f_globals.get("__name__")
    return isinstance(name, str) and name.partition(".")[0] == "raceway"


def _call_hook(error: BaseException, call: Call) -> SystemExit | None:
    """Show an exception through `sys.excepthook`; a SystemExit that the hook raises is returned."""
    kind, trace = type(error), error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace
    hook = getattr(sys, "excepthook", None)
    if hook is None:
        _write("sys.excepthook is missing\n")
        _display(kind, error, trace)
        return None
    failure = _failure_of(hook, error, call)
    if isinstance(failure, SystemExit):
        return failure
    if failure is not None:
        _write("Error in sys.excepthook:\n")
        _display(type(failure), failure, failure.__traceback__)
        _write("\nOriginal exception was:\n")
        _display(kind, error, trace)
    return None


def _failure_of(hook: Callable[..., object], error: BaseException, call: Call) -> BaseException | None:
    try:
        call(hook, type(error), error, error.__traceback__)
    except BaseException as failure:
        failure.__traceback__ = without_ours(failure.__traceback__)
        return failure
    return None


def _left(error: SystemExit) -> Outcome:
    """The end that a SystemExit asks for; what is no number is printed, as the interpreter does."""
    code = getattr(error, "code", error)
    if code is None:
        return Outcome(0)
    if isinstance(code, int):
        return Outcome(code & 0xFF if -(2**63) <= code < 2**63 else 0xFF)
    # The text comes from the program: asking for it may raise anything.
    with contextlib.suppress(Exception):
        _write(str(code))
    _write("\n")
    return Outcome(1)


def _join_threads(threading: Any, call: Call) -> BaseException | None:
    try:
        call(threading._shutdown)
    except BaseException as error:
        error.__traceback__ = without_ours(error.__traceback__)
        return error
    return None


def _tell_unraisable(error: BaseException, place: object) -> None:
    """Tell of an exception that nobody can catch, through `sys.unraisablehook`."""
    make = _unraisable_type()
    sys.unraisablehook(make((type(error), error, error.__traceback__, None, place)))


def _unraisable_type() -> Callable[[tuple[object, ...]], sys.UnraisableHookArgs]:
    """The type of the hook's argument. It has no name: it is met when something cannot be raised."""
    met: list[Any] = []
    hook, sys.unraisablehook = sys.unraisablehook, met.append

    class Failing:
        def __del__(self) -> None:
            raise ValueError

    Failing()
    sys.unraisablehook = hook
    made: Callable[[tuple[object, ...]], sys.UnraisableHookArgs] = type(met[0])
    return made


def _write(text: str) -> None:
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)


def _flush(stream: Any) -> None:
    # Whatever the program has put there.
    with contextlib.suppress(Exception):
        stream.flush()
