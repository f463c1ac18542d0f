"""Traces for detector tests: made by hand or by hypothesis, with a naive oracle that keeps every access for ever."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from hypothesis import strategies as st

from raceway.detector.conflicts import conflict
from raceway.detector.detector import Detector
from raceway.model.kinds import Commute, LocationKind, Operation
from raceway.model.races import RawRace
from raceway.model.records import Access, Acquire, Fork, Join, Location, Record, Release
from raceway.model.sites import Context, Role, Site, SiteForm

ACTORS = 4
SITES = 12


def site(index: int) -> Site:
    """A site without regions."""
    return Site(index, SiteForm.ATTRIBUTE, Context.LOAD, Role.BASE, "x", "o", "o", "f", index + 1, 0, index + 1, 3)


def access(actor: int, operation: Operation, place: int = 0, where: int = 0, commute: Commute = Commute.NONE) -> Access:
    """An access of attribute number `place`."""
    location = Location(100 + place, LocationKind.ATTRIBUTE, "x")
    return Access(actor, operation, location, where, f"o{place}.x", (), commute)


def run(trace: Sequence[Record]) -> list[RawRace]:
    """The races a fresh detector finds in a trace."""
    detector = Detector(site)
    for record in trace:
        detector.feed(record)
    return detector.races.all()


def oracle(trace: Sequence[Record]) -> set[tuple[int, int]]:
    """Every pair of record numbers that race, by full vector clocks and by comparing all accesses with all."""
    clocks: dict[int, dict[int, int]] = {}
    syncs: dict[int, dict[int, int]] = {}
    seen: list[tuple[int, Access, dict[int, int]]] = []
    for number, record in enumerate(trace):
        clock = clocks.setdefault(record.actor, {}) if hasattr(record, "actor") else {}
        if isinstance(record, Access):
            clock[record.actor] = clock.get(record.actor, 0) + 1
            seen.append((number, record, dict(clock)))
        elif isinstance(record, Acquire):
            _raise(clock, syncs.get(record.sync, {}))
        elif isinstance(record, Release):
            clock[record.actor] = clock.get(record.actor, 0) + 1
            if record.merge:
                _raise(syncs.setdefault(record.sync, {}), clock)
            else:
                syncs[record.sync] = dict(clock)
        elif isinstance(record, Fork):
            clocks[record.child] = dict(clock)
        elif isinstance(record, Join):
            _raise(clock, clocks.get(record.child, {}))
    return {
        (first[0], second[0])
        for first, second in combinations(seen, 2)
        if _races(first[1], first[2], second[1], second[2])
    }


def _raise(clock: dict[int, int], other: dict[int, int]) -> None:
    for actor, number in other.items():
        clock[actor] = max(clock.get(actor, 0), number)


def _races(first: Access, before: dict[int, int], second: Access, now: dict[int, int]) -> bool:
    if first.location != second.location or first.actor == second.actor or not conflict(first, second):
        return False
    return before[first.actor] > now.get(first.actor, 0)


@st.composite
def traces(draw: st.DrawFn) -> list[Record]:
    """Traces of a few actors, forked in turn by actor 0, that use two syncs and two locations."""
    trace: list[Record] = [Fork(0, child, f"t{child}") for child in range(1, ACTORS)]
    for _ in range(draw(st.integers(1, 30))):
        actor = draw(st.integers(0, ACTORS - 1))
        sync = 50 + draw(st.integers(0, 1))
        choice = draw(st.integers(0, 9))
        if choice < 6:
            operation = draw(st.sampled_from([Operation.READ, Operation.WRITE, Operation.READ_MODIFY_WRITE]))
            commute = draw(st.sampled_from([Commute.NONE, Commute.NONE, Commute.ADD]))
            place, where = draw(st.integers(0, 1)), draw(st.integers(0, SITES - 1))
            trace.append(access(actor, operation, place, where, commute))
        elif choice == 6:
            trace.append(Acquire(actor, sync))
        elif choice < 9:
            trace.append(Release(actor, sync, merge=draw(st.booleans())))
        else:
            trace.append(Join(actor, draw(st.integers(1, ACTORS - 1))))
    return trace
