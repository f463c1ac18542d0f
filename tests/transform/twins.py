"""Runs a program twice, as it is and with taps, and says what can be seen of each run.

An identity tap gives back its operand and does nothing else, so whatever differs between the runs is the transform's
doing. Where the native core is there, its own taps are tried as well: what differs then may also be theirs.
"""

from __future__ import annotations

import ast
import contextlib
import dis
import functools
import io
import linecache
import sys
import traceback
import types
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from raceway.model import placeholders
from raceway.model.sites import FUNCTIONS, SiteForm
from raceway.runtime.core import make_core
from raceway.transform import Instrumented, instrument
from raceway.transform.peeking import HOLD, PEEK
from raceway.transform.rewriting import Finish
from tests.conftest import available_cores

FILE = "<program>"
NATIVE = "native"
TAPS = (HOLD, PEEK, NATIVE) if "native" in available_cores() else (HOLD, PEEK)
"""Identity taps in both forms, and taps of the native core in the form that it asks for, with those of functions."""


@contextlib.contextmanager
def recording(taps: str) -> Iterator[None]:
    """Let the taps of the native core record; identity taps need nothing."""
    if taps != NATIVE:
        yield
        return
    core = make_core(NATIVE)
    core.telling.begin(False)
    core.start()
    try:
        yield
        assert core.counters().dropped == 0
    finally:
        core.stop()


class IdentityTap:
    """Gives back its operand. Both operators are C functions, so that they make no frame."""

    __getitem__ = staticmethod(functools.partial(functools.reduce, None, ()))
    __matmul__ = staticmethod(functools.partial(functools.reduce, None, ()))


class CellTap(IdentityTap):
    """The tap of a captured variable: `(C @ (lambda: name))` is handed the variable's cell, then taps its value."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __matmul__(self, reveal: Any) -> CellTap:
        if isinstance(reveal, types.FunctionType):
            assert reveal.__code__.co_freevars == (self.name,)
            assert reveal.__closure__ is not None
        return self


def bound(done: Instrumented, taps: str = HOLD) -> CodeType:
    """The instrumented code with identity taps in the place of its placeholders."""
    return _bound(done.code, done, taps)


def _bound(code: CodeType, done: Instrumented, taps: str) -> CodeType:
    constants: list[Any] = []
    for constant in code.co_consts:
        placeholder = placeholders.parse(done.marker, constant)
        if isinstance(constant, CodeType):
            constants.append(_bound(constant, done, taps))
        elif placeholder is None:
            constants.append(constant)
        else:
            site = done.sites[placeholder[0]]
            revealed = site.form is SiteForm.CELL and taps == HOLD
            constants.append(CellTap(site.name) if revealed else IdentityTap())
    return code.replace(co_consts=tuple(constants))


def plain_code(source: str | bytes, finish: Finish | None = None) -> CodeType:
    """The program as Python compiles it, after what `finish` has done to it."""
    if finish is None:
        return compile(source, FILE, "exec", dont_inherit=True)
    tree = ast.parse(source)
    finish(tree)
    return compile(tree, FILE, "exec", dont_inherit=True)


def tapped_code(source: str | bytes, taps: str = HOLD, finish: Finish | None = None) -> CodeType:
    """The program as the transform makes it."""
    encoded = source.encode() if isinstance(source, str) else source
    if taps != NATIVE:
        return bound(instrument(encoded, FILE, "program", taps, finish), taps)
    core = make_core(NATIVE)
    done = instrument(encoded, FILE, "program", core.form + FUNCTIONS, finish)
    return core.bind(*done.parted(), FILE)


@dataclass(frozen=True)
class Run:
    """What can be seen of one run."""

    printed: str
    raised: str
    """The type of the exception, empty when there was none."""
    traceback: str
    names: dict[str, str]
    """The names that the module ends up with, and the types of their values."""


@contextlib.contextmanager
def source_lines(source: str | bytes) -> Iterator[None]:
    """Let tracebacks and `inspect` find the program's lines."""
    text = source if isinstance(source, str) else source.decode()
    linecache.cache[FILE] = (len(text), None, text.splitlines(keepends=True), FILE)
    try:
        yield
    finally:
        linecache.cache.pop(FILE, None)


def run(code: CodeType, source: str | bytes = "") -> Run:
    """Run a program as a module called `program`."""
    module = types.ModuleType("program")
    module.__file__ = FILE
    namespace = module.__dict__
    printed, failure = io.StringIO(), None
    previous = sys.modules.get("program")
    sys.modules["program"] = module
    try:
        with source_lines(source), contextlib.redirect_stdout(printed):
            try:
                exec(code, namespace)
            except BaseException as error:  # also SystemExit and KeyboardInterrupt, if a program raises them
                failure = error
            shown = _shown(failure)
    finally:
        sys.modules.pop("program")
        if previous is not None:
            sys.modules["program"] = previous
    raised = type(failure).__name__ if failure is not None else ""
    return Run(printed.getvalue(), raised, shown, {name: type(value).__name__ for name, value in namespace.items()})


def _shown(failure: BaseException | None) -> str:
    """The traceback as it would be printed, without our own frame."""
    if failure is None or failure.__traceback__ is None:
        return ""
    return "".join(traceback.format_exception(failure.with_traceback(failure.__traceback__.tb_next)))


def both(source: str | bytes, taps: str = HOLD) -> tuple[Run, Run]:
    """The plain run and the tapped one."""
    return run(plain_code(source), source), run(tapped_code(source, taps), source)


def nested(code: CodeType) -> Iterator[CodeType]:
    """A code object and those it loads, without the lambdas that tell the cells of cell taps.

    Such a lambda is the constant that is loaded next after its tap. Some compilers keep constants of dead code, which
    nothing loads.
    """
    yield code
    tapped = False
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_CONST":
            if isinstance(instruction.argval, CodeType) and not tapped:
                yield from nested(instruction.argval)
            tapped = isinstance(instruction.argval, CellTap)


def line_events(code: CodeType, source: str | bytes) -> list[tuple[str, str, int]]:
    """The trace events of a run, by function and line; the frames of cell lambdas do not run."""
    events: list[tuple[str, str, int]] = []

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename != FILE:
            return None
        events.append((frame.f_code.co_name, event, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run(code, source)
    finally:
        sys.settrace(before)
    return events
