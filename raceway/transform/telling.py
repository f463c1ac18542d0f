"""Reads whose value is only told to somebody: it goes into a log, or into what an object is shown as, or is a number of
items that a function gives back.

    log.debug("%d idle of %d", len(self.idle), self.limit)        def __len__(self):
                                                                      return len(self.rows)

Nothing is decided by the first, nor by what `__repr__` gives. The second is out of date as soon as it is there, and
would be so with a lock around it, too: who relies on it has the read and what follows in one region, wherever the two
are. Only what a value could not break counts: of `log.debug(self.line.name)` the read of `name`, not that of `line`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

LOG = "log"
SHOWN = "shown"
COUNT = "count"

_LEVELS = frozenset("debug info warning warn error exception critical log".split())
_SHOWING = frozenset("len str repr int float bool round type id".split())


def told(tree: ast.Module) -> dict[ast.AST, str]:
    """The operands of such reads, and what their values go into: LOG, SHOWN or COUNT."""
    found: dict[ast.AST, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=name)) as call):
                if name in _LEVELS and _is_log(_name_of(owner).lower().strip("_")):
                    values = (*call.args, *(keyword.value for keyword in call.keywords))
                    found.update((part, LOG) for value in values for part in _ends(value))
            case ast.FunctionDef(name="__repr__"):
                found.update((part, SHOWN) for value in _texts(node) for part in _ends(value))
            case ast.FunctionDef(body=[ast.Return(value=ast.Call() as call)]):
                found.update((part, COUNT) for part in _counted(call))
            case ast.FunctionDef(body=[ast.Expr(value=ast.Constant()), ast.Return(value=ast.Call() as call)]):
                found.update((part, COUNT) for part in _counted(call))
    return found


def _texts(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """What a function gives back, and the texts that it makes with values in them."""
    for node in ast.walk(function):
        match node:
            case ast.Return(value=ast.expr() as value):
                yield value
            case ast.JoinedStr():
                yield node


def _is_log(name: str) -> bool:
    return name in ("log", "logging") or name.endswith(("logger", "_log"))


def _counted(call: ast.Call) -> list[ast.expr]:
    return call.args if isinstance(call.func, ast.Name) and call.func.id == "len" else []


def _name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=func):
            return _name_of(func)
    return ""


def _ends(node: ast.expr) -> Iterator[ast.expr]:
    """The parts of an argument that are read last, with nothing done to what they give but showing it."""
    match node:
        case ast.Name() | ast.Attribute():
            yield node
        case ast.Call(func=ast.Name(id=name), args=parts) if name in _SHOWING:
            for part in parts:
                yield from _ends(part)
        case ast.JoinedStr(values=parts) | ast.Tuple(elts=parts) | ast.BoolOp(values=parts) | ast.Dict(values=parts):
            for part in parts:
                yield from _ends(part)
        case ast.FormattedValue(value=part) | ast.UnaryOp(operand=part):
            yield from _ends(part)
        case ast.BinOp(left=left, right=right) | ast.Compare(left=left, comparators=[right]):
            yield from _ends(left)
            yield from _ends(right)
