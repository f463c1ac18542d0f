"""What synchronisation objects and containers hand over: the clocks that releases leave for acquires.

There are up to three of each sync: of all that orders; of what orders firmly, locks aside; and of what orders without
hand-overs through plain containers, where that is less.
"""

from __future__ import annotations

from collections import deque

from raceway.detector.actors import Actor
from raceway.detector.clocks import Clock, join
from raceway.detector.pauses import Pauses
from raceway.detector.shadow import Entry
from raceway.model.records import Acquire, Name, Release, Stack

REMEMBERED = 4096
"""Dead locks whose places stay for a while: what was done under them can still race."""


class SyncNames:
    """Where sync objects were made. Those that a finding names (`named`) stay."""

    def __init__(self, named: set[int]) -> None:
        self.known: dict[int, Name] = {}
        self._named = named
        self._dead: deque[int] = deque()

    def retire(self, sync: int) -> None:
        """It died."""
        name = self.known.get(sync)
        if name is None or not name.line:
            self._forget(sync)
        elif sync not in self._named:
            self._dead.append(sync)
            if len(self._dead) > REMEMBERED:
                self._forget(self._dead.popleft())

    def place_of(self, sync: int) -> tuple[str, int]:
        """File and line where a lock was made, empty when that is not known."""
        name = self.known.get(sync)
        return ("", 0) if name is None else (name.file, name.line)

    def living(self) -> list[Name]:
        """The names of those that have not died."""
        dead = set(self._dead)
        return [name for sync, name in list(self.known.items()) if sync not in dead]

    def _forget(self, sync: int) -> None:
        if sync not in self._named:
            self.known.pop(sync, None)


class Syncs:
    """All sync objects that were released. `signals` are locks that another actor than their taker has freed."""

    def __init__(self) -> None:
        self.signals: set[int] = set()
        self.pauses = Pauses()
        self._clocks: dict[int, Clock] = {}
        self._firm: dict[int, Clock] = {}
        self._bare: dict[int, Clock] = {}
        self._releasers: dict[int, Actor | None] = {}
        self._heard: set[int] = set()
        self._going_on: dict[int, Actor] = {}

    def acquire(self, actor: Actor, record: Acquire, told: bool) -> bool:
        """The actor happens after the releases so far, unless an epoch of its own goes on; False when there was none.

        `told`: somebody listens, and is told of all that orders.
        """
        sync = record.sync
        if record.held and not actor.tasked and not told and self._goes_on(record.actor, actor, sync):
            return False
        return self._follow(actor, sync, record.held)

    def _follow(self, actor: Actor, sync: int, held: bool) -> bool:
        if (firm := self._firm.get(sync)) is not None:
            actor.learn(firm)
        clock, releaser = self._clocks.get(sync), self._releasers.get(sync)
        going_on = self._going_on.get(sync, actor)
        if going_on is not actor:  # somebody asks who does not take the lock
            actor.follow(going_on.clock, None if going_on.bare is None else going_on.bared())
            if not going_on.ended:
                going_on.advance()  # what it does from here on is not part of it
        elif clock is not None and releaser is not actor:
            self._heard.add(sync)
            actor.follow(clock, self._bare.get(sync))
        elif clock is not None:
            actor.jobs.hear_own(clock.get(actor.slot, 0), held)
        return clock is not None or going_on is not actor

    def _goes_on(self, serial: int, actor: Actor, lock: int) -> bool:
        """Whether the actor takes the lock as if it had not released it: see `pauses`."""
        unheard = self._releasers.get(lock) is actor and lock in self._clocks and lock not in self._heard
        if not unheard or not self.pauses.goes_on(serial, actor, lock):
            return False
        self._clocks.pop(lock)
        self._bare.pop(lock, None)
        self._going_on[lock] = actor
        return True

    def release(self, actor: Actor, record: Release, held: list[int], told: bool) -> None:
        """Later acquires happen after this; another epoch of the actor begins. `held` are the locks that it holds."""
        sync = record.sync
        self._leave(actor, sync, record.merge)
        if record.held and sync not in held:
            self.signals.add(sync)
        if not record.held or sync in self.signals:
            self._leave_firm(actor, sync, record.merge)
        if not record.held or sync in self.signals or actor.tasked or told:
            actor.advance()
        else:
            self.pauses.begin(record.actor, actor, sync)

    def _leave(self, actor: Actor, sync: int, merge: bool) -> None:
        known, releaser = self._clocks.get(sync), self._releasers.get(sync)
        self._heard.discard(sync)
        self._going_on.pop(sync, None)
        if merge and known is not None:
            self._releasers[sync] = actor if releaser is actor else None
            self._merge_bare(actor, sync, known)
            join(known, actor.clock)
            return
        self._releasers[sync] = actor
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

    def _leave_firm(self, actor: Actor, sync: int, merge: bool) -> None:
        """What is no lock orders firmly, nor is a lock that others than its taker free."""
        left = self._firm.setdefault(sync, {})
        if not merge:
            left.clear()
        join(left, actor.left())

    def retire(self, sync: int) -> bool:
        """The object died; False when it was no sync."""
        self._firm.pop(sync, None)
        self._bare.pop(sync, None)
        self._heard.discard(sync)
        known = self._going_on.pop(sync, None) is not None
        return self._releasers.pop(sync, None) is not None and (self._clocks.pop(sync, None) is not None or known)


def hand_over(actor: Actor, by: Actor | None, stored: Entry) -> None:
    """The actor takes out what `by` has stored: it happens after that, and after what `by` knew, but not after what
    `by` does from here on. None for an actor that is forgotten."""
    if actor.bare is None:
        actor.bare = dict(actor.clock)
    known, firm = actor.clock.get(stored.slot, 0), actor.firm.get(stored.slot, 0)
    if by is not None:
        actor.jobs.hear(by.clock.get(actor.slot, 0))
        join(actor.clock, by.clock)
        actor.learn(by.firm)
        if not by.ended:
            by.advance() if by.clock[by.slot] == stored.number else by.begin_epoch()
    actor.clock[stored.slot] = max(known, stored.number)
    actor.firm[stored.slot] = max(firm, stored.number)


def place_of(where: Stack) -> tuple[()] | tuple[str, str, int]:
    """What is told of where a lock was taken, by its innermost frame: no text, the file, the line."""
    if not where:
        return ()
    code, offset = where[0]
    line = next((line for begin, end, line in code.co_lines() if begin <= offset < end), None)
    return "", code.co_filename, line or 0
