"""Order by the luck of a lock: an actor accesses a place under a lock, as another one did before, and once without it.

In a short run a thread is mostly through before the next one takes the lock. Then all that it did comes before all that
the other one does after that, with the lock or without it, and nothing races. Yet what is done without the lock may as
well be done at any time, if nothing else has told its actor that it is its turn::

    a   a write of another actor under the lock L, which a write of somebody else has replaced: `Shadow.passed_on`
    b   a write of this actor under L, which is kept
    c   the access that is made now, not under L

    a and c race if locks alone order a before c, and the actor of c has claimed nothing, and of what others wrote has
    come upon no more than what the site of a writes: see `claims`

That the actor itself takes L there elsewhere tells that the place is guarded by it. Whoever was ordered by more than
locks was asked for it, or waited for. Tasks are ordered by their loops.
"""

from __future__ import annotations

from collections.abc import Iterator

from raceway.detector.actors import Actor
from raceway.detector.conflicts import conflict
from raceway.detector.shadow import Entry, Shadow


def by_luck(entry: Entry, shadow: Shadow, actor: Actor) -> Iterator[Entry]:
    """The write of another one that only locks have ordered before this access, if it is one."""
    other = shadow.passed_on
    if other is None or other.slot == entry.slot or actor.tasked or not conflict(other.access, entry.access):
        return
    if not other.before(actor.clock) or other.number <= actor.firm.get(other.slot, 0):
        return
    guards = set(other.locks)
    knows = any(one.slot == entry.slot and not guards.isdisjoint(one.locks) for one in shadow.writes)
    if knows and guards.isdisjoint(entry.locks) and actor.claims.came_alone(other, actor.firm):
        yield other
