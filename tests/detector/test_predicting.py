"""What is predicted can happen: compared with an oracle that goes through all runs that a short trace allows."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from raceway.detector.conflicts import conflict
from raceway.detector.detector import Detector
from raceway.detector.predicting import Predictor
from raceway.detector.teller import Teller
from raceway.model.kinds import LocationKind, Operation
from raceway.model.records import Access, Acquire, Fork, Join, Location, Record, Release
from raceway.model.sites import Context, Role, Site, SiteForm

MAIN, ACTORS = 1, (2, 3)
LOCKS, SYNC = (60, 61), 50
LONGEST = 13

_OPERATIONS = (Operation.READ, Operation.WRITE, Operation.READ_MODIFY_WRITE)


def _site(serial: int) -> Site:
    return Site(serial, SiteForm.ATTRIBUTE, Context.LOAD, Role.BASE, "x", "o", "o", "f", serial, 0, serial, 1)


def _augments(serial: int) -> bool:
    """Sites of augmented assignments are even."""
    return serial % 2 == 0


def _access(actor: int, operation: Operation, place: int, number: int) -> Access:
    site = 2 * number + (operation is not Operation.READ_MODIFY_WRITE)
    return Access(actor, operation, Location(100 + place, LocationKind.ATTRIBUTE, "x"), site, f"o{place}.x", ())


@st.composite
def traces(draw: st.DrawFn) -> list[Record]:
    """Two actors that main has started; each lock is had by one of them at a time. Accesses have sites of their own."""
    trace: list[Record] = [Fork(MAIN, actor, "") for actor in ACTORS]
    holders: dict[int, int] = {}
    for number in range(draw(st.integers(4, LONGEST))):
        actor, choice = draw(st.sampled_from(ACTORS)), draw(st.integers(0, 11))
        lock = draw(st.sampled_from(LOCKS))
        if choice < 6:
            trace.append(_access(actor, draw(st.sampled_from(_OPERATIONS)), draw(st.integers(0, 1)), number))
        elif choice == 11:
            trace.append(Acquire(actor, SYNC) if draw(st.booleans()) else Release(actor, SYNC, True))
        elif holders.get(lock) == actor:
            del holders[lock]
            trace.append(Release(actor, lock, held=True))
        elif lock not in holders:
            holders[lock] = actor
            trace.append(Acquire(actor, lock, held=True))
    trace += [Release(actor, lock, held=True) for lock, actor in holders.items()]
    return [*trace, *(Join(MAIN, actor) for actor in ACTORS)]


def predict(trace: list[Record], full: bool) -> set[tuple[int, int]]:
    """The pairs of sites that are predicted, in the order of the trace."""
    detector = Detector(_site)
    detector.teller = Teller(full, placed=True)
    predictor = Predictor(lambda _file, _line: False, _augments)
    for record in trace:
        detector.feed(record)
        predictor.feed(detector.teller.told())
    return {(race.earlier.access.site, race.later.access.site) for race in predictor.races()}


Value = tuple[int, frozenset[int]]
Memory = dict[Location, Value]


class _Runs:
    """All runs in which every actor does what it did in the trace, as far as it gets: locks exclude, nobody takes over
    what was not left, and who looks finds what it found."""

    def __init__(self, trace: list[Record]) -> None:
        self.steps = {actor: [one for one in trace if getattr(one, "actor", 0) == actor] for actor in ACTORS}
        self.found: dict[int, Value] = {}
        self.left: dict[int, set[int]] = {}
        memory: Memory = {}
        released: set[int] = set()
        for record in trace:
            if isinstance(record, Access):
                self.found[id(record)] = memory.get(record.location, (0, frozenset()))
                memory[record.location] = self.after(record, memory)
            elif isinstance(record, Release) and not record.held:
                released.add(id(record))
            elif isinstance(record, Acquire) and not record.held:
                self.left[id(record)] = set(released)

    @staticmethod
    def after(record: Access, memory: Memory) -> Value:
        """What is there then: the last write that replaced all, and what was added to that."""
        replaced, added = memory.get(record.location, (0, frozenset()))
        if not record.operation.mutates:
            return replaced, added
        return (replaced, added | {record.site}) if _augments(record.site) else (record.site, frozenset())

    def may(self, record: Record, done: set[int], held: set[int], memory: Memory) -> bool:
        """Whether the step can be made."""
        if isinstance(record, Acquire):
            return record.sync not in held if record.held else self.left[id(record)] <= done
        if not isinstance(record, Access) or record.operation is Operation.WRITE:
            return True
        replaced, added = memory.get(record.location, (0, frozenset()))
        before = self.found[id(record)]
        return replaced == before[0] and (_augments(record.site) or added == before[1])

    def pairs(self) -> Iterator[tuple[Access, Access]]:
        """The accesses that some run has next to each other."""
        seen: set[object] = set()
        waiting: list[tuple[tuple[int, ...], Memory]] = [((0,) * len(ACTORS), {})]
        while waiting:
            at, memory = waiting.pop()
            mark = at, frozenset(memory.items())
            if mark in seen:
                continue
            seen.add(mark)
            past = [record for actor, count in zip(ACTORS, at, strict=True) for record in self.steps[actor][:count]]
            done = {id(record) for record in past}
            held: set[int] = set()
            for record in past:  # an actor frees what it has taken
                if isinstance(record, (Acquire, Release)) and record.held:
                    held ^= {record.sync}
            following: list[Record | None] = [
                self.steps[actor][count] if count < len(self.steps[actor]) else None
                for actor, count in zip(ACTORS, at, strict=True)
            ]
            first, second = following
            if isinstance(first, Access) and isinstance(second, Access):
                yield first, second
            for index, step in enumerate(following):
                if step is not None and self.may(step, done, held, memory):
                    then = dict(memory)
                    if isinstance(step, Access):
                        then[step.location] = self.after(step, memory)
                    waiting.append((tuple(count + (place == index) for place, count in enumerate(at)), then))


def possible(trace: list[Record]) -> set[tuple[int, int]]:
    """The conflicting pairs of sites that some run has next to each other, in the order of the trace."""
    order = {record.site: number for number, record in enumerate(trace) if isinstance(record, Access)}
    found: set[tuple[int, int]] = set()
    for first, second in _Runs(trace).pairs():
        if first.location == second.location and conflict(first, second):
            one, other = sorted((first.site, second.site), key=order.__getitem__)
            found.add((one, other))
    return found


def _has_untold_stores(trace: list[Record]) -> bool:
    """Whether the first actor at some location stores there and then adds to it: the store is not told."""
    first: dict[Location, list[Access]] = {}
    for record in trace:
        if isinstance(record, Access):
            known = first.setdefault(record.location, [record])
            if known[0].actor == record.actor and known[-1].actor == record.actor:
                known.append(record)
    return any(
        one.operation is Operation.WRITE and other.operation is Operation.READ_MODIFY_WRITE
        for known in first.values()
        for number, one in enumerate(known)
        for other in known[number:]
    )


@settings(max_examples=300, deadline=None)
@given(traces(), st.booleans())
def test_what_is_predicted_can_happen(trace: list[Record], full: bool) -> None:
    assume(full or not _has_untold_stores(trace))
    assert predict(trace, full) <= possible(trace)


def _section(actor: int, *inside: Record) -> list[Record]:
    return [Acquire(actor, LOCKS[0], held=True), *inside, Release(actor, LOCKS[0], held=True)]


def _pair(first: list[Record], second: list[Record]) -> set[tuple[int, int]]:
    """Main starts two actors; one writes x and goes through a section, the other one reads x after its own."""
    trace = [*(Fork(MAIN, actor, "") for actor in ACTORS), _access(2, Operation.WRITE, 0, 1), *first, *second]
    return predict([*trace, _access(3, Operation.READ, 0, 2)], False)


def test_sections_that_came_one_after_the_other_by_luck_order_nothing() -> None:
    assert _pair(_section(2), _section(3)) == {(3, 5)}


def test_what_is_added_up_in_sections_orders_nothing() -> None:
    one, other = (_access(actor, Operation.READ_MODIFY_WRITE, 1, 4 + actor) for actor in ACTORS)
    assert _pair(_section(2, one), _section(3, other)) == {(3, 5)}


def test_who_reads_what_a_section_wrote_comes_after_it() -> None:
    one, other = _access(2, Operation.WRITE, 1, 6), _access(3, Operation.READ, 1, 7)
    assert _pair(_section(2, one), _section(3, other)) == set()
