"""What others can find before it is complete, as the source of its maker tells. Serves the builder of findings.

    device = Device(ident)                  with self._lock:
    registry.add(device)                        if self._loaded: return
    device.driver = Driver()                    self._loaded = True
                                                self._table = load()

On the left an object is handed out and then filled; on the right a flag says that something is there which is stored
after it. So it is with an object whose constructor starts a thread before it is through (`begun`). Whoever reads what
is stored last races with that store, and a lock around both does not help: it is the order of the two steps that is
wrong.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from raceway.findings.begun import started
from raceway.findings.syntax import Function, source, spelled
from raceway.model.kinds import FindingKind, Operation
from raceway.model.races import RawRace
from raceway.model.sites import Context, Site, SiteForm
from raceway.model.struct import Struct


class Early(Struct):
    """A step that comes too early: in this line an object of this name is handed out, or this flag is set. `spans`:
    threads can switch between it and the store on every interpreter. `starter`: the function that has started a thread
    with the object by then."""

    line: int
    name: str
    flag: bool
    spans: bool
    starter: str = ""


def early(kind: FindingKind, race: RawRace, path: str, writer: Site) -> Early | None:
    """What comes too early for a race of one who reads what the `writer` stores; None where nothing tells of that."""
    reads = race.earlier.access.operation is Operation.READ or race.later.access.operation is Operation.READ
    if kind is not FindingKind.READ_WRITE or race.one_loop or not reads:
        return None
    if writer.form is not SiteForm.ATTRIBUTE or writer.context is not Context.STORE:
        return None
    return _early(path, (writer.line, writer.column, writer.end_line, writer.end_column))


@lru_cache(maxsize=1024)
def _early(path: str, position: tuple[int, int, int, int]) -> Early | None:
    known = source(path)
    target = known.expressions.get(position)
    if not isinstance(target, ast.Attribute):
        return None
    chain: list[ast.AST] = [target]
    while not isinstance(chain[-1], Function):
        if (parent := known.parents.get(chain[-1])) is None:
            return None
        chain.append(parent)
    function = chain[-1]
    before = [statement for block in _blocks(chain) for statement in block]
    if isinstance(target.value, ast.Name):
        found = _handed_out(target.value.id, function, before, target.lineno)
        return found or _begun(path, target, function, before) or _flagged(target, function, before)
    return _flagged(target, function, before)


def _blocks(chain: list[ast.AST]) -> Iterator[list[ast.stmt]]:
    """The statements that are done before the innermost one of the chain, block by block from the inside."""
    for node, parent in pairwise(chain):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and node in block:
                yield block[: block.index(node)]


def _handed_out(name: str, function: ast.AST, before: list[ast.stmt], before_line: int) -> Early | None:
    """Whether the object of this local name was made in the function and has been handed out before."""
    made = [statement for statement in before if _makes(statement, name)]
    if len(made) != 1 or _stores(function, name) != 1:
        return None
    for statement in before:
        if statement.lineno > made[0].lineno and (line := _gives(statement, name)):
            return Early(line, name, False, _switches(function, line, before_line))
    return None


def _begun(path: str, target: ast.Attribute, function: ast.AST, before: list[ast.stmt]) -> Early | None:
    """Whether a constructor has started a thread with its object before."""
    found = started(path, target, function, before)
    if found is None:
        return None
    line, starter = found
    return Early(line, ast.unparse(target.value), False, _switches(function, line, target.lineno), starter)


def _makes(statement: ast.stmt, name: str) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id=target)], value=ast.Call(func=called)):
            pass
        case ast.AnnAssign(target=ast.Name(id=target), value=ast.Call(func=called)):
            pass
        case _:
            return False
    return target == name and spelled(called).lstrip("_")[:1].isupper()


def _stores(function: ast.AST, name: str) -> int:
    """How often the name is given a value."""
    return sum(
        isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
        for node in ast.walk(function)
    )


def _gives(statement: ast.stmt, name: str) -> int:
    """The line in which the statement gives the object to somebody: as an argument of a method, or by storing it in an
    attribute or item; 0 where it does neither."""
    for node in ast.walk(statement):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute() | ast.Name() as owner), args=args):
                whose = owner.id if isinstance(owner, ast.Name) else ""
                if whose != name and any(isinstance(one, ast.Name) and one.id == name for one in args):
                    return node.lineno
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()], value=ast.Name(id=value)) if value == name:
                return node.lineno
            case _:
                pass
    return 0


def _switches(function: ast.AST, begin: int, end: int) -> bool:
    """Whether the function calls something, or loops, from one line to the other: with a GIL threads switch there."""
    switching = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.For, ast.AsyncFor, ast.While)
    return any(begin <= node.lineno <= end for node in ast.walk(function) if isinstance(node, switching))


def _flagged(target: ast.Attribute, function: ast.AST, before: list[ast.stmt]) -> Early | None:
    """Whether a flag of the same object, which the function has asked for, has been set to True before."""
    owner = ast.unparse(target.value)
    for statement in before:
        match statement:
            case ast.Assign(
                targets=[ast.Attribute(value=value, attr=flag) as stored], value=ast.Constant(value=True)
            ) if ast.unparse(value) == owner and _asks(function, ast.unparse(stored)):
                return Early(statement.lineno, flag, True, _switches(function, statement.lineno, target.lineno))
            case _:
                pass
    return None


def _asks(function: ast.AST, flag: str) -> bool:
    """Whether a test of the function asks for the flag."""
    tests = (node.test for node in ast.walk(function) if isinstance(node, ast.If))
    return any(
        ast.unparse(node) == flag for test in tests for node in ast.walk(test) if isinstance(node, ast.Attribute)
    )
