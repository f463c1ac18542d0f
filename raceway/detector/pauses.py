"""Epochs that go on when nobody heard of their end.

The release of a lock ends an epoch, so that who takes the lock next can tell what came before from what comes after.
Mostly that is the same actor: between its release and its next taking of the lock nobody was ordered after anything,
and the trace without the two is the same trace. So the epoch is only paused. When its actor takes the lock again,
before anything else has ended an epoch of the actor, the epoch goes on: what the actor did under the lock before is
repeated now. What it did in between, mostly the look at the attribute that holds the lock, joins the epoch.

Pauses nest as locks do: the last one is the first to end. Threads that run tasks have none.
"""

from __future__ import annotations

from raceway.detector.actors import Actor
from raceway.detector.shadow import Entry

PAUSES = 4
"""Pauses of an actor that are remembered."""

CROWD = 1024
"""Accesses recorded during a pause after which nothing goes on."""


class Pause:
    """What an epoch was when the release of `lock` ended it, and what its actor has recorded `since`.

    `after` is the epoch that began then.
    """

    __slots__ = ("after", "epoch", "lock", "number", "since")

    def __init__(self, actor: Actor, lock: int) -> None:
        self.lock = lock
        self.epoch = actor.epoch
        self.number = actor.clock[actor.slot]
        self.after = 0
        self.since: list[Entry] = []


class Pauses:
    """The pauses of all actors."""

    def __init__(self) -> None:
        self._of: dict[int, list[Pause]] = {}

    def begin(self, serial: int, actor: Actor, lock: int) -> None:
        """The actor released the lock: another epoch begins, unless the actor takes the lock next."""
        pauses = self._of.setdefault(serial, [])
        if len(pauses) == PAUSES or (pauses and pauses[-1].after != actor.epoch):
            pauses.clear()
        pause = Pause(actor, lock)
        actor.advance()
        pause.after = actor.epoch
        pauses.append(pause)

    def goes_on(self, serial: int, actor: Actor, lock: int) -> bool:
        """The actor takes a lock of whose last release, its own, nobody else has heard: false if its epoch is over."""
        pauses = self._of.get(serial)
        if not pauses:
            return False
        last = pauses[-1]
        if last.lock != lock or last.after != actor.epoch:
            return False
        pauses.pop()
        for entry in last.since:
            entry.actor_epoch, entry.number = last.epoch, last.number
        if pauses:
            pauses[-1].since += last.since
        actor.epoch, actor.clock[actor.slot] = last.epoch, last.number
        return True

    def note(self, serial: int, entry: Entry) -> None:
        """The actor has recorded an access."""
        pauses = self._of.get(serial)
        if pauses:
            pauses[-1].since.append(entry)
            if len(pauses[-1].since) > CROWD:
                pauses.clear()

    def end(self, serial: int) -> None:
        """The actor is gone."""
        self._of.pop(serial, None)
