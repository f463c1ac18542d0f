"""Tests without a lock of what another function tests again under one before it stores: double-checked locking in two.

    def get(self, key):                              def _make(self, key):
        if key in self.values:                           with self.lock:
            return self.values[key]                          if key not in self.values:
        return self._make(key)                                   self.values[key] = make(key)
                                                             return self.values[key]

Who finds nothing does nothing else but call that function. Or it looks again itself, as it did before, and only then
has the value made:

    def get(self):
        status = self.status
        if status is not None:
            return status
        with self.lock:
            status = self.status
            if status is not None:
                return status
            return self._ask()              # which stores it, and which others call under the lock
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import pairwise

from raceway.findings.syntax import around, within
from raceway.model.kinds import RegionKind
from raceway.model.races import Side
from raceway.model.sites import Region, Site

REASON = "who finds nothing calls the function that stores it, which asks again under the lock"

LOOKS_AGAIN = "who finds nothing looks again under a lock, before anything else"

Where = tuple[str, Site]


def looks_again(reader: Where, storing: Side) -> bool:
    """Whether the reader gives back what it finds, and else takes a lock at once and asks in the same words there."""
    nodes = within(around(*reader))
    if not storing.locks or not nodes:
        return False
    found = ((node, parent) for node, parent in pairwise(nodes) if isinstance(parent, ast.stmt))
    node, first = next(found, (None, None))
    match first:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node:
            test = [first, *_after(first, nodes)[:1]]
            tested = isinstance(test[-1], ast.If) and _names(test[-1].test) == {name}
        case ast.If(test=asked) if asked is node:
            test, tested = [first], True
        case _:
            return False
    match test[-1], _after(first, nodes)[len(test) - 1 :]:
        case ast.If(body=[ast.Return()], orelse=[]), [ast.With(body=[*again]), *_] if tested:
            return [ast.dump(one) for one in again[: len(test)]] == [ast.dump(one) for one in test]
    return False


def asks_again(reader: Where, writer: Where, storing: Side, site_of: Callable[[int], Site]) -> bool:
    """Whether all that the reader does because of one answer is to call the writer's function, which asks again."""
    owner, _, name = writer[1].function.rpartition(".")
    if not storing.locks or reader[0] != writer[0] or reader[1].function.rpartition(".")[0] != owner:
        return False
    first = storing.access.site - writer[1].index
    own = (region for region in writer[1].regions if not region.calls)
    return any(_is_locked(writer, site_of(first + region.head), region) for region in own) and any(
        _only_calls(branch, name) for branch in _branches(within(around(*reader)))
    )


def _is_locked(writer: Where, test: Site, region: Region) -> bool:
    """Whether the lock that the store is made under has been taken before the test, too."""
    nodes = within(around(*writer))
    if not nodes or region.kind is RegionKind.VALUE or region.splits or region.waits:
        return False
    begun = (node.lineno for node in nodes if isinstance(node, (ast.With, ast.AsyncWith)))
    calls = (node for node in ast.walk(nodes[-1]) if isinstance(node, ast.Call) and test.line < node.lineno)
    let_go = any(_name(call) in ("acquire", "release") and call.lineno < writer[1].line for call in calls)
    return test.line < writer[1].line and not let_go and all(line < test.line for line in begun)


def _branches(nodes: tuple[ast.AST, ...]) -> Iterator[list[ast.stmt]]:
    """What is done because of one answer or the other to the test of a site, or of the local that it is stored in."""
    for node, parent in pairwise(nodes):
        match parent:
            case ast.If(test=test) if test is node:
                yield parent.body
                yield parent.orelse or _after(parent, nodes)
                return
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node:
                match _after(parent, nodes)[:1]:
                    case [ast.If(test=test) as then] if _names(test) == {name}:
                        yield then.body
                        yield then.orelse
                return
            case ast.UnaryOp(op=ast.Not()) | ast.Compare(comparators=[_]):
                continue
            case _:
                return


def _after(statement: ast.stmt, nodes: tuple[ast.AST, ...]) -> list[ast.stmt]:
    """The statements that follow one in its block."""
    block = nodes[nodes.index(statement) + 1]
    for _name, body in ast.iter_fields(block):
        if isinstance(body, list) and statement in body:
            return body[body.index(statement) + 1 :]
    return []


def _only_calls(branch: list[ast.stmt], name: str) -> bool:
    """Whether a branch does nothing but call the function of that name, under a lock or not."""
    match branch:
        case [ast.With(body=body)]:
            return _only_calls(body, name)
        case [
            ast.Return(value=ast.Call() as call) | ast.Assign(value=ast.Call() as call) | ast.Expr(ast.Call() as call)
        ]:
            return _name(call) == name
    return False


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
