"""Properties of the rules, on random traces: both cores find the same, and all that a naive oracle finds.

What the same-epoch rule drops may change which sites a race is told of: the first access that tells most stands for
its epoch until the location has raced. It never changes whether a location races.
"""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings

from raceway.detector.clocks import QUARANTINE
from raceway.model.kinds import Operation
from raceway.model.races import RawRace, Side
from raceway.model.records import Access, Acquire, End, Fork, Join, Location, Record, Release, Take
from tests.conftest import available_cores
from tests.detector.cores import keeps_heads, native, pure
from tests.detector.traces import BRINGS, HEADS, SITES, SPLIT, disturbed, oracle, traces

both_cores = pytest.mark.skipif("native" not in available_cores(), reason="there is no native core to compare with")


def told(race: RawRace) -> tuple[object, ...]:
    """What findings are made of. Counts differ: what a core looks at twice is its own business."""
    return (*map(_side, (race.earlier, race.later)), race.observed, race.one_loop)


def _side(side: Side) -> tuple[object, ...]:
    access = side.access
    head = None if side.head is None else side.head.site
    return access.site, access.operation, access.variable, access.commute, side.locks, side.region, head


def racy(races: list[RawRace]) -> set[Location]:
    """The locations that race."""
    return {race.later.access.location for race in races}


def is_split(race: RawRace) -> bool:
    """Whether a lock orders the two accesses, but not the region of the later one."""
    return race.later.access.site in (SPLIT, BRINGS) and bool({*race.earlier.locks} & {*race.later.locks})


def is_lucky(race: RawRace) -> bool:
    """Whether the earlier access was made under a lock, and the later one not under that."""
    return bool(race.earlier.locks) and not {*race.earlier.locks} & {*race.later.locks}


Pair = tuple[int, int, Operation, Operation, Location]


def looks(one: Access, other: Access) -> Pair:
    """What a pair of accesses looks like."""
    return one.site, other.site, one.operation, other.operation, one.location


def pairs(trace: list[Record], hands_over: bool = True) -> set[Pair]:
    """The pairs that the oracle finds."""
    accesses = {number: record for number, record in enumerate(trace) if isinstance(record, Access)}
    return {looks(accesses[first], accesses[second]) for first, second in oracle(trace, hands_over)}


@both_cores
@settings(max_examples=600, deadline=None)
@given(traces())
def test_both_cores_find_the_same(trace: list[Record]) -> None:
    assume(keeps_heads(trace, HEADS))
    assert list(map(told, native(trace, SITES))) == list(map(told, pure(trace, SITES)))


@both_cores
@settings(max_examples=20, deadline=None)
@given(traces(first_child=2 * QUARANTINE))
def test_both_cores_find_the_same_when_slots_are_used_again(trace: list[Record]) -> None:
    assume(keeps_heads(trace, HEADS))
    past: list[Record] = []
    for child in range(1, QUARANTINE + 8):
        past += [Fork(0, child, "t"), End(child), Join(0, child)]
    assert list(map(told, native(past + trace, SITES))) == list(map(told, pure(past + trace, SITES)))


@both_cores
@settings(max_examples=20, deadline=None)
@given(traces(first_child=2 * QUARANTINE))
def test_both_cores_find_the_same_after_threads_that_nobody_waited_for(trace: list[Record]) -> None:
    assume(keeps_heads(trace, HEADS))
    past: list[Record] = []
    for child in range(1, QUARANTINE + 8):
        past += [Fork(0, child, "t"), Acquire(child, 9), Release(child, 9, False), End(child)]
    past += [Join(0, child) for child in range(1, QUARANTINE, 7)]
    assert list(map(told, native(past + trace, SITES))) == list(map(told, pure(past + trace, SITES)))


@settings(max_examples=300, deadline=None)
@given(traces())
def test_agrees_with_the_oracle(trace: list[Record]) -> None:
    certain, possible = pairs(trace), pairs(trace, hands_over=False)
    lucky = pairs([record for record in trace if not (isinstance(record, Acquire | Release) and record.held)])
    owners = {record.owner for record in trace if isinstance(record, Take)}
    found = [race for race in pure(trace, SITES) if not race.one_loop]
    for race in found:
        if is_split(race):
            continue
        pair = looks(race.earlier.access, race.later.access)
        expected = possible if race.later.access.location.object in owners else certain
        assert pair in (expected | lucky if is_lucky(race) else expected)
    racing = {pair[-1] for pair in certain}
    assert racing <= racy(found)
    plain = [race for race in found if not (is_split(race) or is_lucky(race))]
    assert racy(plain) <= racing | {pair[-1] for pair in possible if pair[-1].object in owners}


@settings(max_examples=300, deadline=None)
@given(traces())
def test_what_is_dropped_as_a_repetition_changes_no_verdict(trace: list[Record]) -> None:
    assert racy(pure(trace, SITES)) == racy(pure(trace, SITES, elide=False))


@settings(max_examples=600, deadline=None)
@given(traces())
def test_what_fell_into_a_suspension_is_found(trace: list[Record]) -> None:
    found = {race.later.access.location for race in pure(trace, SITES) if race.one_loop}
    assert disturbed(trace) <= found
