"""Critical sections that are split: a lock is held for the read and for the write of a region, and not in between.

The lock orders all that is done under it, so nothing races. Two things tell:

- the order of the run: another actor has written under the lock, after the region's read and before its write, which
  relies on what is no longer so. It was observed.
- another actor has written under the lock before the read, and nothing but locks orders it: it may as well write in
  between. Unless there is more to it than the lock: who has claimed something under a lock since its last region of
  that sort (or its beginning) may have made the object its own so, and who has read something else that the other one
  wrote then or later may have been told that it is its turn (see `claims`). What others did before and after they
  closed such a region is told apart: the write has an epoch of its own.

The same holds of who writes under the lock after the region was closed, and not before.

What is kept of a location are its last writes: who fills a bucket up, or gives back to a pool, hides who took before.
So the newest write that closed such a region, and in which others could have written, is kept beside them. And who
takes where another one has taken in the same way is not told that it is its turn by what that one has put back since,
in a later section: that is no more than what there is to be taken.

A plain store of something that was there before the test (a region that `brings`) takes a place that was found empty:
`if hall.is_free(seat): hall.assign(seat, guest)`. It is undone by who does the same, and by nobody else. As a rule
that one finds the place taken and stores nothing. So the test of another actor counts, too, made for the same
function: it may as well have come before the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from raceway.detector.actors import Actor
from raceway.detector.claims import puts
from raceway.detector.conflicts import conflict
from raceway.detector.shadow import Entry, Shadow
from raceway.model.kinds import LocationKind, Operation
from raceway.model.records import caller_of
from raceway.model.sites import Region, Site


def split_sections(
    entry: Entry, site: Site, shadow: Shadow, actor: Actor, site_of: Callable[[int], Site]
) -> Iterator[tuple[Entry, Entry, bool]]:
    """What tells of split sections when a thread makes this access: two accesses, that which closes the region last,
    and whether the other one came in between in this run. It is known of the location then what it has to do with."""
    if closes_split(entry, site):
        for other, observed in _splitting(entry, shadow, actor, site.regions[entry.region]):
            yield other, entry, observed
        _close(entry, shadow, actor)
    elif entry.access.operation.mutates:
        for other in _split_by(entry, shadow, actor, site_of):
            yield entry, other, False
        _put_back(entry, shadow, actor)
    elif site.is_head and entry.access.location.kind is not LocationKind.STRUCTURE:
        for other in _tested(entry, shadow, actor, site_of):
            yield entry, other, False


def closes_split(entry: Entry, site: Site) -> bool:
    """Whether the access closes a region of two critical sections. Who takes a place takes no other one of the same
    container."""
    if entry.head is None:
        return False
    region = site.regions[entry.region]
    return region.splits and not (region.brings and entry.access.location.kind is LocationKind.STRUCTURE)


def _splitting(entry: Entry, shadow: Shadow, actor: Actor, region: Region) -> Iterator[tuple[Entry, bool]]:
    """The writes of others that came, or could have come, between the read and the write of the region that `entry`
    closes, each of the three made under one lock; and whether they did. Who was ordered by more than locks was asked
    for it, or waited for."""
    head, last = entry.head, shadow.opened
    if head is None:
        return
    hidden = () if last is None or last in shadow.writes else (last,)
    for other in (*shadow.writes, *hidden):
        if other.slot == entry.slot or not other.before(actor.clock):
            continue
        asked = other.number <= actor.firm.get(other.slot, 0)
        same = other.opens and other.access.site == entry.access.site
        if asked or not (same if region.brings else _breaks(other, entry, region)):
            continue
        if other.sequence > head.sequence:
            if _under_one_lock(entry, other, head, actor):
                yield other, True
        elif _is_shared(entry, other, shadow, actor) and _lets_go(entry, other, head, actor):
            yield other, False


def _is_shared(entry: Entry, other: Entry, shadow: Shadow, actor: Actor) -> bool:
    """Whether nothing tells that the actor has the place to itself. What the other one has put back since it took
    there, as this actor does, tells nothing."""
    alike = other.opens and other.access.site == entry.access.site and entry.access.operation is Operation.DELETE
    return actor.claims.shares(other, shadow.writes, alike)


def _split_by(entry: Entry, shadow: Shadow, actor: Actor, site_of: Callable[[int], Site]) -> Iterator[Entry]:
    """The writes of others that closed such a region, in which the write of `entry` could have come as well."""
    for other in shadow.writes:
        if not other.opens or other.slot == entry.slot or not other.before(actor.clock):
            continue
        asked = other.number <= actor.firm.get(other.slot, 0)
        if asked or _region(other, site_of).brings or not _under_its_lock(entry, other):
            continue
        if _breaks(entry, other, _region(other, site_of)) and actor.claims.shares(other):
            yield other


def _tested(entry: Entry, shadow: Shadow, actor: Actor, site_of: Callable[[int], Site]) -> Iterator[Entry]:
    """The writes of others that have taken the place because of the very test that is made now, for the same function,
    and before which it could have been made as well."""
    for other in shadow.writes:
        if other.slot == entry.slot or not (other.opens and other.before(actor.clock)) or other.head is None:
            continue
        asked, region = other.number <= actor.firm.get(other.slot, 0), _region(other, site_of)
        if asked or not region.brings or other.head.access.site != entry.access.site:
            continue
        alike = not region.calls or caller_of(entry.access.stack) == caller_of(other.access.stack)
        if alike and _under_its_lock(entry, other) and actor.claims.finds(other):
            yield other


def _region(closing: Entry, site_of: Callable[[int], Site]) -> Region:
    return site_of(closing.access.site).regions[closing.region]


def _under_its_lock(entry: Entry, other: Entry) -> bool:
    """Whether the access is made under a lock that the region which `other` closes was read and written under."""
    return other.head is not None and not set(other.locks).isdisjoint({*other.head.locks} & {*entry.locks})


def _put_back(entry: Entry, shadow: Shadow, actor: Actor) -> None:
    """Who puts something back in the section in which it was taken has taken nothing that others would miss."""
    last = shadow.opened
    if last is None or last.slot != entry.slot or not puts(entry):
        return
    if any(actor.taken.get(lock, 0) < last.sequence for lock in entry.locks if lock in last.locks):
        last.opens = False
        shadow.opened = None


def _breaks(other: Entry, entry: Entry, region: Region) -> bool:
    """Whether the write `other` may undo what the write `entry` relies on, which closes `region`. That two may take
    something out in either order does not help who has seen that there was one thing left, nor that they may put
    something in who has found room for one."""
    if region.fills:
        return puts(other) or other.access.site == entry.access.site
    return conflict(other.access, entry.access) or not puts(other)


def _close(entry: Entry, shadow: Shadow, actor: Actor) -> None:
    """The actor writes what it had read in another section: the write has an epoch of its own, until `advance`."""
    head, claims = entry.head, actor.claims
    _put_back(entry, shadow, actor)
    entry.opens = head is not None and not claims.has_claimed() and _lets_go(entry, entry, head, actor)
    actor.advance()
    claims.closed = entry.number = actor.clock[actor.slot]
    entry.actor_epoch = actor.epoch
    if entry.opens:
        shadow.opened = entry


def _under_one_lock(entry: Entry, other: Entry, head: Entry, actor: Actor) -> bool:
    return any(
        lock in other.locks and lock in head.locks and actor.taken.get(lock, 0) > other.sequence for lock in entry.locks
    )


def _lets_go(entry: Entry, other: Entry, head: Entry, actor: Actor) -> bool:
    """Whether all locks that the three have in common, one at least, were taken anew after the read."""
    common = [lock for lock in entry.locks if lock in other.locks and lock in head.locks]
    return bool(common) and all(actor.taken.get(lock, 0) > head.sequence for lock in common)
