"""Waits for locks in people's words: who waits now, for what, and who has it where; and how much was waited so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import FrameType

from raceway.findings.lockcycles import Names
from raceway.findings.locknames import lock_name
from raceway.findings.places import side_at
from raceway.model.findings import LockContention
from raceway.model.locks import Contention, Waiting
from raceway.model.records import Stack

_MS = 1_000_000


def explain(
    waiting: Iterable[Waiting], names: Names, frames: Mapping[int, FrameType], directory: str
) -> tuple[str, ...]:
    """One line for each wait, and one where the holder is, as `frames` has it by actor."""
    lines = []
    for wait in waiting:
        lock = lock_name(names.lock_place(wait.sync), wait.sync, directory)
        lines.append(f"{names.actor_name(wait.actor).name} waits for {lock} at {_place(wait.stack, names, directory)}")
        held = [lock_name(names.lock_place(one), one, directory) for one in wait.held]
        if held:
            lines.append(f"  it holds {', '.join(held)}")
        lines.append(f"  {_holder(wait, lock, names, frames, directory)}")
    return tuple(lines)


def _holder(wait: Waiting, lock: str, names: Names, frames: Mapping[int, FrameType], directory: str) -> str:
    if wait.holder == 0:
        return f"nobody known holds {lock}"
    if wait.holder == wait.actor:
        return f"it holds {lock} itself"
    name = names.actor_name(wait.holder).name
    frame = frames.get(wait.holder)
    where = f", which is at {_place(_stack(frame), names, directory)}" if frame is not None else ""
    return f"{lock} is held by {name}{where}"


def _stack(frame: FrameType | None) -> Stack:
    entries = []
    while frame is not None:
        entries.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(entries)


def _place(stack: Stack, names: Names, directory: str) -> str:
    side = side_at(stack, "", names.actor_name(0), (), directory)
    return f"{side.file}:{side.line} in {side.function}" if side.file else "a place that is not known"


def contention(found: Iterable[Contention], names: Names, directory: str) -> tuple[LockContention, ...]:
    """The same with names; what was waited for longest in all comes first."""
    named = []
    for one in found:
        side = side_at(one.stack, "", names.actor_name(0), (), directory)
        named.append(
            LockContention(
                lock=lock_name(names.lock_place(one.sync), one.sync, directory),
                file=side.file,
                line=side.line,
                function=side.function,
                acquisitions=one.acquisitions,
                waits=one.waits,
                wait_ms=one.wait_ns / _MS,
                longest_wait_ms=one.longest_ns / _MS,
                holds=one.holds,
                held_ms=one.held_ns / _MS,
            )
        )
    return tuple(sorted(named, key=lambda one: (-one.wait_ms, -one.acquisitions, one.lock, one.file, one.line)))
