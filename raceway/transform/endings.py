"""What a function ends with, written out wherever it ends.

    def f():                  def f():
        try: body                 try: body; return
        except E: handle          except E: handle; return

A function that ends without `return` does so in one place, and the compiler copies what stands there to the ends of the
statements that it ends with, as long as it is very short. With a tap in it, it is not: then these jump to that place,
which tracers see as a line more, or which stands on another line. A `return` that has no place itself has all of it
written out, and changes nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def write_out(body: list[ast.stmt]) -> Callable[[], None]:
    """Have what the function of this body ends with written out. What undoes that."""
    blocks: list[list[ast.stmt]] = []
    breaks: list[ast.Break] = []
    _follow(_last(body[-1], breaks), blocks, breaks)
    for block in blocks:
        block.append(ast.Return(None, lineno=-1, col_offset=-1, end_lineno=-1, end_col_offset=-1))
    for leaving in breaks:
        leaving.__class__ = ast.Return  # type: ignore[assignment]
        leaving.value = None  # type: ignore[attr-defined]

    def undo() -> None:
        for block in blocks:
            block.pop()
        for leaving in breaks:
            leaving.__class__ = ast.Break

    return undo


def _follow(ends: list[list[ast.stmt]], blocks: list[list[ast.stmt]], breaks: list[ast.Break]) -> None:
    """Gather blocks, these and those within them, with whose ends the function ends, and what leaves a loop that is the
    last thing there."""
    for block in ends:
        if block and not isinstance(block[-1], _LEAVING):
            _follow(_last(block[-1], breaks), blocks, breaks)
            blocks.append(block)


def _last(statement: ast.stmt, breaks: list[ast.Break]) -> list[list[ast.stmt]]:
    """The blocks of a statement with whose ends it ends."""
    match statement:
        case ast.If(body=inner, orelse=otherwise):
            return [inner, otherwise]
        case ast.With(body=inner) | ast.AsyncWith(body=inner):
            return [inner]
        case ast.Match(cases=cases):
            return [case.body for case in cases]
        case ast.For() | ast.AsyncFor() | ast.While():
            breaks.extend(_breaks(statement.body))
            return [statement.orelse]
        case ast.Try(body=inner, handlers=handlers, orelse=otherwise, finalbody=[]):
            return [otherwise or inner, *(handler.body for handler in handlers)]
        case ast.TryStar(body=inner, orelse=otherwise, finalbody=[]):  # no handler of these may return
            return [otherwise or inner]
    return []


def _breaks(body: list[ast.stmt]) -> Iterator[ast.Break]:
    """What leaves the loop of this body; `return` in a `finally` has a warning of its own."""
    for node in body:
        if isinstance(node, ast.Break):
            yield node
        elif isinstance(node, _LOOPS):
            yield from _breaks(node.orelse)
        elif not isinstance(node, _SCOPES):
            for field in ("body", "orelse"):
                yield from _breaks(getattr(node, field, []))
            for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                yield from _breaks(part.body)
