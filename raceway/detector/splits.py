"""Critical sections that are split: a lock is held for the read and for the write of a region, and not in between.

The lock orders all that is done under it, so nothing races. What tells is the order of the run: another actor has
written under the lock, after the region's read and before its write, which relies on what is no longer so.
"""

from __future__ import annotations

from collections.abc import Iterator

from raceway.detector.actors import Actor
from raceway.detector.conflicts import conflict
from raceway.detector.shadow import Entry, Shadow


def splitting(entry: Entry, shadow: Shadow, actor: Actor) -> Iterator[Entry]:
    """The writes of others that came between the read and the write of the region that `entry` closes, each of the
    three made under one lock. Who was ordered by more than locks was asked for it, or waited for."""
    head = entry.head
    if head is None:
        return
    for other in shadow.writes:
        if other.slot == entry.slot or other.sequence < head.sequence or not other.before(actor.clock):
            continue
        asked = other.number <= actor.firm.get(other.slot, 0)
        if not asked and conflict(other.access, entry.access) and _under_one_lock(entry, other, head, actor):
            yield other


def _under_one_lock(entry: Entry, other: Entry, head: Entry, actor: Actor) -> bool:
    return any(
        lock in other.locks and lock in head.locks and actor.taken.get(lock, 0) > other.sequence for lock in entry.locks
    )
