"""Nodes that somebody else has made anew after the taps were planned: the taps find what stands in their place.

pytest rewrites `assert` statements into others. Most expressions in them stay as they are; of attributes, calls and
operators it makes new nodes, with new operands, at the old positions. What it tells of a failed assert is made of the
plain tree, so taps change nothing in it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

import libcst as cst

from raceway.transform.plan import Plan

_Position = tuple[type, int, int, int | None, int | None]


def finish(
    tree: ast.Module, pairs: dict[cst.CSTNode, ast.AST], plan: Plan, apply: Callable[[ast.Module], None]
) -> None:
    """Have `apply` change the tree, and the pairs and the plan follow it.

    A site of which a tap has lost its node has none at all: what it would note is not what happens.
    """
    before = {id(node): node for node in ast.walk(tree)}  # held, so that no new one is taken for one of them
    asserts = [node for node in before.values() if isinstance(node, ast.Assert)]
    inside = {id(node) for statement in asserts for node in ast.walk(statement)}
    apply(tree)
    kept: set[int] = set()
    made: dict[_Position, list[ast.AST]] = {}
    for node in ast.walk(tree):
        if id(node) in before:
            kept.add(id(node))
        elif isinstance(node, ast.expr):
            made.setdefault(_position(node), []).append(node)
    lost = set()
    for tap in plan.taps:
        node = pairs[tap.node]
        if id(node) not in inside or id(node) in kept:
            continue
        found = made.get(_position(node), [])
        if len(found) == 1:
            pairs[tap.node] = found[0]
        else:
            lost.add(tap.draft)
    plan.taps[:] = [tap for tap in plan.taps if tap.draft not in lost]


def _position(node: ast.AST) -> _Position:
    at = [getattr(node, name, None) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")]
    return type(node), at[0] or 0, at[1] or 0, at[2], at[3]
