"""Events that are cleared after the look at what they announce: what is put in in between is not seen.

    self.flag.wait()                            self.letters.append(letter)
    while self.letters:                         self.flag.set()
        deal(self.letters.popleft())
    self.flag.clear()

Who puts something in after the last look, and sets the event before it is cleared, is not heard of until somebody sets
it again. Told from the source of both sides: the one waits for the event, looks and then clears it, and looks neither
before the wait nor after that; the other sets it after it has put something in.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from raceway.findings.syntax import Function, around, spelled, within
from raceway.model.sites import Site


def lost_wake(looks: tuple[str, Site], puts: tuple[str, Site]) -> str:
    """The event, as the looking side calls it; empty where there is none."""
    reader, writer = _function(*looks), _function(*puts)
    if reader is None or writer is None:
        return ""
    name = _last(looks[1].base.partition("[")[0])
    lines = [node.lineno for node in ast.walk(reader) if isinstance(node, ast.expr) and spelled(node) == name]
    if not lines:
        return ""
    for event, cleared in _calls(reader, "clear"):
        waits = [line for waited, line in _calls(reader, "wait") if waited == event]
        sets = [line for told, line in _calls(writer, "set") if _last(told) == _last(event)]
        if waits and sets and min(waits) < min(lines) <= max(lines) < cleared and puts[1].line < max(sets):
            return event
    return ""


def _function(path: str, site: Site) -> ast.AST | None:
    nodes = within(around(path, site))
    return nodes[-1] if nodes and isinstance(nodes[-1], Function) else None


def _calls(function: ast.AST, method: str) -> Iterator[tuple[str, int]]:
    """What a method of that name is called of, with the lines."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            yield ast.unparse(node.func.value), node.lineno


def _last(name: str) -> str:
    return name.rpartition(".")[2]
