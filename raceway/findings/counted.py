"""Locks that the first of several threads takes and the last one gives back, as readers do with the lock of writers::

    enter:  with mutex: count += 1; if count == 1: lock.acquire()
    leave:  with mutex: count -= 1; if count == 0: lock.release()

Lock and mutex are taken in either order, and yet nobody waits in a circle: as long as somebody who has entered has the
lock, the count says so to all who ask for it under the mutex. Told from the source of both places; who takes or gives
back without a test of the count is not meant.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from raceway.findings import naming
from raceway.findings.places import program_stack
from raceway.findings.syntax import spelled
from raceway.model.records import Stack

_LOCKING = frozenset({"acquire", "release"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def taken_by_first(first: Stack, other: Stack) -> bool:
    """Whether a lock that is taken at `first`, under a mutex, is one that the last of several threads gives back where
    it takes that mutex, at `other`."""
    enter, leave = _place(first), _place(other)
    if enter is None or leave is None:
        return False
    took = {
        name
        for name, branch in _counting(enter[0], ast.Add)
        if branch.lineno <= enter[1] <= (branch.end_lineno or branch.lineno)
    }
    gave = {name for name, branch in _counting(leave[0], ast.Sub) if branch.lineno >= leave[1] and _gives_back(branch)}
    return bool(took & gave)


def _place(stack: Stack) -> tuple[_Function, int] | None:
    """The function of the program where the stack ends, and the line in it."""
    stack = program_stack(stack)
    tree = naming.parsed(stack[0][0].co_filename) if stack else None
    if tree is None:
        return None
    code, offset = stack[0]
    line = naming.line_at(code, offset)
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, _Function) and node.name == code.co_name and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return (max(around, key=lambda node: node.lineno), line) if around else None


def _counting(function: _Function, step: type[ast.operator]) -> Iterator[tuple[str, ast.If]]:
    """The tests of what the function counts up, or down, with the name of that."""
    counted = {_counted(node, step) for node in ast.walk(function)} - {""}
    for node in ast.walk(function):
        if isinstance(node, ast.If):
            for name in {_name(part) for part in ast.walk(node.test)} & counted:
                yield name, node


def _counted(node: ast.AST, step: type[ast.operator]) -> str:
    """The name of what a statement counts: a number, or an object that is told to by a call of its method."""
    match node:
        case ast.AugAssign(target=target, op=operator) if isinstance(operator, step):
            return _name(target)
        case ast.Assign(targets=[target], value=ast.BinOp(left=left, op=operator)) if isinstance(operator, step):
            return _name(target) if _name(target) == _name(left) else ""
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=method))) if method not in _LOCKING:
            return _name(owner)
        case _:
            return ""


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return spelled(node)


def _gives_back(branch: ast.If) -> bool:
    calls = (node.func for node in ast.walk(branch) if isinstance(node, ast.Call))
    return any(isinstance(called, ast.Attribute) and called.attr == "release" for called in calls)
