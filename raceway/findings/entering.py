"""What tasks may keep each other out by that is no lock to Raceway: semaphores, locks of other packages.

`async with self.rows.reader:` here and `async with self.rows.writer:` there: nothing is known of what they enter. Where
both sides stand within blocks of that sort, on anything of one name, or have asked for it by `await it.acquire()`, the
one may not have been able to come while the other was inside. Told from the source of all coroutines of a stack.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from raceway.findings import naming
from raceway.model.records import Stack

_COMMON = frozenset("self cls asyncio anyio trio timeout timeout_at fail_after move_on_after TaskGroup".split())
"""Names that tell nothing."""


def enter_one(first: Stack, second: Stack) -> bool:
    """Whether both have entered something of one name."""
    return not _entered(first).isdisjoint(_entered(second))


def _entered(stack: Stack) -> frozenset[str]:
    places = ((code.co_filename, naming.line_at(code, offset)) for code, offset in stack)
    return frozenset().union(*(_names(file, line) for file, line in places))


@lru_cache(1024)
def _names(file: str, line: int) -> frozenset[str]:
    """The names of what a line of this file stands within, or its function has asked for."""
    tree = naming.parsed(file)
    around = (node for node in ast.walk(tree) if _spans(node, line)) if tree is not None else ()
    return frozenset(name for node in around for name in _guards(node)) - _COMMON


def _spans(node: ast.AST, line: int) -> bool:
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    return first is not None and last is not None and first <= line <= last


def _guards(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.AsyncWith):
        for item in node.items:
            yield from _identifiers(item.context_expr)
    elif isinstance(node, ast.AsyncFunctionDef):
        for part in ast.walk(node):
            match part:
                case ast.Await(ast.Call(ast.Attribute(asked, "acquire"))):
                    yield from _identifiers(asked)


def _identifiers(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
