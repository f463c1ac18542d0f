"""Shadow state of one location: who accessed it last, as far as later accesses can still race with it."""

from __future__ import annotations

from collections.abc import Iterator

from raceway.model.kinds import Commute
from raceway.model.records import Access

LIMIT = 16
"""Unordered accesses kept per location and direction; a thread-per-request server has no end of readers."""


class Entry:
    """One access in shadow: its epoch (`number` at `slot`), its place in the stream, the locks then held."""

    __slots__ = ("access", "head", "locks", "number", "region", "sequence", "slot")

    def __init__(self, access: Access, slot: int, number: int, sequence: int, locks: tuple[int, ...]) -> None:
        self.access = access
        self.slot = slot
        self.number = number
        self.sequence = sequence
        self.locks = locks
        self.head: Entry | None = None
        self.region = -1

    def before(self, clock: dict[int, int]) -> bool:
        """Whether the access happens before the present of an actor with this clock."""
        return self.number <= clock.get(self.slot, 0)


class Shadow:
    """Last accesses of one location.

    FastTrack keeps one write epoch, and one read epoch that grows into a clock when reads are concurrent. Here both
    directions grow that way: writes are several only after a race, and keeping them finds the race's other partners.
    `writes` and `reads` hold accesses of which none happens before a later one of the same direction.
    """

    __slots__ = ("heads", "published", "reads", "shared", "writes")

    def __init__(self) -> None:
        self.shared = False
        self.published: dict[int, int] | None = None
        self.writes: list[Entry] = []
        self.reads: list[Entry] = []
        self.heads: dict[tuple[int, int], Entry] = {}

    def conflicts(self, entry: Entry, clock: dict[int, int]) -> Iterator[Entry]:
        """Earlier accesses by others, unordered with `entry`, of which one or both mutate."""
        for other in self.writes:
            if other.slot != entry.slot and not other.before(clock):
                yield other
        if entry.access.operation.mutates:
            for other in self.reads:
                if other.slot != entry.slot and not other.before(clock):
                    yield other

    def add(self, entry: Entry, clock: dict[int, int]) -> None:
        """Record the access; those that happen before it can tell nothing more than it does."""
        if entry.access.operation.mutates:
            self.writes = _kept(self.writes, entry, clock)
            self.reads = [other for other in self.reads if not (other.before(clock) and _covers(entry, other))]
        else:
            self.reads = _kept(self.reads, entry, clock)

    def add_head(self, entry: Entry) -> None:
        """Record a read that a later write of its activation may depend on."""
        if len(self.heads) >= LIMIT:
            del self.heads[next(iter(self.heads))]
        self.heads[entry.access.actor, entry.access.site] = entry


def _covers(new: Entry, old: Entry) -> bool:
    """Whether the new access conflicts with all that the old one does: it does unless it commutes with more."""
    return new.access.commute in (Commute.NONE, old.access.commute)


def _kept(entries: list[Entry], entry: Entry, clock: dict[int, int]) -> list[Entry]:
    kept = [
        other for other in entries if not ((other.slot == entry.slot or other.before(clock)) and _covers(entry, other))
    ]
    kept.append(entry)
    return kept[-LIMIT:]
