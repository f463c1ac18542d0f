"""Order by the luck of a lock, on traces of sections and of accesses outside: both cores find the same."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from raceway.model.kinds import Commute, Operation
from raceway.model.records import Acquire, Fork, Join, Record, Release
from tests.detector.cores import native, pure
from tests.detector.test_properties import both_cores, is_lucky, looks, pairs, told
from tests.detector.test_splits import OTHER, PLAIN, Step, made, section
from tests.detector.traces import LOCKS, SITES, SYNCS

ACTORS = (0, 1, 2, 3)
FORKS: list[Record] = [Fork(0, child, "t") for child in ACTORS[1:]]
UPDATE: Step = (Operation.READ_MODIFY_WRITE, 0, PLAIN)
ELSEWHERE: Step = (Operation.WRITE, 1, OTHER)
ASK: Step = (Operation.READ, 1, PLAIN)
STEPS: tuple[Step, ...] = (
    UPDATE,
    (Operation.WRITE, 0, PLAIN),
    (Operation.READ, 0, PLAIN),
    (Operation.READ_MODIFY_WRITE, 0, OTHER),
    (Operation.STRUCTURAL_CHANGE, 2, PLAIN, Commute.APPEND),
    (Operation.STRUCTURAL_CHANGE, 2, OTHER),
    (Operation.DELETE, 2, OTHER), (Operation.DELETE, 2, PLAIN, Commute.APPEND), (Operation.READ, 2, PLAIN),
    ELSEWHERE,
    ASK,
)


@st.composite
def turns(draw: st.DrawFn) -> list[Record]:
    """Actors that access a few places, mostly under a lock."""
    trace = [*FORKS]
    alive = list(ACTORS)
    for _ in range(draw(st.integers(3, 14))):
        actor = draw(st.sampled_from(alive))
        steps: list[Step] = draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=2))
        choice = draw(st.integers(0, 9))
        if choice < 6:
            trace += section(actor, LOCKS[0] if choice else LOCKS[1], steps)
        elif choice < 9:
            trace += [made(actor, *step) for step in steps]
        elif draw(st.booleans()):
            sync = SYNCS[0]
            trace.append(Release(actor, sync) if draw(st.booleans()) else Acquire(actor, sync))
        else:
            over = draw(st.sampled_from(ACTORS[1:]))
            trace.append(Join(0, over))
            alive = [one for one in alive if one != over]
    return trace


RACY_AGAIN: list[Record] = [
    *FORKS,
    made(1, Operation.WRITE, 0, PLAIN),
    made(2, Operation.READ, 0, PLAIN),
    *section(1, LOCKS[0], [UPDATE]),
    made(1, *UPDATE),
    *section(1, LOCKS[0], [UPDATE]),
    made(2, Operation.WRITE, 0, PLAIN),
]
"""A place that races, and an epoch that goes on after its actor was there without the lock."""


@both_cores
@settings(max_examples=400, deadline=None)
@given(turns())
@example(RACY_AGAIN)
def test_both_cores_find_the_same(trace: list[Record]) -> None:
    assert [told(race) for race in native(trace, SITES)] == [told(race) for race in pure(trace, SITES)]


@settings(max_examples=400, deadline=None)
@given(turns())
def test_only_locks_order_what_is_found(trace: list[Record]) -> None:
    unlocked = [record for record in trace if not (isinstance(record, Acquire | Release) and record.held)]
    possible = pairs(unlocked)
    for race in pure(trace, SITES):
        assert looks(race.earlier.access, race.later.access) in possible


def found(*parts: list[Record]) -> int:
    """How many races each core finds."""
    trace = [*FORKS, *(record for part in parts for record in part)]
    races = list(pure(trace, SITES))
    assert all(is_lucky(race) for race in races)
    return len(races)


def under(actor: int, *steps: Step) -> list[Record]:
    return section(actor, LOCKS[0], list(steps))


def without(actor: int, *steps: Step) -> list[Record]:
    return [made(actor, *step) for step in steps]


def test_who_takes_the_lock_elsewhere_and_not_here_races() -> None:
    assert found(under(1, UPDATE), under(2, UPDATE), without(2, UPDATE)) == 1


def test_a_read_without_the_lock_does_too() -> None:
    assert found(under(1, UPDATE), under(2, UPDATE), without(2, (Operation.READ, 0, PLAIN))) == 1


def test_who_never_takes_it_there_may_have_the_place_to_itself() -> None:
    assert found(under(1, UPDATE), under(2, ELSEWHERE), without(2, UPDATE)) == 0


def test_who_holds_another_lock_races() -> None:
    assert found(under(1, UPDATE), under(2, UPDATE), section(2, LOCKS[1], [UPDATE])) == 1


def test_who_has_been_told_something_by_the_other_one_may_know() -> None:
    assert found(under(1, UPDATE, ELSEWHERE), under(2, UPDATE, ASK), without(2, UPDATE)) == 0


def test_who_has_been_told_something_by_a_third_one_may_know() -> None:
    assert found(under(1, UPDATE), under(3, ELSEWHERE), under(2, UPDATE, ASK), without(2, UPDATE)) == 0


def test_who_has_waited_for_the_other_one_knows() -> None:
    released: list[Record] = [Release(1, SYNCS[0])]
    acquired: list[Record] = [Acquire(2, SYNCS[0])]
    assert found(under(1, UPDATE), released, acquired, under(2, UPDATE), without(2, UPDATE)) == 0


def test_who_has_claimed_something_may_have_it_all() -> None:
    taking: Step = (Operation.DELETE, 2, OTHER)
    assert found(under(1, UPDATE), under(2, taking), under(2, UPDATE), without(2, UPDATE)) == 0
