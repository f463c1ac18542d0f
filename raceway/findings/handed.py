"""Where a program hands a method on that is called under another name: `Thread(target=work, args=(queue.put_nowait,))`.

Told from the sources: a place that loads the attribute and does not call it. Serves the findings about event loops.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from raceway.findings import naming
from raceway.findings.places import program_stack
from raceway.findings.syntax import source
from raceway.model.records import Stack

_MOST = 3
"""So many places at most are named: more tell nothing."""


def handed_on(stack: Stack, method: str, files: Iterable[str], directory: str) -> str:
    """A sentence on where the method was handed on that the innermost frame of the program calls; empty where it calls
    it by its name, or where that is not known."""
    if not _calls_by_another_name(stack, method):
        return ""
    found = list(islice(_places(dict.fromkeys(files), method), _MOST + 1))
    if not 0 < len(found) <= _MOST:
        return ""
    told = " or ".join(f"{text} in {naming.relative(path, directory)}:{line}" for path, line, text in found)
    return f" It was handed on as {told}."


def _calls_by_another_name(stack: Stack, method: str) -> bool:
    stack = program_stack(stack)
    if not stack:
        return False
    code, offset = stack[0]
    line, end_line, column, end_column = next(islice(code.co_positions(), offset // 2, None), (None,) * 4)
    known = source(code.co_filename).expressions
    call = None if line is None or column is None else known.get((line, column, end_line, end_column))
    match call:
        case ast.Call(func=ast.Attribute(attr=called)):
            return called != method
    return isinstance(call, ast.Call)


def _places(files: Iterable[str], method: str) -> Iterator[tuple[str, int, str]]:
    loaded = re.compile(rf"\.{re.escape(method)}\b(?!\s*\()")
    for path in files:
        if not any(method in text and loaded.search(text) for text in naming.source_lines(path)):
            continue
        parents = source(path).parents
        loads = [node for node in parents if isinstance(node, ast.Attribute) and node.attr == method]
        for node in sorted(loads, key=lambda one: (one.lineno, one.col_offset)):
            around = parents[node]
            if isinstance(node.ctx, ast.Load) and not (isinstance(around, ast.Call) and around.func is node):
                yield path, node.lineno, ast.unparse(node)
