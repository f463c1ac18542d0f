"""What synchronisation objects and containers hand over: the clocks that releases leave for acquires.

There are up to three of each sync: of all that orders; of what orders firmly, locks aside; and of what orders without
hand-overs through plain containers, where that is less.
"""

from __future__ import annotations

from raceway.detector.actors import Actor
from raceway.detector.clocks import Clock, join
from raceway.detector.shadow import Entry
from raceway.model.records import Stack


class Syncs:
    """All sync objects that were released. `signals` are locks that another actor than their taker has freed."""

    def __init__(self) -> None:
        self.signals: set[int] = set()
        self._clocks: dict[int, Clock] = {}
        self._firm: dict[int, Clock] = {}
        self._bare: dict[int, Clock] = {}

    def acquire(self, actor: Actor, sync: int) -> bool:
        """The actor happens after the releases so far; False when there was none."""
        clock = self._clocks.get(sync)
        if clock is not None:
            actor.follow(clock, self._bare.get(sync))
        if (firm := self._firm.get(sync)) is not None:
            actor.learn(firm)
        return clock is not None

    def release(self, actor: Actor, sync: int, merge: bool) -> None:
        """Later acquires happen after this. `merge` adds to earlier releases."""
        known = self._clocks.get(sync)
        if merge and known is not None:
            self._merge_bare(actor, sync, known)
            join(known, actor.clock)
            return
        self._clocks[sync] = dict(actor.clock)
        if actor.bare is None:
            self._bare.pop(sync, None)
        else:
            self._bare[sync] = dict(actor.bared())

    def _merge_bare(self, actor: Actor, sync: int, known: Clock) -> None:
        left = self._bare.get(sync)
        if left is None:
            if actor.bare is None:
                return
            left = self._bare[sync] = dict(known)
        join(left, actor.bared())

    def leave_firm(self, actor: Actor, sync: int, merge: bool) -> None:
        """What is no lock orders firmly, nor is a lock that others than its taker free."""
        left = self._firm.setdefault(sync, {})
        if not merge:
            left.clear()
        join(left, actor.left())

    def retire(self, sync: int) -> bool:
        """The object died; False when it was no sync."""
        self._firm.pop(sync, None)
        self._bare.pop(sync, None)
        return self._clocks.pop(sync, None) is not None


def hand_over(actor: Actor, by: Actor | None, stored: Entry) -> None:
    """The actor takes out what `by` has stored: it happens after that, and after what `by` knew, but not after what
    `by` does from here on. None for an actor that is forgotten."""
    if actor.bare is None:
        actor.bare = dict(actor.clock)
    known, firm = actor.clock.get(stored.slot, 0), actor.firm.get(stored.slot, 0)
    if by is not None:
        join(actor.clock, by.clock)
        actor.learn(by.firm)
        if not by.ended and by.clock[by.slot] == stored.number:
            by.clock[by.slot] += 1
    actor.clock[stored.slot] = max(known, stored.number)
    actor.firm[stored.slot] = max(firm, stored.number)


def place_of(where: Stack) -> tuple[()] | tuple[str, str, int]:
    """What is told of where a lock was taken, by its innermost frame: no text, the file, the line."""
    if not where:
        return ()
    code, offset = where[0]
    line = next((line for begin, end, line in code.co_lines() if begin <= offset < end), None)
    return "", code.co_filename, line or 0
