"""Actors as the detector knows them."""

from __future__ import annotations

import itertools

from raceway.detector.claims import Claims
from raceway.detector.clocks import Clock, join
from raceway.detector.jobs import Jobs
from raceway.detector.shadow import Entry
from raceway.model.kinds import ActorKind
from raceway.model.records import Access, Location

HEADS = 256
"""Reads remembered of an actor that later writes may depend on."""

LEARNED_LIMIT = 16
"""Who has learned more than so many numbers keeps its clock as it is: the native core shares most of it with others."""

_EPOCHS = itertools.count(1)


class Actor:
    """State of one actor: its clock and slot, the locks it holds, in the order taken.

    `inherited` is the clock it started with. `heads` are the newest reads that later writes may depend on, by site,
    activation and location. `firm` is the clock of the order that locks have no part in, without the actor's own slot,
    and `version` counts its changes. `bare` is the clock of the order that hand-overs through plain containers have no
    part in, None as long as that is no other. `taken` has the places in the stream where its locks were taken. `epoch`
    is no other actor's and, but for pauses (see there), none of its own before. `task` is whom it works for, 0 for
    itself, and `tasked` tells whether it has ever worked for a task.

    `claims` is what it has to itself and knows of others, as far as critical sections that are split ask for it. `jobs`
    are those that it takes from a queue.
    """

    __slots__ = (
        "bare", "claims", "clock", "ended", "epoch", "firm", "heads", "held", "inherited", "jobs", "kind", "name",
        "slot", "taken", "task", "tasked", "version",
    )  # fmt: skip

    def __init__(self, slot: int, clock: Clock, firm: Clock, name: str, kind: ActorKind) -> None:
        self.slot = slot
        self.clock = clock
        self.firm = firm
        self.bare: Clock | None = None
        self.version = 0
        self.inherited = dict(clock)
        self.held: list[int] = []
        self.taken: dict[int, int] = {}
        self.heads: dict[tuple[int, int, Location], Entry] = {}
        self.name = name
        self.kind = kind
        self.ended = False
        self.epoch = next(_EPOCHS)
        self.task = 0
        self.tasked = False
        self.claims = Claims()
        self.jobs = Jobs()

    def advance(self) -> None:
        """What the actor does from here on is told apart from what it did before."""
        self.clock[self.slot] += 1
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """What the actor does from here on repeats nothing that it did before."""
        self.epoch = next(_EPOCHS)

    def moment(self) -> tuple[int, int]:
        """The slot and the number of the present epoch, which is not joined to an earlier one any more."""
        if not self.tasked:  # whose epochs never go on
            self.begin_epoch()
        return self.slot, self.clock[self.slot]

    def take_job(self, queue: int) -> None:
        """The actor takes its next job from this queue."""
        if self.jobs.takes(queue):
            self.advance()
            self.jobs.begin(self.clock[self.slot])

    def work_for(self, task: int) -> None:
        """The actor works for this task, 0 for itself: what others of its tasks did is not repeated."""
        if task != self.task:
            self.task = task
            self.tasked = True
            self.begin_epoch()

    def entry(self, access: Access, sequence: int, held: list[int]) -> Entry:
        """The shadow of an access that the actor makes now, holding these locks."""
        return Entry(access, self.slot, self.clock[self.slot], self.epoch, sequence, tuple(held))

    def left(self) -> Clock:
        """What whoever is ordered after this actor knows then, locks aside."""
        self.version += 1
        return {**self.firm, self.slot: self.clock[self.slot]}

    def learn(self, firm: Clock) -> None:
        """The actor is ordered after what `firm` knows, by something else than a lock."""
        self.version += 1
        join(self.firm, firm)

    def bared(self) -> Clock:
        """The order without hand-overs through plain containers, as the clock is now."""
        if self.bare is None:
            return self.clock
        self.bare[self.slot] = self.clock[self.slot]
        return self.bare

    def follow(self, clock: Clock, bare: Clock | None) -> None:
        """The actor is ordered after what `clock` knows, without hand-overs after what `bare` does, if that is less."""
        if bare is not None and self.bare is None:
            self.bare = dict(self.clock)
        if self.bare is not None:
            join(self.bare, clock if bare is None else bare)
        self.jobs.hear(clock.get(self.slot, 0))
        join(self.clock, clock)

    def shrink(self) -> None:
        """Keep of the clock what the actor, which has ended, did not start with."""
        known, self.inherited = self.inherited, {}
        learned = {slot: number for slot, number in self.clock.items() if known.get(slot) != number}
        if len(learned) > LEARNED_LIMIT:
            return
        self.clock = learned
        self.clock.setdefault(self.slot, known.get(self.slot, 0))
        self.bare = None
        self.firm = self.clock  # more than it knows firmly: an order too many invents nothing

    def note_head(self, entry: Entry) -> None:
        """Remember a read that a later write of its activation may depend on, repeated or not."""
        access = entry.access
        for activation in (access.activation, access.caller) if access.caller else (access.activation,):
            place = (access.site, activation, access.location)
            self.heads.pop(place, None)
            if len(self.heads) >= HEADS:
                del self.heads[next(iter(self.heads))]
            self.heads[place] = entry
