"""Where a site stands in its source: the expression that it taps, and all that is around it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from raceway.findings import naming
from raceway.model.sites import Site

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Place = tuple[int, int, int | None, int | None]


class Source(NamedTuple):
    """The expressions of a file by where they stand, and what is right around each node."""

    expressions: dict[Place, ast.expr]
    parents: dict[ast.AST, ast.AST]


@lru_cache(maxsize=8)
def source(path: str) -> Source:
    """The nodes of a file; none when it cannot be had."""
    found = Source({}, {})
    tree = naming.parsed(path)
    todo: list[ast.AST] = [] if tree is None else [tree]
    while todo:
        node = todo.pop()
        for child in ast.iter_child_nodes(node):
            found.parents[child] = node
            todo.append(child)
            if isinstance(child, ast.expr):
                place = child.lineno, child.col_offset, child.end_lineno, child.end_col_offset
                found.expressions[place] = child
    return found


def place(site: Site) -> Place:
    """Where the expression of a site stands."""
    return site.line, site.column, site.end_line, site.end_column


def around(path: str, site: Site) -> tuple[ast.AST, ...]:
    """The expression of a site, what it is in, and so on up to the module; empty where that is not known."""
    known = source(path)
    node: ast.AST | None = known.expressions.get(place(site))
    return tuple(upwards(node, known))


def spelled(node: ast.AST | None) -> str:
    """The name of a variable, or of an attribute; empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def upwards(node: ast.AST | None, known: Source) -> Iterator[ast.AST]:
    """A node, what it is in, and so on up to the module."""
    while node is not None:
        yield node
        node = known.parents.get(node)


def within(nodes: tuple[ast.AST, ...]) -> tuple[ast.AST, ...]:
    """Those of the nodes around a site that lie in its function; that function comes last, if it is in one."""
    for index, node in enumerate(nodes):
        if isinstance(node, Function):
            return nodes[: index + 1]
    return nodes
