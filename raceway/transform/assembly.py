"""Code as steps, each an instruction with what it takes, and put together again when steps have come or moved.

Jumps name the step they go to, and rows of the exception table the steps they begin and end with, so that neither
cares how long instructions are. This is the bytecode of 3.11 and 3.12, where all jumps are relative.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

_CACHE = dis.opmap["CACHE"]
_EXTENDED = dis.opmap["EXTENDED_ARG"]
_NO_COLUMNS, _LONG, _NONE = 13, 14, 15
"""Kinds of entries of a table of positions."""
_UNITS = 8
"""So many code units has one of them at most."""

Position = tuple[int | None, int | None, int | None, int | None]


@dataclass(eq=False, slots=True)
class Step:
    """An instruction; of a jump, the step that it goes to in the place of a number."""

    operation: int
    argument: int
    prefixes: int
    position: Position
    caches: int = 0
    target: Step | None = None

    @property
    def units(self) -> int:
        """How long it is, in code units."""
        return self.prefixes + 1 + self.caches


@dataclass(slots=True)
class Row:
    """A row of the exception table: the steps from one to before another, their handler; twice the depth, and 1 for
    the place."""

    start: Step
    end: Step | None
    handler: Step
    depth: int


def parsed(code: CodeType) -> tuple[list[Step], list[Row]]:
    """What a code object does, and how it is guarded."""
    operations, positions = code.co_code, list(code.co_positions())
    found: list[Step] = []
    at: dict[int, Step] = {}
    begin = argument = 0
    for place, (operation, low) in enumerate(zip(operations[::2], operations[1::2], strict=True)):
        if operation == _CACHE:
            found[-1].caches += 1
            begin += 1
            continue
        argument = argument << 8 | low
        if operation != _EXTENDED:
            at[begin] = Step(operation, argument, place - begin, positions[place])
            found.append(at[begin])
            begin, argument = place + 1, 0
    for place, step in at.items():
        if step.operation in dis.hasjrel:
            step.target = at[place + step.units + (-step.argument if _is_backward(step) else step.argument)]
    rows = [
        Row(at[start], at.get(start + length), at[handler], depth)
        for start, length, handler, depth in entries(code.co_exceptiontable)
    ]
    return found, rows


def assembled(code: CodeType, steps: list[Step], rows: list[Row]) -> CodeType:
    """The code object with these steps in the place of its own."""
    at = _laid_out(steps)
    end = at[steps[-1]] + steps[-1].units
    operations = bytearray()
    for step in steps:
        parts = step.argument.to_bytes(1 + step.prefixes, "big")
        for part in parts[:-1]:
            operations += bytes((_EXTENDED, part))
        operations += bytes((step.operation, parts[-1])) + bytes((_CACHE, 0)) * step.caches
    table = b"".join(
        entry((at[row.start], (end if row.end is None else at[row.end]) - at[row.start], at[row.handler], row.depth))
        for row in rows
    )
    places = bytes(_places(steps, code.co_firstlineno))
    return code.replace(co_code=bytes(operations), co_linetable=places, co_exceptiontable=table)


def _laid_out(steps: list[Step]) -> dict[Step, int]:
    """Where each step begins, in code units. A longer jump moves others, which then are longer perhaps."""
    while True:
        at: dict[Step, int] = {}
        place = 0
        for step in steps:
            at[step] = place
            place += step.units
        longer = False
        for step in steps:
            if step.target is not None:
                step.argument = abs(at[step.target] - at[step] - step.units)
                while step.argument >> 8 * (1 + step.prefixes):
                    step.prefixes += 1
                    longer = True
        if not longer:
            return at


def _is_backward(step: Step) -> bool:
    return "BACKWARD" in dis.opname[step.operation]


def _places(steps: list[Step], line: int) -> Iterator[int]:
    """The table of positions."""
    for step in steps:
        begin, end, column, last = step.position
        for first in range(0, step.units, _UNITS):
            units = min(step.units - first, _UNITS) - 1
            if begin is None:
                yield 128 | _NONE << 3 | units
                continue
            columns = end is not None and column is not None and last is not None
            yield 128 | (_LONG if columns else _NO_COLUMNS) << 3 | units
            yield from _signed(begin - line)
            line = begin
            if end is not None and column is not None and last is not None:
                for number in (end - begin, column + 1, last + 1):
                    yield from _unsigned(number)


def _signed(number: int) -> Iterator[int]:
    yield from _unsigned(-number << 1 | 1 if number < 0 else number << 1)


def _unsigned(number: int) -> Iterator[int]:
    while number >= 64:
        yield 64 | number & 63
        number >>= 6
    yield number


def entries(table: bytes) -> Iterator[tuple[int, int, int, int]]:
    """The rows of an exception table: start, length and target in code units; twice the depth, and 1 for the place."""
    numbers, value = [], 0
    for byte in table:
        value = value << 6 | byte & 63
        if not byte & 64:
            numbers.append(value)
            value = 0
    yield from zip(*[iter(numbers)] * 4, strict=True)


def entry(row: tuple[int, int, int, int]) -> bytes:
    """A row as it stands in the table."""
    found = bytearray()
    for number in row:
        parts = [number & 63]
        while number := number >> 6:
            parts.insert(0, number & 63 | 64)
        found += bytes(parts)
    found[0] |= 128
    return bytes(found)
