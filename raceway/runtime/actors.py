"""Which actor the calling thread runs, and what each thread keeps to itself between taps."""

from __future__ import annotations

import threading
from types import FrameType

from raceway.model.typing import Any
from raceway.originals import get_ident

_PENDING_LIMIT = 64


class Operand:
    """An operand that a tap held for the tap that commits; `owner` is the class it was just loaded from, if any."""

    __slots__ = ("frame", "owner", "site", "value")

    def __init__(self, frame: int, site: int, value: Any, owner: Any) -> None:
        self.frame = frame
        self.site = site
        self.value = value
        self.owner = owner


class ThreadState:
    """What one thread keeps: its actor, operands waiting for their commit, and what it recorded in this epoch.

    `owner` is the class that an attribute was last loaded from; `due` are acquires to draw before the next record;
    `accesses` counts, repeated ones included. `repeated` holds what sites did in this epoch by the addresses of their
    operands, as long as no object has died (`generation`): a short cut in front of `seen`.
    """

    __slots__ = ("accesses", "actor", "due", "generation", "owner", "pending", "repeated", "seen")

    def __init__(self, actor: int) -> None:
        self.actor = actor
        self.pending: list[Operand] = []
        self.seen: set[object] = set()
        self.owner: Any = None
        self.due: list[int] = []
        self.accesses = 0
        self.repeated: set[object] = set()
        self.generation = 0

    def forget(self) -> None:
        """Let go of all that the program made."""
        self.pending.clear()
        self.new_epoch()
        self.owner = None

    def new_epoch(self) -> None:
        """What was recorded before tells nothing of what comes now."""
        self.seen.clear()
        self.repeated.clear()

    def hold(self, frame: FrameType, site: int, value: Any) -> None:
        """Keep an operand until the commit in the same frame. What exceptions left behind is dropped in time."""
        if len(self.pending) >= _PENDING_LIMIT:
            del self.pending[: _PENDING_LIMIT // 2]
        self.pending.append(Operand(id(frame), site, value, self.owner))

    def take(self, frame: FrameType, site: int, count: int) -> list[Operand]:
        """The operands held for this commit, oldest first; empty when they are lost (a generator moved threads)."""
        pending, wanted = self.pending, id(frame)
        for place in range(len(pending) - 1, -1, -1):
            if pending[place].frame == wanted and pending[place].site == site:
                first = place - count + 1
                found = pending[first : place + 1] if first >= 0 else []
                del pending[max(first, 0) :]
                return found if all(operand.site == site for operand in found) else []
        return []


def thread_name() -> str:
    """What the program calls the calling thread; made up for threads that `threading` does not know."""
    ident = get_ident()
    known = getattr(threading, "_active", {}).get(ident)
    return str(known.name) if known is not None else f"thread {ident}"
