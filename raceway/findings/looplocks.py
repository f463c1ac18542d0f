"""Locks of event loops, which threads cannot hold. Told from the source of the line that makes them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache

from raceway.findings import naming
from raceway.findings.sides import Names
from raceway.model.findings import AccessSide
from raceway.model.races import RawRace

_KINDS = frozenset({"Lock", "Condition", "Semaphore", "BoundedSemaphore", "CapacityLimiter"})
_LIBRARIES = frozenset({"asyncio", "anyio", "trio"})


def loop_locks(race: RawRace, sides: Iterable[AccessSide], names: Names) -> frozenset[str]:
    """What the report calls those among the held locks that are of an event loop."""
    pairs = zip((race.earlier, race.later), sides, strict=True)
    called = ((serial, name) for raw, side in pairs for serial, name in zip(raw.locks, side.locks, strict=True))
    return frozenset(name for serial, name in called if _is_of_loop(*names.lock_place(serial)))


@cache
def _is_of_loop(path: str, line: int) -> bool:
    tree = naming.parsed(path) if path else None
    if tree is None:
        return False
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in _LIBRARIES
        for alias in node.names
    }
    made = (
        ast.unparse(function)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or line)
        for function in (node.func, *node.args, *(keyword.value for keyword in node.keywords))
        if isinstance(function, ast.Name | ast.Attribute)
    )
    known = (imported & _KINDS) | {f"{library}.{kind}" for library in _LIBRARIES for kind in _KINDS}
    return not known.isdisjoint(made)
