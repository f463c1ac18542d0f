"""Tells others of a run while it goes on: which records matter to who wants to find the same races elsewhere.

    edges are told as they come
    access by t at x, not a repetition: as long as all that is kept of x is t's own, or nobody has written x, it is not
        told; else what is kept is told late, once, and then the access and all later ones

A location that only one actor has, or that nobody writes, has no race. When that changes, what is kept is all that a
race with the past can be made of. Twin: raceway/native/teller.c.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable

from raceway.detector.actors import Actor
from raceway.detector.shadow import Entry, Shadow
from raceway.model.kinds import Commute, LocationKind, Verb
from raceway.model.records import Call
from raceway.model.told import (
    CALLS_LIMIT,
    COMMUTES,
    KINDS,
    OPERATIONS,
    TOLD_LIMIT,
    Told,
    ToldAccess,
    ToldCall,
    ToldEdge,
)

_COMMUTE = {commute: place for place, commute in enumerate(COMMUTES)}
_OPERATION = {operation: place for place, operation in enumerate(OPERATIONS)}

_HANDOVERS = 1 << 62
"""No other serials are that large."""

_KEYS = (1 << 64) - 1
_MINUS_ONE = 0x9E3779B97F4A7C15


class Teller:
    """Collects what is to be told. With `full` every access is that is no repetition, at once and not late; with
    `placed` they have their stacks, and an augmented assignment ends its epoch."""

    def __init__(self, full: bool, placed: bool = False) -> None:
        self._full = full
        self.placed = placed
        self._waiting: deque[Told] = deque()
        self._handovers = 0
        self.dropped = 0

    def new_handover(self) -> int:
        """A serial to tell of what is handed over without a synchronisation object."""
        self._handovers += 1
        return _HANDOVERS + self._handovers

    def told(self) -> list[Told]:
        """What there is to tell since the last time."""
        waiting = self._waiting
        return [waiting.popleft() for _ in range(len(waiting))]

    def edge(
        self,
        verb: Verb,
        serial: int,
        actor: Actor | None,
        other: int = 0,
        text: str = "",
        file: str = "",
        line: int = 0,
        *,
        task: int = 0,
    ) -> None:
        """An edge that the actor of this serial draws, if it is one."""
        number = 0 if actor is None else actor.clock[actor.slot]
        self._put(ToldEdge(verb, time.time_ns(), serial, number, other, text, file, line, task))

    def has_room_for_calls(self) -> bool:
        """Whether functions may be told as entered; counts one that is not."""
        if len(self._waiting) < CALLS_LIMIT:
            return True
        self.dropped += 1
        return False

    def call(self, record: Call, actor: Actor | None) -> None:
        """A function was entered or left by the actor of that serial."""
        number = 0 if actor is None else actor.clock[actor.slot]
        self._put(
            ToldCall(
                time.time_ns(),
                record.actor,
                number,
                record.site,
                record.task,
                record.duration,
                error=record.error,
                message=record.message,
                stack=record.stack,
            )
        )

    def access(self, entry: Entry, shadow: Shadow) -> None:
        """An access that is about to join the shadow of its location."""
        if not (self._full or shadow.spoken):
            kept = (*shadow.writes, *shadow.reads)
            written = shadow.writes or entry.access.operation.mutates
            if not written or all(other.slot == entry.slot for other in kept):
                return
            shadow.spoken = True
            for other in sorted(kept, key=lambda one: one.sequence):
                self._tell(other, late=True)
        self._tell(entry, late=False)

    def _tell(self, entry: Entry, late: bool) -> None:
        access, head = entry.access, entry.head
        location = access.location
        self._put(
            ToldAccess(
                time.time_ns(),
                access.actor,
                entry.number,
                access.site,
                _OPERATION[access.operation],
                _COMMUTE.get(access.commute, _COMMUTE[Commute.NONE]),
                location.object,
                KINDS.index(LocationKind(location.kind)),
                _number_of(location.key),
                access.variable,
                entry.sequence,
                entry.locks,
                entry.region,
                head.access.site if head is not None else 0,
                head.sequence if head is not None else 0,
                late,
                task=access.task,
                stack=access.stack if self.placed else (),
            )
        )

    def _put(self, told: Told) -> None:
        if len(self._waiting) < TOLD_LIMIT:
            self._waiting.append(told)
        else:
            self.dropped += 1


def _number_of(key: Hashable) -> int:
    """A number for a location's key, which is made of scalars. -1 and -2 have one hash."""
    return hash(key) & _KEYS if key != -1 else _MINUS_ONE
