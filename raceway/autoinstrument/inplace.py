"""Instruments a module that is already running: the one that calls `install`. Serves the public hook.

    for every code object of the module, found on the stack and in its functions:
        pair it with the instrumented one of the same name at the same place
    functions get the code that is paired with theirs
    code constants are exchanged, so what the running code defines from now on is instrumented too

Activations that are already running stay plain, the module's own statements among them.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from types import CodeType, FrameType, FunctionType

from raceway.autoinstrument.loader import Compile
from raceway.autoinstrument.source import Source
from raceway.model.typing import Any

_Place = tuple[str, int, tuple[int, int]]

_SHAPE = (
    "co_name", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_flags", "co_freevars", "co_filename",
)  # fmt: skip
"""What a code object must share with the one it is exchanged for: how it is called, and which cells it is given."""

_Pairs = dict[int, CodeType]
"""Instrumented code by the identity of the plain code: equal code objects may stand at two places of one line."""


class InPlace:
    """What was exchanged in one module; `undo` puts it back. Keeps all code objects concerned alive."""

    def __init__(self) -> None:
        self._functions: list[tuple[FunctionType, CodeType, CodeType]] = []
        self._constants: list[tuple[CodeType, int, CodeType, CodeType]] = []

    def instrument(self, frame: FrameType, compile: Compile) -> None:
        """Exchange all code of the frame's module that can be.

        Raises OSError when its source cannot be read, and what `compile` raises when it has been changed since.
        """
        filename = frame.f_code.co_filename
        instrumented = compile(Source(lambda: _source(frame)), filename, frame.f_globals["__name__"])
        functions = list(_functions_of(frame))
        plain = list(_nested([*_running(frame), *(function.__code__ for function in functions)]))
        pairs = _pair(plain, _nested([instrumented]))
        for function in functions:
            ours = pairs.get(id(function.__code__))
            if ours is not None:
                self._functions.append((function, function.__code__, ours))
                function.__code__ = ours
        for code in plain:
            for index, constant in enumerate(code.co_consts):
                ours = pairs.get(id(constant))
                if ours is not None:
                    self._constants.append((code, index, constant, ours))
                    _exchange(code.co_consts, index, ours)

    def undo(self) -> None:
        """Put the plain code back, except where someone else has exchanged ours since."""
        for function, before, ours in reversed(self._functions):
            if function.__code__ is ours:
                function.__code__ = before
        for code, index, before, ours in reversed(self._constants):
            if code.co_consts[index] is ours:
                _exchange(code.co_consts, index, before)
                _release(before)
                if sys.version_info < (3, 14):  # later ones lend constants to running frames
                    _release(ours)
        self._functions.clear()
        self._constants.clear()


def _source(frame: FrameType) -> bytes:
    """The source of the frame's module, from its loader where that is an archive."""
    filename = frame.f_code.co_filename
    get_data = getattr(frame.f_globals.get("__loader__"), "get_data", None)
    if get_data is not None:
        source: bytes = get_data(filename)
        return source
    with open(filename, "rb") as file:
        return file.read()


def _running(frame: FrameType) -> Iterator[CodeType]:
    """The code of the module's activations on this thread's stack."""
    caller: FrameType | None = frame
    while caller is not None:
        if _is_of(frame, caller.f_globals, caller.f_code):
            yield caller.f_code
        caller = caller.f_back


def _functions_of(frame: FrameType) -> Iterator[FunctionType]:
    """All functions of the module that exist, wherever they are: methods, decorated ones, closures."""
    for thing in gc.get_objects():
        # The exact type: asking an instance for its class may run code of the program.
        if type(thing) is FunctionType and _is_of(frame, thing.__globals__, thing.__code__):
            yield thing


def _is_of(frame: FrameType, variables: dict[str, Any], code: CodeType) -> bool:
    return variables is frame.f_globals and code.co_filename == frame.f_code.co_filename


def _nested(codes: Iterable[CodeType]) -> Iterator[CodeType]:
    """The code objects and all that stand in them, each once."""
    seen: set[int] = set()
    waiting = list(codes)
    while waiting:
        code = waiting.pop()
        if id(code) not in seen:
            seen.add(id(code))
            waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
            yield code


def counterpart(code: CodeType, instrumented: CodeType) -> CodeType | None:
    """The code in an instrumented module that stands for this plain one; None when there is no clear one."""
    return _pair([code], _nested([instrumented])).get(id(code))


def _pair(plain: Iterable[CodeType], instrumented: Iterable[CodeType]) -> _Pairs:
    """What each plain code object is exchanged for; those without a clear counterpart are left out."""
    at: dict[_Place, list[CodeType]] = defaultdict(list)
    for code in instrumented:
        at[_place(code)].append(code)
    pairs = {}
    for code in plain:
        candidates = [one for one in at[_place(code)] if _shape(one) == _shape(code)]
        if len(candidates) == 1 and code.co_name != "<module>":
            pairs[id(code)] = candidates[0]
    return pairs


def _place(code: CodeType) -> _Place:
    """Qualified name, first line, and where the first expression stands: this tells two lambdas of one line apart."""
    starts = (
        (line, column)
        for line, end_line, column, end_column in code.co_positions()
        # The instructions that enter a function stand at an empty range in column 0.
        if line is not None and column is not None and (line, column) != (end_line, end_column)
    )
    return code.co_qualname, code.co_firstlineno, min(starts, default=(0, 0))


def _shape(code: CodeType) -> tuple[object, ...]:
    arguments = code.co_argcount + code.co_kwonlyargcount
    return (code.co_varnames[:arguments], *(getattr(code, attribute) for attribute in _SHAPE))


def _exchange(constants: tuple[object, ...], index: int, new: object) -> None:
    """Put `new` into a tuple that running code reads its constants from.

    The reference to the old constant is not given back: it is put in again at the end.
    """
    items = id(constants) + tuple.__basicsize__
    slot = ctypes.c_void_p.from_address(items + index * ctypes.sizeof(ctypes.c_void_p))
    assert slot.value == id(constants[index])
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(new))
    slot.value = id(new)


def _release(constant: object) -> None:
    """Give back the reference that an exchange has left with a constant that was taken out."""
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(constant))
