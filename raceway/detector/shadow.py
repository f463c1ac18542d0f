"""Shadow state of one location: who accessed it last, as far as later accesses can still race with it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from raceway.detector.jobs import Jobs
from raceway.model.kinds import Commute, Operation
from raceway.model.records import Access
from raceway.model.sites import Site

LIMIT = 16
"""Unordered accesses kept per location and direction; a thread-per-request server has no end of readers."""

PLAIN, STORE, REGION, WALK = 1, 2, 3, 4
"""Ranks: how much an access tells of what it breaks when it races. What is done to an object that is still being made
tells nothing of what its maker does to it later; of writes only that has the lowest rank."""

Epoch = tuple[int, int, int]
"""The actor's epoch; the task, and how often it was suspended: 0 and 0 without one."""


def rank_of(site: Site, operation: Operation, closes: bool) -> int:
    """The rank of an access. `closes`: it is a write whose region's head was found."""
    if operation.mutates:
        if site.made:
            return PLAIN
        return REGION if closes or operation is Operation.READ_MODIFY_WRITE else STORE
    if operation is Operation.ITERATE:
        return WALK
    return REGION if site.is_head else PLAIN


class Entry:
    """One access in shadow: when it was (`number` at `slot`, in this epoch of its actor), its place in the stream, the
    locks then held.

    `turn` counts the suspensions of its task before it, `began` is the place of the first access of its task after
    those, `walks` tells that it goes on over suspensions of its task, `opens` that it closes a region of two critical
    sections in which others can write: see `splits`. `paused` tells that the task was suspended in the walk.
    """

    __slots__ = (
        "access", "actor_epoch", "began", "head", "locks", "number", "opens", "paused", "rank", "region", "sequence",
        "slot", "turn", "walks",
    )  # fmt: skip

    def __init__(
        self, access: Access, slot: int, number: int, epoch: int, sequence: int, locks: tuple[int, ...]
    ) -> None:
        self.access = access
        self.slot = slot
        self.number = number
        self.actor_epoch = epoch
        self.sequence = sequence
        self.locks = locks
        self.head: Entry | None = None
        self.region = -1
        self.rank = PLAIN
        self.turn = 0
        self.began = 0
        self.walks = False
        self.opens = False
        self.paused = False

    @property
    def epoch(self) -> Epoch:
        """The epoch, down to the turn of the task."""
        return self.actor_epoch, self.access.task, self.turn

    def before(self, clock: dict[int, int]) -> bool:
        """Whether the access happens before the present of an actor with this clock."""
        return self.number <= clock.get(self.slot, 0)


def between(other: Entry, entry: Entry) -> bool:
    """Whether `other` changed the location between the read and the write of the region that `entry` closes."""
    head = entry.head
    return head is not None and other.access.operation.mutates and other.sequence > head.sequence


class Shadow:
    """Last accesses of one location.

    FastTrack keeps one write epoch, and one read epoch that grows into a clock when reads are concurrent. Here both
    directions grow that way: writes are several only after a race, and keeping them finds the race's other partners.
    `writes` and `reads` hold accesses of which none happens before a later one of the same direction.

    An access that repeats what its actor did here in the same epoch is dropped (see `repeats`). Once the location has
    raced (`racy`), each site counts for itself, so that the report names all places: `told` has the sites and
    operations of the epoch that touched the location last, `turn`. For the teller: what double-checked locking
    publishes here goes by the serial `handover`, and `spoken` tells that accesses are told from now on. `walked` is the
    last walk of a task with awaits, `passed` one that a change has come after, and `turns` counts how often another
    walk came after that: see `openwalks`.

    `opened` is the newest write that `opens` (see `Entry`), whatever came since; `passed_on` the newest write under
    locks that one of another actor has replaced: see `luck`.
    """

    __slots__ = (
        "handover", "opened", "passed", "passed_on", "published", "racy", "reads", "shared", "spoken", "told", "turn",
        "turns", "walked", "writes",
    )  # fmt: skip

    def __init__(self) -> None:
        self.shared = False
        self.opened: Entry | None = None
        self.passed_on: Entry | None = None
        self.racy = False
        self.published: dict[int, int] | None = None
        self.handover = 0
        self.spoken = False
        self.turns = 0
        self.walked: Entry | None = None
        self.passed: tuple[Entry, Entry] | None = None
        self.writes: list[Entry] = []
        self.reads: list[Entry] = []
        self.turn: Epoch | None = None
        self.told: set[tuple[int, Operation]] = set()

    def repeats(self, epoch: Epoch, site: int, operation: Operation, commute: Commute, rank: int) -> bool:
        """Whether such an access tells nothing that is not kept: FastTrack's same-epoch rule, by rank.

        An access of the same epoch that is kept, of the same direction, of no lower rank and conflicting with as much,
        tells it, as long as nobody else's came after. So does a write for a read: who is unordered with the one is with
        the other.
        """
        if self.racy:
            return self.turn == epoch and (site, operation) in self.told
        writes = itertools.takewhile(lambda kept: kept.epoch == epoch, reversed(self.writes))
        if operation.mutates:
            return any(_tells(write, epoch, commute, rank) for write in writes)
        read = self.reads[-1] if self.reads else None
        return _tells(read, epoch, commute, rank) or any(_tells(write, epoch, Commute.NONE, rank) for write in writes)

    def tell(self, epoch: Epoch, site: int, operation: Operation) -> None:
        """Remember what the epoch did to a racy location, until another actor comes."""
        if self.turn != epoch:
            self.turn = epoch
            self.told.clear()
        self.told.add((site, operation))

    def conflicts(self, entry: Entry, clock: dict[int, int]) -> Iterator[Entry]:
        """Earlier accesses by others, unordered with `entry`, of which one or both mutate."""
        for other in self.writes:
            if other.slot != entry.slot and not other.before(clock):
                yield other
        if entry.access.operation.mutates:
            for other in self.reads:
                if other.slot != entry.slot and not other.before(clock):
                    yield other

    def of_other_jobs(self, entry: Entry, jobs: Jobs) -> Iterator[Entry]:
        """Accesses of its own actor in earlier jobs, of which others could have had one; one of them or both mutate. A
        lock that is held in both keeps them apart."""
        for other in (*self.writes, *self.reads) if entry.access.operation.mutates else self.writes:
            if other.slot == entry.slot and jobs.is_others(other.number) and not set(other.locks) & set(entry.locks):
                yield other

    def has_others(self, slot: int) -> bool:
        """Whether an actor of another slot has been here, as far as that is known."""
        return any(other.slot != slot for other in (*self.writes, *self.reads))

    def add(self, entry: Entry, clock: dict[int, int], over: Callable[[Entry], bool]) -> None:
        """Record the access; those that happen before it can tell nothing more than it does.

        `over` tells whether the task of an access is done.
        """
        for walk in [other for other in self.reads if other.walks and over(other)]:
            walk.walks = False
        if entry.access.operation.mutates:
            before = self.writes
            self.writes = _kept(self.writes, entry, clock)
            for other in before:
                if other.locks and other.slot != entry.slot and other not in self.writes:
                    self.passed_on = other
            self.reads = [other for other in self.reads if not (other.before(clock) and _covers(entry, other))]
        else:
            self.reads = _kept(self.reads, entry, clock)


def _tells(kept: Entry | None, epoch: Epoch, commute: Commute, rank: int) -> bool:
    if kept is None or kept.epoch != epoch:
        return False
    return kept.rank >= rank and kept.access.commute in (Commute.NONE, commute)


def _covers(new: Entry, old: Entry) -> bool:
    """Whether the new access conflicts with all that the old one does: it does unless it commutes with more, or the old
    one is a walk that another task may still be at. What is put in spoils less than what is taken out does."""
    commutes = new.access.commute in (Commute.NONE, old.access.commute)
    takes = old.access.operation is Operation.DELETE
    spares = takes and new.access.commute is not Commute.NONE and new.access.operation is not Operation.DELETE
    return commutes and not spares and (not old.walks or old.access.task == new.access.task)


def _kept(entries: list[Entry], entry: Entry, clock: dict[int, int]) -> list[Entry]:
    kept = [
        other for other in entries if not ((other.slot == entry.slot or other.before(clock)) and _covers(entry, other))
    ]
    kept.append(entry)
    return kept[-LIMIT:]
