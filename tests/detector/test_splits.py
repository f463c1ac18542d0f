"""Critical sections that are split, on traces that are made of sections: both cores find the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from raceway.model.kinds import Commute, Operation
from raceway.model.records import Acquire, Fork, Join, Record, Release
from tests.detector.cores import native, pure
from tests.detector.test_properties import both_cores, is_split, told
from tests.detector.traces import BRINGS, HEADS, LOCKS, SITES, SPLIT, STACK, access

ACTORS = (0, 1, 2)
PLAIN, OTHER = 4, 5
TESTED, MARKED = HEADS[1], 7

Step = tuple[Operation, int, int] | tuple[Operation, int, int, Commute]
READ, WRITE = (Operation.READ, 0, HEADS[0]), (Operation.WRITE, 0, SPLIT)
TAKE, GIVE = (Operation.DELETE, 0, SPLIT, Commute.APPEND), (Operation.STRUCTURAL_CHANGE, 0, OTHER, Commute.APPEND)
GIVE_ELSEWHERE = (Operation.STRUCTURAL_CHANGE, 1, PLAIN, Commute.APPEND)
FILL = (Operation.READ_MODIFY_WRITE, 0, PLAIN)
BRING = (Operation.WRITE, 0, BRINGS)
STEPS: tuple[Step, ...] = (
    READ,
    WRITE,
    (Operation.WRITE, 0, PLAIN),
    (Operation.READ_MODIFY_WRITE, 0, SPLIT),
    (Operation.READ, 1, PLAIN),
    (Operation.WRITE, 1, PLAIN),
    (Operation.WRITE, 1, OTHER),
    (Operation.READ, 2, OTHER),
    (Operation.STRUCTURAL_CHANGE, 3, OTHER),
    (Operation.READ, 1, TESTED),
    (Operation.WRITE, 1, MARKED),
    GIVE,
    GIVE_ELSEWHERE,
    FILL,
    BRING,
)
"""Operation, place and site, and the class that it commutes with: the first two are the ends of a region."""


def made(actor: int, operation: Operation, place: int, where: int, commute: Commute = Commute.NONE) -> Record:
    """A step of an actor."""
    return access(actor, operation, place, where, commute, activation=1)


def section(actor: int, lock: int, steps: list[Step]) -> list[Record]:
    """What an actor does under a lock."""
    inside = [made(actor, *step) for step in steps]
    return [Acquire(actor, lock, True, 0, STACK), *inside, Release(actor, lock, False, True)]


@st.composite
def split_sections(draw: st.DrawFn, outer: bool = True) -> list[Record]:
    """Actors that take turns at one lock, in sections of a step or two; `outer`: some of them within another lock."""
    trace: list[Record] = [Fork(0, child, "t") for child in ACTORS[1:]]
    alive = list(ACTORS)
    for _ in range(draw(st.integers(3, 12))):
        actor = draw(st.sampled_from(alive))
        region = draw(st.booleans())
        first: list[Step] = draw(st.sampled_from([[READ], [FILL, READ]]))
        last: list[Step] = draw(st.sampled_from([[WRITE], [TAKE], [TAKE, GIVE], [BRING]]))
        parts = [first, last] if region else [draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=2))]
        records = [record for part in parts for record in section(actor, LOCKS[0], part)]
        if outer and draw(st.integers(0, 5)) == 0:
            records = [Acquire(actor, LOCKS[1], True, 0, STACK), *records, Release(actor, LOCKS[1], False, True)]
        trace += records
        if draw(st.integers(0, 9)) == 0:
            over = draw(st.sampled_from(ACTORS[1:]))
            trace.append(Join(0, over))
            alive = [one for one in alive if one != over]
    return trace


def splits(trace: list[Record], elide: bool = True) -> list[bool]:
    """Whether the harm was seen, of each race."""
    return [race.observed for race in pure(trace, SITES, elide)]


@both_cores
@settings(max_examples=300, deadline=None)
@given(split_sections())
def test_both_cores_find_the_same(trace: list[Record]) -> None:
    assert list(map(told, native(trace, SITES))) == list(map(told, pure(trace, SITES)))


@settings(max_examples=100, deadline=None)
@given(split_sections(outer=False))
def test_repetitions_tell_nothing_more(trace: list[Record]) -> None:
    """Of repeated writes the first counts, with the locks that it was made under."""
    assert bool(splits(trace, elide=False)) == bool(splits(trace))


@settings(max_examples=100, deadline=None)
@given(split_sections())
def test_under_one_lock_nothing_else_is_found(trace: list[Record]) -> None:
    assert all(is_split(race) for race in pure(trace, SITES))


def region(actor: int) -> list[Record]:
    """A region in two sections."""
    return [*section(actor, LOCKS[0], [READ]), *section(actor, LOCKS[0], [WRITE])]


FORKS: list[Record] = [Fork(0, 1, "a"), Fork(0, 2, "b")]


def test_who_wrote_before_may_write_in_between() -> None:
    assert splits([*FORKS, *region(1), *region(2)]) == [False]


def test_who_wrote_in_between_was_seen() -> None:
    read, write = section(1, LOCKS[0], [READ]), section(1, LOCKS[0], [WRITE])
    assert splits([*FORKS, *read, *region(2), *write]) == [True]


def test_who_was_waited_for_does_not_come_again() -> None:
    assert splits([*FORKS, *region(1), Join(2, 1), *region(2)]) == []


def test_an_outer_lock_keeps_others_away() -> None:
    around = [Acquire(2, LOCKS[1], True, 0, STACK), *region(2), Release(2, LOCKS[1], False, True)]
    others = [Acquire(1, LOCKS[1], True, 0, STACK), *region(1), Release(1, LOCKS[1], False, True)]
    assert splits([*FORKS, *others, *around]) == []
    assert splits([*FORKS, *region(1), *around]) == [False]


def test_who_has_claimed_something_under_the_lock_may_have_made_it_its_own() -> None:
    takes = section(2, LOCKS[0], [(Operation.STRUCTURAL_CHANGE, 1, PLAIN)])
    marks = section(2, LOCKS[0], [(Operation.READ, 1, TESTED), (Operation.WRITE, 1, MARKED)])
    writes = section(2, LOCKS[0], [(Operation.WRITE, 1, PLAIN)])
    assert splits([*FORKS, *region(1), *takes, *region(2)]) == []
    assert splits([*FORKS, *region(1), *marks, *region(2)]) == []
    assert splits([*FORKS, *region(1), *writes, *region(2)]) == [False]


def test_who_has_read_what_the_other_one_wrote_last_may_have_been_told() -> None:
    passes = section(1, LOCKS[0], [(Operation.WRITE, 1, PLAIN)])
    asks = section(2, LOCKS[0], [(Operation.READ, 1, PLAIN)])
    assert splits([*FORKS, *region(1), *passes, *asks, *region(2)]) == []
    assert splits([*FORKS, *passes, *region(1), *asks, *region(2)]) == [False]


def test_who_writes_later_may_write_in_between() -> None:
    assert splits([*FORKS, *region(1), *section(2, LOCKS[0], [(Operation.WRITE, 0, PLAIN)])]) == [False]
    assert splits([*FORKS, *region(1), Join(2, 1), *section(2, LOCKS[0], [(Operation.WRITE, 0, PLAIN)])]) == []
    assert splits([*FORKS, *region(1), *section(2, LOCKS[1], [(Operation.READ, 1, PLAIN)])]) == []


def test_who_writes_later_and_was_told_of_the_end_of_the_region_does_not_come_before() -> None:
    passes = section(1, LOCKS[0], [(Operation.WRITE, 1, PLAIN)])
    later = section(2, LOCKS[0], [(Operation.READ, 1, PLAIN), (Operation.WRITE, 0, PLAIN)])
    assert splits([*FORKS, *region(1), *passes, *later]) == []
    assert splits([*FORKS, *passes, *region(1), *later]) == [False]


def taking(actor: int) -> list[Record]:
    """A test for something in one section, and the taking in another one."""
    return [*section(actor, LOCKS[0], [READ]), *section(actor, LOCKS[0], [TAKE])]


def filling(actor: int) -> list[Record]:
    """A region whose first section writes the place, too."""
    return [*section(actor, LOCKS[0], [FILL, READ]), *section(actor, LOCKS[0], [WRITE])]


def test_a_write_of_ones_own_does_not_hide_that_others_write() -> None:
    assert splits([*FORKS, *filling(1), *filling(2)]) == [False, False]  # who fills up writes in between, too
    assert splits([*FORKS, *section(1, LOCKS[0], [FILL]), *filling(2)]) == []
    passes = section(1, LOCKS[0], [(Operation.WRITE, 1, PLAIN)])
    asks = section(2, LOCKS[0], [(Operation.READ, 1, PLAIN)])
    assert splits([*FORKS, *region(1), *passes, *section(2, LOCKS[0], [FILL]), *asks, *region(2)]) == [False]


def test_what_was_put_back_tells_nothing_of_whose_turn_it_is() -> None:
    back, elsewhere = section(1, LOCKS[0], [GIVE]), section(1, LOCKS[0], [GIVE_ELSEWHERE])
    asks = section(2, LOCKS[0], [(Operation.READ, 1, PLAIN)])
    assert splits([*FORKS, *taking(1), *back, *taking(2)]) == [False]
    assert splits([*FORKS, *taking(1), *back, *elsewhere, *asks, *taking(2)]) == []


def test_what_goes_back_in_the_same_section_is_never_missing() -> None:
    turns = [*section(1, LOCKS[0], [READ]), *section(1, LOCKS[0], [TAKE, GIVE])]
    assert splits([*FORKS, *turns, *taking(2)]) == []


def bringing(actor: int) -> list[Record]:
    """A place is asked for and taken, in two sections."""
    return [*section(actor, LOCKS[0], [READ]), *section(actor, LOCKS[0], [BRING])]


def test_who_asks_for_a_place_may_find_it_empty_too() -> None:
    asks = section(2, LOCKS[0], [READ])
    assert splits([*FORKS, *bringing(1), *asks]) == [False]
    assert splits([*FORKS, *bringing(1), Join(2, 1), *asks]) == []
    assert not any(map(is_split, pure([*FORKS, *bringing(1), *section(2, LOCKS[1], [READ])], SITES)))
    assert splits([*FORKS, *bringing(1), *section(2, LOCKS[0], [(Operation.READ, 0, PLAIN)])]) == []


def test_who_has_read_what_came_after_asks_in_turn() -> None:
    passes, sees = (
        section(1, LOCKS[0], [(Operation.WRITE, 1, OTHER)]),
        section(2, LOCKS[0], [(Operation.READ, 1, PLAIN)]),
    )
    asks = section(2, LOCKS[0], [READ])
    assert splits([*FORKS, *bringing(1), *passes, *sees, *asks]) == []
    assert splits([*FORKS, *passes, *bringing(1), *sees, *asks]) == [False]


def test_a_place_is_taken_from_nobody_by_who_stores_something_else_there() -> None:
    clears = section(1, LOCKS[0], [(Operation.WRITE, 0, PLAIN)])
    assert splits([*FORKS, *clears, *bringing(2)]) == []
    assert splits([*FORKS, *bringing(1), *section(2, LOCKS[0], [(Operation.WRITE, 0, PLAIN)])]) == []


def test_who_took_the_place_in_between_was_seen() -> None:
    asks, takes = section(1, LOCKS[0], [READ]), section(1, LOCKS[0], [BRING])
    assert splits([*FORKS, *asks, *bringing(2), *takes]) == [True]
