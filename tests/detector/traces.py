"""Traces for detector tests: made by hand or by hypothesis, with a naive oracle that keeps every access for ever."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from hypothesis import strategies as st

from raceway.detector.conflicts import conflict
from raceway.model.kinds import Commute, LocationKind, Operation, RegionKind
from raceway.model.records import WHOLE, Access, Acquire, End, Fork, Join, Location, Record, Release, Retire
from raceway.model.sites import Context, Region, Role, Site, SiteForm

ACTORS = 4
ACTIVATIONS = 2
HEADS = (0, 1)
CLOSING = {2: (0,), 3: (1, 0)}
"""Sites that close regions: the sites of the reads they depend on, by preference."""
DOUBLE_CHECKED, RECHECKED = 10, 11
COUNT = 12

SYNCS, LOCKS = (50, 51), (60, 61)
FIRST_OBJECT = 100

_PLACES = (
    (LocationKind.ATTRIBUTE, 7, "x"),
    (LocationKind.ITEM, 0, ".0[...]"),
    (LocationKind.ITEM, 1, ".1[...]"),
    (LocationKind.STRUCTURE, None, ""),
    (LocationKind.STRUCTURE, WHOLE, "[...]"),
)
_COMMUTES = (Commute.NONE, *Commute)
_MUTATING = tuple(operation for operation in Operation if operation.mutates)


def site(index: int) -> Site:
    """One of the sites that traces use."""
    regions = tuple(Region(head, RegionKind.VALUE, spans=True) for head in CLOSING.get(index, ()))
    return Site(
        index,
        SiteForm.ATTRIBUTE,
        Context.LOAD,
        Role.BASE,
        "x",
        "o",
        "o",
        "f",
        index + 1,
        0,
        index + 1,
        3,
        regions=regions,
        is_head=index in HEADS,
        double_checked=index == DOUBLE_CHECKED,
        rechecked=index == RECHECKED,
    )


SITES = tuple(map(site, range(COUNT)))


def access(
    actor: int,
    operation: Operation,
    place: int = 0,
    where: int = 4,
    commute: Commute = Commute.NONE,
    activation: int = 0,
) -> Access:
    """An access of attribute number `place`."""
    location = Location(FIRST_OBJECT + place, LocationKind.ATTRIBUTE, "x")
    return Access(actor, operation, location, where, f"o{place}.x", (), commute, activation)


class Oracle:
    """Every pair of record numbers that race, by full vector clocks and by comparing all accesses with all."""

    def __init__(self, trace: Sequence[Record]) -> None:
        self._clocks: dict[int, dict[int, int]] = {}
        self._syncs: dict[int, dict[int, int]] = {}
        self._published: dict[Location, dict[int, int]] = {}
        self._held: dict[int, int] = {}
        self._seen: list[tuple[int, Access, dict[int, int]]] = []
        for number, record in enumerate(trace):
            self._feed(number, record)
        self.pairs = {
            (first[0], second[0])
            for first, second in combinations(self._seen, 2)
            if _races(first[1], first[2], second[1], second[2])
        }

    def _feed(self, number: int, record: Record) -> None:
        clock = self._clocks.setdefault(record.actor, {}) if hasattr(record, "actor") else {}
        match record:
            case Access():
                self._access(number, record, clock)
            case Acquire():
                _raise(clock, self._syncs.get(record.sync, {}))
                if record.held:
                    self._held[record.sync] = record.actor
            case Release():
                clock[record.actor] = clock.get(record.actor, 0) + 1
                known = self._syncs.setdefault(record.sync, {})
                if not record.merge:
                    known.clear()
                _raise(known, clock)
                if record.held:
                    self._held.pop(record.sync, None)
            case Fork():
                self._clocks[record.child] = dict(clock)
            case Join():
                _raise(clock, self._clocks.get(record.child, {}))
            case _:
                pass

    def _access(self, number: int, record: Access, clock: dict[int, int]) -> None:
        if record.site == DOUBLE_CHECKED:
            _raise(clock, self._published.get(record.location, {}))
        clock[record.actor] = clock.get(record.actor, 0) + 1
        self._seen.append((number, record, dict(clock)))
        if record.site == RECHECKED and record.operation.mutates and record.actor in self._held.values():
            self._published[record.location] = dict(clock)


def oracle(trace: Sequence[Record]) -> set[tuple[int, int]]:
    """The racing pairs of a trace."""
    return Oracle(trace).pairs


def _raise(clock: dict[int, int], other: dict[int, int]) -> None:
    for actor, number in other.items():
        clock[actor] = max(clock.get(actor, 0), number)


def _races(first: Access, before: dict[int, int], second: Access, now: dict[int, int]) -> bool:
    if first.location != second.location or first.actor == second.actor or not conflict(first, second):
        return False
    return before[first.actor] > now.get(first.actor, 0)


class _Builder:
    """Draws the records of one trace. Locks are taken and freed as programs do, objects die and others come."""

    def __init__(self, draw: st.DrawFn, children: Sequence[int]) -> None:
        self.draw = draw
        self.children = children
        self.alive = [0, *children]
        self.objects = [FIRST_OBJECT, FIRST_OBJECT + 1]
        self.next_object = FIRST_OBJECT + 2
        self.holders: dict[int, int] = {}
        self.hot = draw(st.sampled_from(_PLACES))

    def record(self) -> Record | None:
        actor = self.draw(st.sampled_from(self.alive))
        choice = self.draw(st.integers(0, 19))
        if choice < 12:
            return self._access(actor)
        if choice < 14:
            return Acquire(actor, self.draw(st.sampled_from(SYNCS)))
        if choice < 15:
            return Release(actor, self.draw(st.sampled_from(SYNCS)), merge=self.draw(st.booleans()))
        if choice < 18:
            return self._lock(actor, self.draw(st.sampled_from(LOCKS)))
        if choice < 19:
            return Join(actor, self.draw(st.sampled_from(self.children)))
        return self._end(actor) if self.draw(st.booleans()) else self._retire()

    def _access(self, actor: int) -> Access:
        """Half of the accesses go to one hot place, many of them as parts of regions."""
        draw = self.draw
        if draw(st.booleans()):
            target, (kind, key, suffix) = self.objects[0], self.hot
        else:
            target, (kind, key, suffix) = draw(st.sampled_from(self.objects)), draw(st.sampled_from(_PLACES))
        where, operation = draw(st.integers(0, COUNT - 1)), draw(st.sampled_from(Operation))
        part = draw(st.integers(0, 3))
        if part == 0:
            where, operation = draw(st.sampled_from(HEADS)), draw(st.sampled_from([Operation.READ, Operation.ITERATE]))
        elif part == 1:
            where, operation = draw(st.sampled_from([*CLOSING])), draw(st.sampled_from(_MUTATING))
        by_key = operation.mutates and kind in (LocationKind.ITEM, LocationKind.STRUCTURE)
        commute = draw(st.sampled_from(_COMMUTES)) if by_key else Commute.NONE
        activation = draw(st.integers(1, ACTIVATIONS))
        location, variable = Location(target, kind, key), f"o{target}{suffix}"
        return Access(actor, operation, location, where, variable, (), commute, activation)

    def _lock(self, actor: int, lock: int) -> Record:
        holder = self.holders.get(lock)
        if holder is None:
            self.holders[lock] = actor
            return Acquire(actor, lock, held=True)
        del self.holders[lock]
        by = self.draw(st.sampled_from([holder, holder, holder, actor]))
        return Release(by, lock, held=True)

    def _end(self, actor: int) -> Record | None:
        if actor == 0 or actor in self.holders.values():
            return None
        self.alive.remove(actor)
        return End(actor)

    def _retire(self) -> Record:
        place = self.draw(st.integers(0, len(self.objects) - 1))
        gone, self.objects[place] = self.objects[place], self.next_object
        self.next_object += 1
        return Retire(gone)


@st.composite
def traces(draw: st.DrawFn, first_child: int = 1) -> list[Record]:
    """Traces of a few actors, forked in turn by actor 0: accesses of several kinds, regions, locks, deaths."""
    children = range(first_child, first_child + ACTORS - 1)
    trace: list[Record] = [Fork(0, child, f"t{child}") for child in children]
    builder = _Builder(draw, children)
    for _ in range(draw(st.integers(1, 40))):
        record = builder.record()
        if record is not None:
            trace.append(record)
    return trace
