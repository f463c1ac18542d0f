"""What kind of finding a raw race is: decided from the two operations and the regions they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from raceway.model.kinds import Commute, FindingKind, Operation, RegionKind
from raceway.model.races import THROUGH, RawRace, Side
from raceway.model.records import caller_of
from raceway.model.sites import Region, Site, SiteForm
from raceway.model.struct import Struct, replace


class Member(Struct):
    """One side seen as part of its code: `unit` is the serial of the write site that its region ends in.

    Plain accesses are units of their own. `region` is the region it closes or, for a read, the one it could open.
    `spans` tells that a switch point lies inside the region, `takes` that a test of a container is followed by nothing
    but taking something out of it, or that this is such a taking, `whole` that a walk is one step on all interpreters,
    `splits` that read and write of the region lie in critical sections of their own. `opened`: the region is a test of
    the place and a use of it that fails when the answer has changed, and this is the site of the test; `unit` is that
    of the use then.
    """

    side: Side
    unit: int
    region: RegionKind | None
    spans: bool
    takes: bool = False
    whole: bool = False
    splits: bool = False
    opened: int = -1


_ADVANCING = frozenset({"next", "__next__", "send", "throw", "close"})
_TAKING = frozenset({"pop", "popleft", "popitem", "heappop"})
_ORDERING = frozenset({"move_to_end", "sort", "reverse", "rotate"})
_COUNTING = frozenset({"len", "bool"})


class Openings:
    """Which regions a reading site can open: the inverse of `Site.regions`, of writes that the run reached."""

    def __init__(self, sites: Iterable[tuple[int, Site]]) -> None:
        self._of: dict[int, tuple[int, Region]] = {}
        self._all: dict[int, set[int]] = {}
        self._acting: set[int] = set()
        for serial, site in sites:
            for region in _own(site):
                head = serial - site.index + region.head
                self._of.setdefault(head, (serial, region))
                self._all.setdefault(head, set()).add(serial)
                if not (site.counted or (site.form is SiteForm.METHOD and site.verb in _TAKING)):
                    self._acting.add(head)

    def of(self, serial: int) -> tuple[int, Region] | None:
        """The write site that ends the first region opened by the read at `serial`, and the region."""
        return self._of.get(serial)

    def acts(self, serial: int) -> set[int]:
        """The write sites that end regions opened by the read at `serial`."""
        return self._all.get(serial, set())

    def takes(self, serial: int) -> bool:
        """Whether all regions opened by the read at `serial` end by taking something out of a container."""
        return serial in self._of and serial not in self._acting


def _own(site: Site) -> list[Region]:
    """The regions that lie in the site's function, or in the one whose test has it called; a read in another one need
    not be for the sake of the write. Neither is one that lies before a wait."""
    return [one for one in site.regions if one.here or not (one.calls or one.waits or one.apart)]


def members(race: RawRace, site_of: Callable[[int], Site], openings: Openings) -> tuple[Member, Member]:
    """How the two sides of a race take part in regions."""
    first, second = (_member(side, site_of, openings) for side in (race.earlier, race.later))
    first, second = _opening(first, second, site_of), _opening(second, first, site_of)
    first, second = _alike(first, second), _alike(second, first)
    return _in_doubt(first, race.later, site_of), _in_doubt(second, race.earlier, site_of)


def _opening(reader: Member, writer: Member, site_of: Callable[[int], Site]) -> Member:
    """The side that reads; if it was asked by the function that had the other side write because of the same read, as
    the getter and the setter of a property are, it begins such a region."""
    read, write = reader.side.access, writer.side.access
    site = site_of(write.site)
    if reader.region is None and write.operation.mutates and not read.operation.mutates:
        asks = caller_of(read.stack)
        for region in site.regions:
            lent = region.calls and not region.here and write.site - site.index + region.head == read.site
            if lent and asks is not None and asks is caller_of(write.stack):
                return replace(reader, unit=write.site, region=region.kind, spans=True)
    return reader


def _member(side: Side, site_of: Callable[[int], Site], openings: Openings) -> Member:
    """How a side takes part in a region."""
    serial, operation = side.access.site, side.access.operation
    site = site_of(serial)
    if side.region >= 0:
        closed = site.regions[side.region]
        alone = closed.calls or closed.waits or closed.apart
        spans = site.spans or any(region.spans for region in ([closed] if alone else _own(site)))
        return Member(side, serial, closed.kind, spans, site.counted, splits=closed.splits)
    if side.region <= THROUGH:
        return Member(side, serial, RegionKind.TEST if side.region == THROUGH else RegionKind.VALUE, True)
    if operation is Operation.READ_MODIFY_WRITE:
        return Member(side, serial, RegionKind.VALUE, site.spans)
    whole = site.whole and operation is Operation.ITERATE
    opening = openings.of(serial) if not operation.mutates else None
    if opening is not None:
        unit, region = opening
        kind = region.kind if region.here else _own(site_of(unit))[0].kind
        return Member(side, unit, kind, region.spans, openings.takes(serial), whole)
    return Member(side, serial, None, False, whole=whole)


def _alike(part: Member, other: Member) -> Member:
    """A side that only looks, in the region that the other one closes, where it is at the head of that one too."""
    head = other.side.head
    if part.region is None or part.side.access.operation.mutates or other.side.region < 0 or head is None:
        return part
    return replace(other, side=part.side, takes=part.takes) if head.site == part.side.access.site else part


def _in_doubt(part: Member, other: Side, site_of: Callable[[int], Site]) -> Member:
    """A side, without a region whose answer the other one cannot change: how many items there are, by their order."""
    site = site_of(other.access.site)
    asked = part.side.head if part.side.access.operation.mutates else part.side.access
    if part.region is None or site.form is not SiteForm.METHOD or site.name not in _ORDERING or asked is None:
        return part
    test = site_of(asked.site)
    counts = test.form is SiteForm.FUNCTION and test.name in _COUNTING
    return Member(part.side, part.side.access.site, None, False, whole=part.whole) if counts else part


def advances(side: Side, site: Site) -> bool:
    """Whether the access runs code of a generator: of loops only those over generators change what they walk over."""
    changes = side.access.operation is Operation.STRUCTURAL_CHANGE
    return changes and (site.form is SiteForm.ITERATE or site.name in _ADVANCING)


def grows(side: Side) -> bool:
    """Whether the access puts something at the end of a row: a walk over it goes on, and meets the new item or not."""
    access = side.access
    return access.operation is Operation.STRUCTURAL_CHANGE and access.commute is Commute.APPEND


def kind_of(race: RawRace, first: Member, second: Member) -> FindingKind:
    """The most specific kind that the evidence carries."""
    parts = (first, second)
    operations = {race.earlier.access.operation, race.later.access.operation}
    if Operation.ITERATE in operations and (race.one_loop or not any(part.whole or grows(part.side) for part in parts)):
        return FindingKind.ITERATION_MUTATION
    if race.one_loop:
        return FindingKind.AWAIT_GAP
    if (race.observed or second.splits) and set(race.earlier.locks) & set(race.later.locks):  # they order no region
        return FindingKind.SPLIT_CRITICAL_SECTION
    regions = {first.region, second.region} - {None}
    both_write = all(side.access.operation.mutates for side in (race.earlier, race.later))
    if not both_write:
        reader, writer = (first, second) if second.side.access.operation.mutates else (second, first)
        if reader.region is None:
            return FindingKind.READ_WRITE
        regions = {reader.region}
        if reader.region is RegionKind.LAZY_INIT and writer.region is not RegionKind.LAZY_INIT:
            return FindingKind.CHECK_THEN_ACT
    if regions == {RegionKind.LAZY_INIT} and (first.region is second.region or not both_write):
        return FindingKind.DOUBLE_INIT
    if regions & {RegionKind.LAZY_INIT, RegionKind.TEST}:
        return FindingKind.CHECK_THEN_ACT
    return FindingKind.LOST_UPDATE if RegionKind.VALUE in regions else FindingKind.WRITE_WRITE
