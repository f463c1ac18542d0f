"""Taps of function bodies, for runs that tell of calls: the first and the last thing that a function does.

    def f(a):        def f(a):
        "doc"            "doc"
        body             S @ 0
                         try: body
                         finally: W @ 0

They are put into the finished tree, with positions that make no line events. `unseen` then has the handler that the
compiler makes of `finally` raise the exception again from where it came, so that the frame, too, looks as if nothing
had caught it. Lambdas, comprehensions and bodies of classes and modules are no functions here.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, TypeVar

from raceway.model import placeholders
from raceway.model.sites import Context, Role, Site, SiteForm
from raceway.transform.assembly import entries, entry
from raceway.transform.endings import write_out
from raceway.transform.exits import spread

_Position = tuple[int, int, int, int]
_NOWHERE = (-1, -1, -1, -1)
_Node = TypeVar("_Node", ast.expr, ast.stmt)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def wrap(tree: ast.Module, marker: bytes, first: int) -> tuple[Callable[[], None], tuple[Site, ...]]:
    """Put the taps of all functions into the tree, which is changed. What undoes that, and their sites, numbered from
    `first` on."""
    sites: list[Site] = []
    bodies: list[tuple[_Function, list[ast.stmt]]] = []
    endings: list[Callable[[], None]] = []

    def undo() -> None:
        for node, body in bodies:
            node.body = body
        for ending in endings:
            ending()

    for node, name in list(_functions(tree, "")):
        index = first + len(sites)
        sites.append(_site(node, name, index))
        bodies.append((node, node.body))
        endings.append(write_out(node.body))
        _wrap(node, placeholders.spell(marker, index, Role.BASE), placeholders.spell(marker, index, Role.VALUE))
    return undo, tuple(sites)


def _functions(node: ast.AST, within: str) -> Iterator[tuple[_Function, str]]:
    """All functions below the node with their qualified names, from the innermost function on."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            yield from _functions(child, "")
            yield child, within + child.name
        else:
            yield from _functions(child, f"{within}{child.name}." if isinstance(child, ast.ClassDef) else within)


def _site(node: _Function, name: str, index: int) -> Site:
    return Site(
        index=index,
        form=SiteForm.BODY,
        context=Context.CALL,
        commit=Role.VALUE,
        name=node.name,
        base="",
        label=name,
        function=name,
        line=node.lineno,
        column=node.col_offset,
        end_line=node.end_lineno or node.lineno,
        end_column=node.end_col_offset or node.col_offset,
    )


def _wrap(node: _Function, enter: bytes, leave: bytes) -> None:
    first = 0 if ast.get_docstring(node, clean=False) is None else 1
    while first < len(node.body) and isinstance(node.body[first], (ast.Global, ast.Nonlocal)):
        first += 1  # no instruction stands there
    body = node.body[first:]
    at = _place(body[0]) if body else _NOWHERE
    rest = body or [_at(ast.Pass(), _NOWHERE)]
    kept = _at(ast.Try(body=rest, handlers=[], orelse=[], finalbody=[_tap(leave, _NOWHERE)]), at)
    node.body = [*node.body[:first], _tap(enter, at), kept]


def _tap(placeholder: bytes, at: _Position) -> ast.stmt:
    left, right = _at(ast.Constant(placeholder), at), _at(ast.Constant(0), at)
    return _at(ast.Expr(_at(ast.BinOp(left, ast.MatMult(), right), at)), at)


def _at(node: _Node, position: _Position) -> _Node:
    node.lineno, node.col_offset, node.end_lineno, node.end_col_offset = position
    return node


def _place(statement: Any) -> _Position:
    """Where the first instruction of a statement stands."""
    first = statement
    while True:
        match first:
            case ast.FunctionDef(decorator_list=[inner, *_]) | ast.ClassDef(decorator_list=[inner, *_]):
                first = inner
            case ast.AsyncFunctionDef(decorator_list=[inner, *_]) | ast.With(items=[ast.withitem(inner), *_]):
                first = inner
            case ast.Assign(value=inner) | ast.AugAssign(target=inner) | ast.AnnAssign(value=ast.expr() as inner):
                first = inner
            case ast.Expr(value=inner) | ast.Return(value=ast.expr() as inner) | ast.Raise(exc=ast.expr() as inner):
                first = inner
            case ast.If(test=inner) | ast.While(test=inner) | ast.For(iter=inner) | ast.Assert(test=inner):
                first = inner
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
                first = inner
            case ast.Call(func=inner) | ast.BinOp(left=inner) | ast.Compare(left=inner) | ast.IfExp(test=inner):
                first = inner
            case ast.BoolOp(values=[inner, *_]) | ast.UnaryOp(operand=inner) | ast.Yield(value=ast.expr() as inner):
                first = inner
            case ast.Tuple(elts=[inner, *_]) | ast.List(elts=[inner, *_]) | ast.Set(elts=[inner, *_]):
                first = inner
            case _:
                return first.lineno, first.col_offset, first.lineno, first.col_offset


def unseen(code: CodeType, marker: bytes) -> CodeType:
    """The code with the handlers of these taps leaving no trace in their frames; nested code included.

        PUSH_EXC_INFO, tap, RERAISE 0     becomes    PUSH_EXC_INFO, tap, SWAP 2
        COPY 3, POP_EXCEPT, RERAISE 1                POP_EXCEPT, RERAISE 1, NOP

    and the exception table has the handler find the place where the exception was raised. A handler that looks
    otherwise is left as it is: it does the same, but the frame is then where the handler is.
    """
    constants = tuple(unseen(one, marker) if isinstance(one, CodeType) else one for one in code.co_consts)
    if constants != code.co_consts:
        code = code.replace(co_consts=constants)
    code = spread(code, marker)
    found = _handler(code, marker)
    if found is None:
        return code
    handler, end = found
    operations = bytearray(code.co_code)
    operations[end - 8 : end] = bytes(
        (dis.opmap["SWAP"], 2, dis.opmap["POP_EXCEPT"], 0, dis.opmap["RERAISE"], 1, dis.opmap["NOP"], 0)
    )
    cleanup = (end - 6) // 2
    table = list(entries(code.co_exceptiontable))
    outer = next(
        (how for start, length, *how in table if start <= cleanup < start + length and how[0] != handler // 2), None
    )
    changed: list[tuple[int, int, int, int]] = []
    for start, length, target, depth in table:
        if target == handler // 2:
            changed.append((start, length, target, depth | 1))
        elif target != cleanup:
            changed.append((start, length, target, depth))
        elif outer is not None:
            changed.append((start, length, outer[0], outer[1]))
    return code.replace(
        co_code=bytes(operations),
        co_exceptiontable=b"".join(map(entry, changed)),
        co_stacksize=code.co_stacksize + 1,
    )


def _handler(code: CodeType, marker: bytes) -> tuple[int, int] | None:
    """Where the handler of the last tap begins and ends, in bytes."""
    steps = [one for one in dis.get_instructions(code) if one.opname not in ("CACHE", "EXTENDED_ARG")]
    for place in range(1, len(steps) - 7):
        leaves = placeholders.parse(marker, steps[place].argval) if steps[place].opname == "LOAD_CONST" else None
        if leaves is None or leaves[1] is not Role.VALUE or steps[place - 1].opname != "PUSH_EXC_INFO":
            continue
        ends = [(one.opname, one.arg) for one in steps[place + 3 : place + 8]]
        if ends == [("POP_TOP", None), ("RERAISE", 0), ("COPY", 3), ("POP_EXCEPT", None), ("RERAISE", 1)]:
            return steps[place - 1].offset, steps[place + 7].offset + 2
    return None
