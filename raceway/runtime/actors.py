"""Which actor the calling thread runs, and what each thread keeps to itself between taps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import FrameType

from raceway.detector.tasks import WALKS
from raceway.model.typing import Any
from raceway.runtime.contract import Walk

_PENDING_LIMIT = 64


Owner = tuple[type, int]
"""A class, and the address of its instance or itself, that an attribute was loaded from."""


class Operand:
    """An operand that a tap held for the tap that commits; `owner` is what it was just loaded from, if anything."""

    __slots__ = ("frame", "owner", "site", "value")

    def __init__(self, frame: int, site: int, value: Any, owner: Owner | None) -> None:
        self.frame = frame
        self.site = site
        self.value = value
        self.owner = owner


class ThreadState:
    """What one thread keeps: its actor, operands waiting for their commit, and what it repeats.

    `task` is the one of an event loop that it runs for, 0 outside any; `walks` are the last ones that tasks have begun
    and that go on over suspensions.
    `ask` is called before anything is recorded, as the task may be another one by then.
    `owner` is what an attribute was last loaded from; `due` are acquires to draw before the next record;
    `accesses` counts commits, repeated ones included. `repeated` holds repetitions by site and addresses of operands,
    as long as nobody records anything (`recorded`): no edge, no access, no death of an object. `holds` counts the locks
    that the thread took and did not free itself, `jobs` what it took from queues, `asked` how often it asked what is to
    be judged of those, and `doubtful` what was known of that then. `making`: addresses of an object in
    the making in which something was stored, by code of the program or not, and of the frame that makes it, and the
    line of that.
    """

    __slots__ = (
        "accesses",
        "actor",
        "ask",
        "asked",
        "doubtful",
        "due",
        "holds",
        "jobs",
        "making",
        "owner",
        "pending",
        "recorded",
        "repeated",
        "task",
        "walks",
    )

    def __init__(self, actor: int) -> None:
        self.actor = actor
        self.task = 0
        self.ask: Callable[[], None] | None = None
        self.walks: deque[tuple[int, Walk]] = deque(maxlen=WALKS)
        self.pending: list[Operand] = []
        self.owner: Owner | None = None
        self.making = (0, 0, 0)
        self.due: list[int] = []
        self.accesses = 0
        self.holds = 0
        self.jobs = 0
        self.asked = 0
        self.doubtful = 0
        self.repeated: set[object] = set()
        self.recorded: object = self

    def forget(self) -> None:
        """Let go of all that the program made."""
        self.pending.clear()
        self.repeated.clear()
        self.owner = None
        self.ask = None

    def hold(self, frame: FrameType, site: int, value: Any) -> None:
        """Keep an operand until the commit in the same frame. What exceptions left behind is dropped in time."""
        if len(self.pending) >= _PENDING_LIMIT:
            del self.pending[: _PENDING_LIMIT // 2]
        self.pending.append(Operand(id(frame), site, value, self.owner))

    def take(self, frame: FrameType, site: int, count: int) -> list[Operand]:
        """The operands held for this commit, oldest first; empty when they are lost (a generator moved threads).

        Younger ones of other frames stay: coroutines take turns between their operands.
        """
        pending, wanted = self.pending, id(frame)
        for place in range(len(pending) - 1, -1, -1):
            if pending[place].frame == wanted and pending[place].site == site:
                first = place - count + 1
                found = pending[first : place + 1] if first >= 0 else []
                del pending[max(first, 0) : place + 1]
                return found if all(operand.site == site for operand in found) else []
        return []
