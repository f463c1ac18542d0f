"""Names for people: files, lines, stacks, source, locks. The only reader of the program's source text."""

from __future__ import annotations

import ast
import linecache
import os
import re
import threading
from types import CodeType

from raceway import files
from raceway.model.findings import Frame
from raceway.model.records import Stack

_ASSIGNED = re.compile(r"^\s*(?P<target>[A-Za-z_][\w.]*)\s*(?::[^=]*)?=(?!=)")
_AROUND = 4
_LONGEST = 400
_STEPPERS = {
    "Handle._run": os.path.join("asyncio", "events.py"),
    "unrolled_run": os.path.join("trio", "_core", "_run.py"),
    "running.<locals>.run_forever": os.path.join("raceway", "sync", "uvloops.py"),
}
"""What runs the steps of tasks in a loop, and in which file."""
_OUR_FOLDER = os.path.dirname(os.path.dirname(files.absolute_path(__file__))) + os.sep


def is_ours(path: str) -> bool:
    """Whether a file belongs to Raceway, or to how it starts a program."""
    return path.startswith(_OUR_FOLDER) or "<frozen runpy>" in path


def relative(path: str, directory: str) -> str:
    """A path relative to `directory` where it lies under it."""
    if path.startswith("<") or not directory:
        return path
    return files.absolute_path(path).removeprefix(directory.rstrip(os.sep) + os.sep)


def source_line(path: str, line: int) -> str:
    """A line of source without its line end, indentation kept; empty when it cannot be had."""
    return linecache.getline(path, line).rstrip("\r\n")


def lines_around(path: str, line: int) -> tuple[int, tuple[str, ...]]:
    """The number of the first of the lines around a line, and the lines without their ends; very long ones are cut."""
    first = max(1, line - _AROUND)
    lines = linecache.getlines(path)[first - 1 : line + _AROUND]
    return (first, tuple(text.rstrip("\r\n")[:_LONGEST] for text in lines)) if lines else (0, ())


def source_lines(path: str) -> list[str]:
    """All lines of a source; none when it cannot be had."""
    return linecache.getlines(path)


def parsed(path: str) -> ast.Module | None:
    """The syntax tree of a source; None when it cannot be had."""
    try:
        return ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError, RecursionError):
        return None


def line_at(code: CodeType, offset: int) -> int:
    """The line of the instruction at an offset in bytes."""
    for index, position in enumerate(code.co_positions()):
        if index * 2 >= offset:
            return position[0] or code.co_firstlineno
    return code.co_firstlineno


def frames(stack: Stack, directory: str) -> tuple[Frame, ...]:
    """A stack for people, innermost first, without our own frames and those that every thread begins with. For what an
    event loop runs it ends where the loop began to: the loop's own frames are those of whoever started it."""
    shown: list[tuple[CodeType, int]] = []
    for code, offset in stack:
        if shown and code.co_filename.endswith(_STEPPERS.get(code.co_qualname, "/")):
            break
        if not is_ours(code.co_filename):
            shown.append((code, offset))
    while len(shown) > 1 and shown[-1][0].co_filename == threading.__file__:
        shown.pop()
    return tuple(
        Frame(relative(code.co_filename, directory), line_at(code, offset), code.co_qualname) for code, offset in shown
    )


def characters(path: str, line: int, column: int) -> int:
    """An offset in UTF-8 bytes as an offset in characters."""
    text = source_line(path, line)
    if text.isascii():
        return column
    return len(text.encode()[:column].decode(errors="replace"))


def assigned_name(path: str, line: int) -> str:
    """What the line assigns to, in the words of its class: `Bank.lock` for `self.lock = ...` in a method of Bank.

    Empty when the line assigns nothing.
    """
    found = _ASSIGNED.match(source_line(path, line))
    if found is None:
        return ""
    class_name, in_method = _class_around(path, line)
    head, dot, rest = found["target"].partition(".")
    if not class_name:
        return found["target"]
    if head in {"self", "cls"} and dot:
        return f"{class_name}.{rest}"
    return found["target"] if in_method else f"{class_name}.{found['target']}"


def _class_around(path: str, line: int) -> tuple[str, bool]:
    """The innermost class around a line, and whether the line is in a function of it."""
    tree = parsed(path)
    if tree is None:
        return "", False
    name, in_method = "", False
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt) and child.lineno <= line <= (child.end_lineno or child.lineno):
                if isinstance(child, ast.ClassDef):
                    name, in_method = (f"{name}.{child.name}" if name and not in_method else child.name), False
                elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    in_method = True
                nodes.append(child)
    return name, in_method
