"""Which locks a source holds where it uses a variable, as its `with` statements tell: of an attribute in the methods of
its class, of a global in its module, of a local that others share in the function that has it. Serves `usual`.

    def add(self, price):
        with self._lock:                OrderBook._lock, for OrderBook.prices
            self.prices.append(price)

A lock is what the source is seen to make; one that lets several in is none, which `let_in` tells of.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import takewhile

from raceway.findings.classes import Class, lineage, tree_of
from raceway.findings.fields import lock_fields
from raceway.findings.locknames import made_locks, made_semaphores, target_name
from raceway.findings.sources import Def, parameters
from raceway.findings.syntax import Function, Place, source, upwards
from raceway.model.struct import Struct

_OWN = frozenset({"self", "cls"})


class Fence(Struct):
    """A `with` statement that holds a lock: where it is, in which function, and whether it is one of tasks."""

    lock: str
    file: str
    line: int
    function: str
    of_tasks: bool


class Fenced(Struct):
    """The `with` statements around uses of a variable, and those around uses of others of its owner."""

    own: tuple[Fence, ...] = ()
    beside: tuple[Fence, ...] = ()


@lru_cache(maxsize=256)
def fences(path: str, position: Place) -> Fenced:
    """The fences of the variable that is used by the expression at a place."""
    node = source(path).expressions.get(position)
    variable = None if node is None else _variable(node)
    match variable:
        case ast.Attribute(value=ast.Name(id=owner)) if owner in _OWN:
            return _of_attribute(path, variable)
        case ast.Name():
            return _of_name(path, variable)
    return Fenced()


def _variable(node: ast.expr) -> ast.expr | None:
    """What holds the object that an expression uses."""
    match node:
        case ast.Attribute() | ast.Name():
            return node
        case ast.Subscript(value=value) | ast.Call(func=ast.Attribute(value=value)):
            return _variable(value)
        case ast.Call(args=[first, *_]):
            return _variable(first)
    return None


def _of_attribute(path: str, variable: ast.Attribute) -> Fenced:
    cls = next((one for one in upwards(variable, source(path)) if isinstance(one, ast.ClassDef)), None)
    if cls is None:
        return Fenced()
    locks = _of_family(path, cls, made_locks)
    own, beside = list[Fence](), list[Fence]()
    for statement, fence in _taken(path, cls, locks):
        used = set(_of_self(statement)) - locks.keys()
        if used:
            (own if variable.attr in used else beside).append(fence)
    return Fenced(tuple(own), tuple(beside))


def _of_family(path: str, cls: ast.ClassDef, made_in: Callable[[str], Iterable[str]]) -> dict[str, str]:
    """What a class, and those it is derived from, are seen to make: the names of attributes, each with what people call
    it."""
    found = dict[str, str]()
    for one in lineage(Class(path, cls)):
        made = {lock.rpartition(".") for lock in made_in(one.path)}
        names = {name for owner, _dot, name in made if owner.rpartition(".")[2] == one.node.name}
        for name in (*names, *(lock_fields(one.node) if made_in is made_locks else ())):
            found.setdefault(name, f"{one.node.name}.{name}")
    return found


def let_in(path: str, position: Place) -> str:
    """The semaphore that lets several in and whose `with` statement is around the expression at a place; empty where
    there is none."""
    node = source(path).expressions.get(position)
    outer = list(upwards(node, source(path)))
    cls = next((one for one in outer if isinstance(one, ast.ClassDef)), None)
    of_class = {} if cls is None else _of_family(path, cls, made_semaphores)
    for one in takewhile(lambda one: not isinstance(one, Function), outer):
        for item in one.items if isinstance(one, (ast.With, ast.AsyncWith)) else ():
            name = target_name(path, item.context_expr)
            known = name if name in made_semaphores(path) else of_class.get(name.rpartition(".")[2], "")
            if known and node is not item.context_expr:
                return known
    return ""


def _of_name(path: str, variable: ast.Name) -> Fenced:
    tree = tree_of(path)
    scope = next((one for one in upwards(variable, source(path)) if _binds(path, one, variable.id)), tree)
    locks = {lock: lock for lock in made_locks(path) if lock.isidentifier() and _binds(path, scope, lock)}
    own, beside = list[Fence](), list[Fence]()
    for statement, fence in _taken(path, scope, locks):
        used = {node.id for node in _inside(statement) if isinstance(node, ast.Name)}
        (own if variable.id in used else beside).append(fence)
    return Fenced(tuple(own), tuple(beside))


def _taken(path: str, scope: ast.AST, locks: Mapping[str, str]) -> Iterator[tuple[ast.With | ast.AsyncWith, Fence]]:
    """The `with` statements in a class, function or module that hold one of these locks, each with which."""
    for statement in ast.walk(scope):
        for item in statement.items if isinstance(statement, (ast.With, ast.AsyncWith)) else ():
            name = target_name(path, item.context_expr).rpartition(".")[2]
            if name in locks and isinstance(statement, (ast.With, ast.AsyncWith)):
                of_tasks = isinstance(statement, ast.AsyncWith)
                yield statement, Fence(locks[name], path, statement.lineno, _qualified(path, statement), of_tasks)


def _inside(statement: ast.With | ast.AsyncWith) -> Iterator[ast.AST]:
    for part in statement.body:
        yield from ast.walk(part)


def _of_self(statement: ast.With | ast.AsyncWith) -> Iterator[str]:
    """The attributes of its own object that a method uses in a statement."""
    for node in _inside(statement):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in _OWN:
                yield name


def _binds(path: str, scope: ast.AST, name: str) -> bool:
    """Whether a function, or a module, has a variable of its own of a name."""
    if not isinstance(scope, (Function, ast.Module)):
        return False
    stored = (
        node
        for node in ast.walk(scope)
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
    )
    known = source(path)
    own = (next(one for one in upwards(node, known) if isinstance(one, (Function, ast.Module))) for node in stored)
    return name in parameters(scope) or any(one is scope for one in own)


def _qualified(path: str, node: ast.AST) -> str:
    """The function that a node is in, with the classes around it."""
    around = (one for one in upwards(node, source(path)) if isinstance(one, (Def, ast.ClassDef)))
    return ".".join(reversed([one.name for one in around])) or "<module>"
