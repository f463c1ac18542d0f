"""Where a task awaits between a read and the write that depends on it, as the source has it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from raceway.findings.syntax import Function, around, within
from raceway.model.sites import Site

_AWAITS = ast.Await | ast.AsyncFor | ast.AsyncWith

Position = tuple[int, int]


def awaiting_line(path: str, read: Site, write: Site) -> int:
    """The line of the first await after the read and before the write, 0 where none stands between them in a function.

    A write happens at the end of its statement.
    """
    here, there = within(around(path, read)), within(around(path, write))
    if not here or not there or here[-1] is not there[-1] or not isinstance(here[-1], Function):
        return 0
    statement = next(node for node in there if isinstance(node, ast.stmt | ast.Lambda))
    began, done = _end(here[0]), _end(statement)
    found = ((node.lineno, node.col_offset) for node in _own(here[-1]) if isinstance(node, _AWAITS))
    return min((place for place in found if began <= place < done), default=(0, 0))[0]


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """All that is in a function, but for what is in functions within it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function):
            yield child
            yield from _own(child)


def _end(node: ast.AST) -> Position:
    line, column = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
    return (0, 0) if line is None or column is None else (line, column)
