"""Stacks: captured as code objects and offsets, named only when a finding needs them."""

from __future__ import annotations

from types import CodeType, FrameType

from raceway.model.records import Stack

DEPTH = 48
"""Frames kept of one stack."""

_INTERNED_LIMIT = 1 << 16

_interned: dict[Stack, Stack] = {}


def capture(frame: FrameType | None) -> Stack:
    """The stack from `frame` outwards, equal stacks as one object."""
    entries: list[tuple[CodeType, int]] = []
    while frame is not None and len(entries) < DEPTH:
        entries.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    stack = tuple(entries)
    if len(_interned) >= _INTERNED_LIMIT:
        _interned.clear()
    return _interned.setdefault(stack, stack)
