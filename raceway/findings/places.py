"""Sides of findings that are no accesses of a tapped site: told by where their actor was, from its stack alone."""

from __future__ import annotations

import os
import threading
from itertools import islice

from raceway import files
from raceway.findings import naming
from raceway.model.findings import AccessSide, Actor
from raceway.model.records import Stack

_LIBRARY = os.path.dirname(files.absolute_path(threading.__file__)) + os.sep
_HELPERS = (threading.__file__, _LIBRARY + "asyncio" + os.sep, _LIBRARY + "contextlib.py", _LIBRARY + "queue.py")
"""Files that take locks and call loops for their callers."""


def program_stack(stack: Stack) -> Stack:
    """The stack from the innermost frame on that is neither ours nor of a helper of the standard library."""
    shown = tuple(entry for entry in stack if not naming.is_ours(entry[0].co_filename))
    for index, (code, _offset) in enumerate(shown):
        if not code.co_filename.startswith(_HELPERS):
            return shown[index:]
    return shown


def side_at(stack: Stack, operation: str, actor: Actor, locks: tuple[str, ...], directory: str) -> AccessSide:
    """A side at the innermost frame of the program in `stack`."""
    stack = program_stack(stack)
    if not stack:
        return AccessSide(operation, "", 0, 0, 0, "", "", actor, locks, ())
    code, offset = stack[0]
    path, position = code.co_filename, next(islice(code.co_positions(), offset // 2, None), (None,) * 4)
    line, end_line, column, end_column = position
    line = line or code.co_firstlineno
    text = naming.source_line(path, line)
    end = end_column if end_line == line and end_column is not None else len(text.encode(errors="replace"))
    return AccessSide(
        operation=operation,
        file=naming.relative(path, directory),
        line=line,
        column=naming.characters(path, line, column or 0),
        end_column=naming.characters(path, line, end),
        function=code.co_qualname.replace(".<locals>", "") if code.co_name != "<module>" else "<module>",
        source=text.strip(),
        actor=actor,
        locks=locks,
        stack=naming.frames(stack, directory),
        indent=len(text) - len(text.lstrip()),
    )
