"""The detector's rules one by one, on each core."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from raceway.detector.actors import LEARNED_LIMIT, Actor
from raceway.detector.clocks import QUARANTINE
from raceway.detector.detector import Detector
from raceway.model.kinds import ActorKind, Commute, Operation
from raceway.model.races import RawRace
from raceway.model.records import Access, Acquire, End, Fork, Join, Record, Release, Retire
from tests.detector.cores import REPLAYS
from tests.detector.traces import FLAG, MADE, POLLED, SITES, WAITING, access, site

Run = Callable[[Sequence[Record]], list[RawRace]]


@pytest.fixture
def run(core: str) -> Run:
    """Replays a trace on a core."""
    return lambda trace: REPLAYS[core](trace, SITES)


READ, WRITE = Operation.READ, Operation.WRITE
FORKS: list[Record] = [Fork(0, 1, "a"), Fork(0, 2, "b")]


def test_unordered_writes_race(run: Run) -> None:
    races = run([*FORKS, access(1, WRITE, where=5), access(2, WRITE, where=6)])
    assert [(race.earlier.access.site, race.later.access.site) for race in races] == [(5, 6)]


def test_reads_do_not_race(run: Run) -> None:
    assert run([*FORKS, access(1, READ), access(2, READ)]) == []


def test_fork_orders_what_the_parent_did_before(run: Run) -> None:
    assert run([access(0, WRITE), *FORKS, access(1, WRITE)]) == []


def test_fork_does_not_order_what_the_parent_does_after(run: Run) -> None:
    assert len(run([*FORKS, access(0, WRITE), access(1, WRITE)])) == 1


def test_join_orders_what_the_child_did(run: Run) -> None:
    assert run([*FORKS, access(1, WRITE), End(1), Join(0, 1), access(0, WRITE)]) == []


def test_release_orders_what_came_before_the_acquire(run: Run) -> None:
    assert run([*FORKS, access(1, WRITE), Release(1, 9), Acquire(2, 9), access(2, WRITE)]) == []


def test_release_does_not_order_what_comes_after_it(run: Run) -> None:
    assert len(run([*FORKS, Release(1, 9), access(1, WRITE), Acquire(2, 9), access(2, WRITE)])) == 1


def flag(actor: int, operation: Operation) -> Access:
    return access(actor, operation, place=1, where=FLAG)


def racing_places(races: Sequence[RawRace]) -> set[str]:
    """The variables that raced, the flag itself aside."""
    return {race.later.access.variable for race in races} - {flag(1, READ).variable}


def test_who_sees_a_flag_in_the_test_of_a_loop_comes_after_what_was_before_it(run: Run) -> None:
    waits: list[Record] = [flag(2, READ), access(1, WRITE), flag(1, WRITE), flag(2, READ)]
    assert racing_places(run([*FORKS, *waits, access(2, WRITE)])) == set()
    assert racing_places(run([*FORKS, *waits, access(1, WRITE, place=2), access(2, WRITE, place=2)])) != set()
    later: list[Record] = [access(1, WRITE), flag(1, WRITE), Release(1, 9), access(1, WRITE, place=2), flag(2, READ)]
    assert racing_places(run([*FORKS, *later, access(2, WRITE)])) == set()
    assert racing_places(run([*FORKS, *later, access(2, WRITE, place=2)])) != set()


def test_a_flag_tells_what_its_writer_knew_if_that_is_asked_for_or_has_released_nothing(run: Run) -> None:
    knows: list[Record] = [access(0, WRITE), Release(0, 9), Acquire(1, 9), flag(1, WRITE)]
    asks = flag(2, READ)
    assert racing_places(run([*FORKS, asks, *knows, Release(1, 8), asks, access(2, WRITE)])) == set()
    assert racing_places(run([*FORKS, *knows, flag(2, READ), access(2, WRITE)])) == set()
    assert racing_places(run([*FORKS, *knows, Release(1, 8), flag(2, READ), access(2, WRITE)])) != set()


def test_a_store_of_what_loops_poll_tells_what_its_writer_knew_once_several_have_been_there(run: Run) -> None:
    knows: list[Record] = [access(0, WRITE), Release(0, 9), Acquire(1, 9)]
    stored, waits = access(1, WRITE, place=1, where=POLLED), access(2, READ, place=1, where=WAITING)
    later: list[Record] = [Release(1, 8), waits, access(2, WRITE)]
    assert racing_places(run([*FORKS, access(0, WRITE, place=1), *knows, stored, stored, *later])) == set()
    assert racing_places(run([*FORKS, *knows, stored, *later])) != set()


def test_other_reads_and_other_stores_order_nothing(run: Run) -> None:
    read, stored = access(2, READ, place=1), access(1, WRITE, place=1)
    assert racing_places(run([*FORKS, access(1, WRITE), flag(1, WRITE), read, access(2, WRITE)])) != set()
    assert racing_places(run([*FORKS, access(1, WRITE), stored, flag(2, READ), access(2, WRITE)])) != set()


def test_a_loop_that_only_waits_comes_after_any_store_that_it_sees(run: Run) -> None:
    stored, waits = access(1, WRITE, place=1), access(2, READ, place=1, where=WAITING)
    assert racing_places(run([*FORKS, access(1, WRITE), stored, waits, access(2, WRITE)])) == set()


def test_what_is_made_is_no_repetition_for_what_is_stored_later(run: Run) -> None:
    made, stored = access(1, WRITE, where=MADE), access(1, WRITE)
    (race,) = run([*FORKS, made, stored, access(2, WRITE)])
    assert race.earlier.access.site == stored.site


def test_merging_release_keeps_earlier_ones(run: Run) -> None:
    trace = [
        *FORKS,
        access(1, WRITE),
        Release(1, 9, merge=True),
        Release(2, 9, merge=True),
        Acquire(0, 9),
        access(0, WRITE),
    ]
    assert run(trace) == []


def test_replacing_release_forgets_earlier_ones(run: Run) -> None:
    trace = [*FORKS, access(1, WRITE), Release(1, 9), Release(2, 9), Acquire(0, 9), access(0, WRITE)]
    assert len(run(trace)) == 1


def test_commuting_operations_do_not_race(run: Run) -> None:
    trace = [*FORKS, access(1, WRITE, commute=Commute.ADD), access(2, WRITE, commute=Commute.ADD)]
    assert run(trace) == []


def test_every_reader_is_remembered(run: Run) -> None:
    races = run([*FORKS, access(1, READ, where=5), access(2, READ, where=6), access(0, WRITE, where=7)])
    assert {race.earlier.access.site for race in races} == {5, 6}


def test_retired_objects_are_forgotten(run: Run) -> None:
    assert run([*FORKS, access(1, WRITE), Retire(100), access(2, WRITE)]) == []


def test_locks_held_are_told(run: Run) -> None:
    trace = [*FORKS, Acquire(1, 9, held=True), access(1, WRITE), Release(1, 9, held=True), access(2, WRITE)]
    (race,) = run(trace)
    assert (race.earlier.locks, race.later.locks) == ((9,), ())


def test_a_lock_freed_by_another_actor_is_no_longer_held(run: Run) -> None:
    trace = [*FORKS, Acquire(1, 9, held=True), Release(2, 9, held=True), access(1, WRITE), access(2, WRITE)]
    (race,) = run(trace)
    assert race.earlier.locks == ()


def _at(actor: int, operation: Operation, where: int, activation: int = 7) -> Access:
    return access(actor, operation, where=where, activation=activation)


def test_a_write_finds_the_read_it_depends_on_and_what_fell_between(run: Run) -> None:
    races = run([*FORKS, _at(1, READ, 0), _at(2, WRITE, 5), _at(1, WRITE, 2)])
    race = next(race for race in races if race.later.access.site == 2)
    assert race.later.head is not None
    assert race.later.head.site == 0
    assert race.observed


def test_a_read_of_another_activation_is_no_head(run: Run) -> None:
    races = run([*FORKS, _at(1, READ, 0, activation=1), _at(2, WRITE, 5), _at(1, WRITE, 2, activation=2)])
    race = next(race for race in races if race.later.access.site == 2)
    assert race.later.head is None


@pytest.mark.parametrize("more", [0, 1])
def test_who_has_ended_keeps_what_it_learned_or_its_clock_if_that_is_much(more: int) -> None:
    actor = Actor(0, {0: 1, 1: 7}, {}, "t", ActorKind.THREAD)
    learned = dict.fromkeys(range(2, 2 + LEARNED_LIMIT + more), 2)
    actor.clock.update(learned)
    actor.shrink()
    assert actor.clock == ({0: 1, 1: 7} | learned if more else {0: 1} | learned)


def test_clocks_stay_bounded_when_actors_come_and_go() -> None:
    detector = Detector(site)
    for child in range(1, 4 * QUARANTINE):
        for record in (Fork(0, child, "t", ActorKind.THREAD), Release(child, 9, True), Acquire(0, 9), End(child)):
            detector.feed(record)
    assert len(detector.actors[0].clock) <= QUARANTINE + 3
