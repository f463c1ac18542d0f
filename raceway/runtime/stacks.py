"""Stacks: captured as code objects and offsets, named only when a finding needs them."""

from __future__ import annotations

from types import CodeType, FrameType

from raceway.model.records import Stack

DEPTH = 48
"""Frames kept of one stack."""

_interned: dict[Stack, Stack] = {}


def capture(frame: FrameType | None) -> Stack:
    """The stack from `frame` outwards, equal stacks as one object."""
    entries: list[tuple[CodeType, int]] = []
    while frame is not None and len(entries) < DEPTH:
        entries.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    stack = tuple(entries)
    return _interned.setdefault(stack, stack)


def line_of(code: CodeType, offset: int) -> int:
    """The line of the instruction at `offset` bytes; the function's first line when it has none."""
    for index, (line, _end, _column, _end_column) in enumerate(code.co_positions()):
        if index * 2 >= offset:
            return line or code.co_firstlineno
    return code.co_firstlineno
