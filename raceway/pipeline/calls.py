"""Makes events of functions that are entered and left: the part of `convert` for runs that tell of calls.

| told | event |
|---|---|
| entered | `FunctionCall` with the arguments |
| left | `FunctionCall` of `name:return` or `name:error`, with the duration |
| left first by an exception | before that `Error`, with the stack from where it was raised |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from raceway.model import eventkinds as of
from raceway.model.records import Stack
from raceway.model.struct import Struct
from raceway.model.told import ToldCall
from raceway.model.typing import Any
from raceway.model.values import scalar, spelled, text
from raceway.pipeline.lines import json_text
from raceway.pipeline.redactor import Redactor


class Function(Struct):
    """What is known of a function: its name within its module, that module, where it is defined."""

    name: str
    module: str
    file: str
    line: int


class Places(Struct):
    """Names for what is told: `file:line` of a site, the function of a site that is its body, and `file:line in name`
    for each frame of a stack, innermost first."""

    site: Callable[[int], str]
    function: Callable[[int], Function]
    stack: Callable[[Stack], Iterable[str]]


class Calls:
    """Kinds of events, as JSON, of calls."""

    def __init__(self, places: Places, hide: Redactor) -> None:
        self._places = places
        self._hide = hide
        self._functions: dict[int, Function] = {}

    def error(self, row: ToldCall) -> str | None:
        """That there was an exception, if the row is the first to tell of it."""
        if row.message is None:
            return None
        stack = tuple(map(text, self._places.stack(row.stack)))
        return _kind(of.Error(text(row.error), self._hide.text(spelled(row.message)), stack))

    def call(self, row: ToldCall) -> str:
        """That the function was entered or left."""
        function = self._functions.get(row.site) or self._find(row.site)
        if row.duration < 0:
            name, given = function.name, None if row.arguments is None else self._arguments(row.arguments)
        else:
            name = f"{function.name}:{'error' if row.error else 'return'}"
            given = {"duration_ms": round(row.duration / 1e6, 3), "status": "error" if row.error else "success"}
            if row.error:
                given["error"] = text(row.error)
        return _kind(of.FunctionCall(name, function.module, given, function.file, function.line))

    def _arguments(self, arguments: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
        told = {}
        for name, value in arguments:
            told[name] = self._hide.value(spelled(value) if type(value) is str else scalar(value), name)
        return told

    def _find(self, site: int) -> Function:
        found = self._places.function(site)
        known = self._functions[site] = Function(text(found.name), text(found.module), text(found.file), found.line)
        return known


def _kind(fields: Any) -> str:
    return f'{{"{type(fields).__name__}":{json_text(fields)}}}'
