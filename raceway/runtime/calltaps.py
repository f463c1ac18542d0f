"""Taps of function bodies, on the pure core: they tell that a function was entered and left, and how.

They are there only in runs that tell of calls. Twin: raceway/native/calls.c.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter_ns
from types import CodeType, FrameType, TracebackType

from raceway.model.records import Call, Stack
from raceway.model.sites import Role
from raceway.model.typing import Any
from raceway.runtime.log import Log
from raceway.runtime.plaintaps import plain_tap
from raceway.runtime.stacks import capture

ENDS = (StopIteration, StopAsyncIteration, GeneratorExit)
"""Exceptions by which iterators and generators end: no errors."""

_DEEPEST = 64
"""Frames between where an exception was raised and the function that it leaves first."""

_name_of: Callable[[type], str] = type.__dict__["__name__"].__get__
_arguments_of: Callable[[BaseException], tuple[Any, ...]] = BaseException.__dict__["args"].__get__


class CallTap:
    """The first or the last thing that a function does."""

    __slots__ = ("_enters", "_log", "_open", "_serial")

    def __init__(self, log: Log, serial: int, role: Role) -> None:
        self._log = log
        self._open = log.calls
        self._serial = serial
        self._enters = role is Role.BASE

    def __matmul__(self, operand: Any) -> Any:
        """Tell, and give back the operand."""
        if self._log.open:
            try:
                self._tell(sys._getframe(1))
            except Exception:  # the boundary between the program and us
                self._log.failed()
        return operand

    def _tell(self, frame: FrameType) -> None:
        teller = self._log.detector.teller
        if teller is None:
            return
        now, state = perf_counter_ns(), self._log.state()
        if self._enters:
            self._open.pop(id(frame), None)  # of one that is gone
            if teller.has_room_for_calls():
                self._open[id(frame)] = now
                self._log.stream.put(Call(state.actor, self._serial, state.task, -1))
            return
        began = self._open.pop(id(frame), None)
        if began is None:
            return
        error, traceback = sys.exc_info()[1:]
        if error is None or traceback is None or traceback.tb_frame is not frame or issubclass(type(error), ENDS):
            self._log.stream.put(Call(state.actor, self._serial, state.task, now - began))
            return
        is_first = not _was_told(traceback.tb_next)
        message = _message(error) if is_first else None
        stack = _stack(frame, traceback) if is_first else ()
        name = _name_of(type(error))
        self._log.stream.put(Call(state.actor, self._serial, state.task, now - began, name, message, stack))

    def __repr__(self) -> str:
        return f"<raceway tap {self._serial}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (plain_tap, ())


def _was_told(traceback: TracebackType | None) -> bool:
    """Whether the exception has left a function with such taps before it came here."""
    while traceback is not None:
        if any(type(constant) is CallTap for constant in traceback.tb_frame.f_code.co_consts):
            return True
        traceback = traceback.tb_next
    return False


def _message(error: BaseException) -> str:
    """What the exception says, where that is a plain text; its own `__str__` is not called."""
    return next((argument for argument in _arguments_of(error) if type(argument) is str), "")


def _stack(frame: FrameType, traceback: TracebackType | None) -> Stack:
    """From where the exception was raised outwards."""
    inner: list[tuple[CodeType, int]] = []
    while traceback is not None and len(inner) < _DEEPEST:
        inner.append((traceback.tb_frame.f_code, traceback.tb_lasti))
        traceback = traceback.tb_next
    return (*reversed(inner), *capture(frame.f_back))
