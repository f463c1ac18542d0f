"""Time stamps: both sides store what a clock says right then, `self.last_activity = time.time()`.

Whichever stays, it is from the moments of the race, and differs by no more than these.
"""

from __future__ import annotations

import ast

from raceway.findings.syntax import Function, around, source, within
from raceway.model.sites import Context, Site

REASON = "both sides store what a clock says at that moment: whichever stays is as good"

_CLOCKS = frozenset("time time_ns monotonic monotonic_ns perf_counter perf_counter_ns".split())
_DATES = frozenset({"now", "utcnow"})


def both_stamp(earlier: tuple[str, Site], later: tuple[str, Site]) -> bool:
    """Whether both sites store a reading of a clock."""
    return _stamps(*earlier) and _stamps(*later)


def _stamps(path: str, site: Site) -> bool:
    if site.context is not Context.STORE:
        return False
    nodes = within(around(path, site))
    match nodes[:2]:
        case (target, ast.Assign(targets=targets, value=value)) if target in targets:
            return _is_reading(value, nodes, path)
        case (target, ast.AnnAssign(value=ast.expr() as value)):
            return _is_reading(value, nodes, path)
    return False


def _is_reading(value: ast.expr, nodes: tuple[ast.AST, ...], path: str) -> bool:
    """Whether it is the call of a clock, or a variable that the function gives nothing else."""
    if not isinstance(value, ast.Name):
        return _is_clock(value, path)
    scope = nodes[-1]
    if not isinstance(scope, Function):
        return False
    stores = [node for node in ast.walk(scope) if isinstance(node, ast.Name) and node.id == value.id]
    stored = sum(not isinstance(node.ctx, ast.Load) for node in stores)
    taken = [
        node.value
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == value.id for to in node.targets)
    ]
    given = any(isinstance(node, ast.arg) and node.arg == value.id for node in ast.walk(scope))
    return bool(taken) and not given and stored == len(taken) and all(_is_clock(one, path) for one in taken)


def _is_clock(node: ast.expr, path: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="time"), attr=name)):
            return name in _CLOCKS
        case ast.Call(func=ast.Attribute(value=ast.Name(id="datetime") | ast.Attribute(attr="datetime"), attr=name)):
            return name in _DATES
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]):
            return name in _CLOCKS and _is_imported(name, path)
    return False


def _is_imported(name: str, path: str) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "time"
        and any(alias.asname in (None, name) and alias.name == name for alias in node.names)
        for node in source(path).parents
    )
