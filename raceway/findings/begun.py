"""Threads that a constructor starts before the object they work on is complete, as its source tells.

    class Poller(Service):
        def __init__(self, targets):
            super().__init__()          Service.__init__ starts a thread with self._run
            self.targets = targets      which may have asked for this by now

Serves `published`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from raceway.findings.classes import Class, lineage
from raceway.findings.sources import Def, parameters
from raceway.findings.syntax import source

_THREADS = frozenset({"Thread", "Timer"})
_DEEPEST = 3
"""So many calls are followed to where the thread is started."""


def started(path: str, target: ast.Attribute, function: ast.AST, before: Sequence[ast.stmt]) -> tuple[int, str] | None:
    """The line of a constructor that comes before it first stores an attribute, and the function which starts a thread
    with the object there; None where there is no such line."""
    cls = source(path).parents.get(function)
    own = next(iter(parameters(function)), "")
    if not isinstance(function, Def) or function.name != "__init__" or not isinstance(cls, ast.ClassDef):
        return None
    family = tuple(lineage(Class(path, cls)))
    if ast.unparse(target.value) != own or sum(_stores(one, target.attr) for one in family) != 1:
        return None
    for statement in sorted(before, key=lambda one: one.lineno):
        if starter := _starter(family, function, statement, _DEEPEST):
            return statement.lineno, starter
    return None


def _stores(one: Class, attribute: str) -> int:
    """How often a class, or its constructor, stores an attribute."""
    found = 0
    for part in one.node.body:
        match part:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                found += name == attribute
            case ast.FunctionDef(name="__init__"):
                found += sum(
                    isinstance(node, ast.Attribute) and node.attr == attribute and isinstance(node.ctx, ast.Store)
                    for node in ast.walk(part)
                )
    return found


def _starter(family: tuple[Class, ...], function: Def, statement: ast.stmt, depth: int) -> str:
    """The function that starts a thread with the object in a statement of a method, itself or by what it calls."""
    own, cls = next(iter(parameters(function)), ""), family[0].node.name
    for node in ast.walk(statement) if own else ():
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=called)):
                found = _of(family[1:], called, depth)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=called)) if owner == own:
                found = _of(family, called, depth) or (f"{cls}.{function.name}" if called == "start" else "")
            case ast.Call(func=ast.Attribute(attr="start"), args=[]) if _has_thread(function, own):
                found = f"{cls}.{function.name}"
            case _:
                continue
        if found:
            return found
    return ""


def _of(family: tuple[Class, ...], name: str, depth: int) -> str:
    """The function that starts a thread in the method of a name which the first of some classes has or inherits."""
    for index, one in enumerate(family if depth else ()):
        for method in one.node.body:
            if isinstance(method, Def) and method.name == name:
                return next(filter(None, _starters(family[index:], method, depth - 1)), "")
    return ""


def _starters(family: tuple[Class, ...], method: Def, depth: int) -> Iterator[str]:
    for statement in method.body:
        yield _starter(family, method, statement, depth)


def _has_thread(function: Def, own: str) -> bool:
    """Whether a method makes a thread that is given its object, or something of it."""
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id=made) | ast.Attribute(attr=made), args=args, keywords=keywords):
                given = (*args, *(keyword.value for keyword in keywords))
                names = (part.id for one in given for part in ast.walk(one) if isinstance(part, ast.Name))
                if made in _THREADS and own in names:
                    return True
    return False
