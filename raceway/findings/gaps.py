"""Where a task awaits between a read and the write that depends on it, as the source has it."""

from __future__ import annotations

import ast

from raceway.findings.syntax import Function, Source, source
from raceway.model.sites import Site

_AWAITS = ast.Await | ast.AsyncFor | ast.AsyncWith

Position = tuple[int, int]


def awaiting_line(path: str, read: Site, write: Site) -> int:
    """The line of the first await after the read and before the write, 0 where none stands between them in a function.

    A write happens at the end of its statement.
    """
    known = source(path)
    here = known.expressions.get((read.line, read.column, read.end_line, read.end_column))
    there = known.expressions.get((write.line, write.column, write.end_line, write.end_column))
    function = _function(here, known)
    if function is None or _function(there, known) is not function:
        return 0
    began, done = _end(here), _end(_statement(there, known))
    found = [
        (node.lineno, node.col_offset)
        for node in ast.walk(function)
        if isinstance(node, _AWAITS) and _function(node, known) is function
    ]
    return min((place for place in found if began <= place < done), default=(0, 0))[0]


def _function(node: ast.AST | None, known: Source) -> ast.AST | None:
    while node is not None:
        node = known.parents.get(node)
        if isinstance(node, Function):
            return node
    return None


def _statement(node: ast.AST | None, known: Source) -> ast.AST | None:
    while node is not None and not isinstance(node, ast.stmt):
        node = known.parents.get(node)
    return node


def _end(node: ast.AST | None) -> Position:
    line, column = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
    return (0, 0) if line is None or column is None else (line, column)
