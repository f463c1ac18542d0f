"""What one worker does in two jobs: both cores, and a naive oracle that walks the graph of all events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from raceway.detector.detector import Detector
from raceway.detector.jobs import ASKED, JOBS, is_due
from raceway.model.kinds import LocationKind, Operation
from raceway.model.records import POOL, Access, Acquire, Fork, Job, Record, Release
from tests.detector.cores import REPLAYS, Doubts, Replay, keeps_heads, native, native_doubts, pure, pure_doubts
from tests.detector.test_properties import both_cores, told
from tests.detector.traces import HEADS, LOCKS, SITES, SYNCS, access, traces

MAIN, WORKER = 0, 1
QUEUE, ITEM = 70, 71
READ, WRITE = Operation.READ, Operation.WRITE

Doubting = Callable[[Sequence[Record], Any], Doubts]
DOUBTING: dict[str, Doubting] = {"pure": pure_doubts, "native": native_doubts}


@pytest.fixture(params=list(DOUBTING))
def doubting(request: pytest.FixtureRequest) -> Doubting:
    """What is in doubt after a trace, on each core."""
    if request.param == "native":
        pytest.importorskip("raceway._native")
    return DOUBTING[request.param]


def jobs(*works: Sequence[Record], queue: int = QUEUE) -> list[Record]:
    """A worker that takes these jobs, whose items were put in before it was started."""
    trace: list[Record] = [Release(MAIN, ITEM), Fork(MAIN, WORKER, "w")]
    for work in works:
        trace += [Job(WORKER, queue), Acquire(WORKER, ITEM), *work]
    return trace


def under(lock: int, *work: Record) -> list[Record]:
    """The worker does this under a lock."""
    return [Acquire(WORKER, lock, True), *work, Release(WORKER, lock, False, True)]


@pytest.mark.parametrize("queue", [QUEUE, POOL])
def test_two_jobs_that_write_one_place_are_in_doubt(queue: int, doubting: Doubting) -> None:
    trace = jobs([access(WORKER, WRITE)], [access(WORKER, WRITE)], queue=queue)
    assert doubting(trace, SITES) == [(LocationKind.ATTRIBUTE, 0)]


def test_two_jobs_that_read_one_place_are_not(doubting: Doubting) -> None:
    assert doubting(jobs([access(WORKER, READ)], [access(WORKER, READ)]), SITES) == []


def test_what_the_worker_did_before_its_first_job_is_its_own(doubting: Doubting) -> None:
    trace = jobs([access(WORKER, READ)])
    assert doubting([*trace[:2], access(WORKER, WRITE), *trace[2:]], SITES) == []


def test_one_lock_orders_jobs(doubting: Doubting) -> None:
    work = under(LOCKS[0], access(WORKER, WRITE))
    assert doubting(jobs(work, work), SITES) == []


def test_two_locks_do_not(doubting: Doubting) -> None:
    works = [under(lock, access(WORKER, WRITE)) for lock in LOCKS]
    assert doubting(jobs(*works), SITES) == [(LocationKind.ATTRIBUTE, 0)]


def test_nor_two_jobs_that_are_done_under_one_lock(doubting: Doubting) -> None:
    trace = jobs([Acquire(WORKER, LOCKS[0], True), access(WORKER, WRITE)], [access(WORKER, WRITE)])
    assert doubting(trace, SITES) == []


def test_an_item_that_was_put_in_because_of_a_job_comes_after_it(doubting: Doubting) -> None:
    first: list[Record] = [access(WORKER, WRITE), Release(WORKER, SYNCS[0])]
    then: list[Record] = [Acquire(MAIN, SYNCS[0]), Release(MAIN, ITEM)]
    assert doubting(jobs([*first, *then], [access(WORKER, WRITE)]), SITES) == []


def test_items_of_another_queue_begin_no_job(doubting: Doubting) -> None:
    trace = jobs([access(WORKER, WRITE), Job(WORKER, ITEM), access(WORKER, WRITE)])
    assert doubting(trace, SITES) == []


def test_a_queue_that_a_job_of_a_pool_takes_from_begins_no_job(doubting: Doubting) -> None:
    works: list[Record] = [access(WORKER, WRITE), Job(WORKER, QUEUE), access(WORKER, WRITE)]
    assert doubting(jobs([], works, queue=POOL), SITES) == []


def test_doubts_are_judged_often_at_first_then_seldom_and_when_there_are_others() -> None:
    assert [taken for taken in range(100) if is_due(taken, False, 0)] == [*range(1, 10), 17, 33, 65]
    assert [taken for taken in range(100) if is_due(taken, True, 0)] == [*range(1, JOBS + 2)]
    assert [taken for taken in range(10, 100) if is_due(taken, True, ASKED)] == [17, 33, 65]


def test_after_so_many_jobs_they_are_one(doubting: Doubting) -> None:
    quiet: list[list[Record]] = [[] for _ in range(JOBS)]
    assert doubting(jobs([access(WORKER, WRITE)], *quiet, [access(WORKER, WRITE)]), SITES) == []


@pytest.mark.parametrize("replay", REPLAYS.values(), ids=REPLAYS)
def test_what_is_in_doubt_is_no_race(replay: Replay) -> None:
    assert replay(jobs([access(WORKER, WRITE)], [access(WORKER, WRITE)]), SITES) == []


@both_cores
@settings(max_examples=600, deadline=None)
@given(traces(jobs=True))
def test_both_cores_doubt_the_same(trace: list[Record]) -> None:
    assert native_doubts(trace, SITES) == pure_doubts(trace, SITES)


@both_cores
@settings(max_examples=300, deadline=None)
@given(traces(jobs=True))
def test_both_cores_find_the_same_races_beside(trace: list[Record]) -> None:
    assume(keeps_heads(trace, HEADS))
    assert list(map(told, native(trace, SITES))) == list(map(told, pure(trace, SITES)))


class Graph:
    """The events of a trace, and which come before which. From a worker's job to its next ones only what it releases
    leads, when it is acquired: what is left by the release number n is the event ~n."""

    def __init__(self, trace: Sequence[Record]) -> None:
        self.trace = trace
        self.job: list[int] = []
        self.held: list[frozenset[int]] = []
        self.before: dict[int, list[int]] = {}
        now: dict[int, int] = {}
        left: dict[int, list[int]] = {}
        for number, record in enumerate(trace):
            actor = getattr(record, "actor", MAIN)
            if isinstance(record, Job):
                now[actor] = now.get(actor, 0) + 1
            mine = [at for at in range(number) if getattr(trace[at], "actor", MAIN) == actor]
            self.job.append(now.get(actor, 0))
            self.held.append(self._held(mine))
            self.before[number] = [at for at in mine if self.job[at] in (0, self.job[number])]
            self.before[number] += [at for at in range(number) if self._forks(trace[at], actor)]
            if isinstance(record, Acquire):
                self.before[number] += [at for at in left.get(record.sync, []) if self._tells(~at, number)]
            if isinstance(record, Release):
                self.before[~number] = mine
                left[record.sync] = [*left.get(record.sync, []), ~number] if record.merge else [~number]

    def _tells(self, release: int, number: int) -> bool:
        """Whether a release tells who acquires now of more than what it did itself."""
        by, record = self.trace[release], self.trace[number]
        own = getattr(by, "actor", MAIN) == getattr(record, "actor", MAIN) and self.job[release] == self.job[number]
        return not (own and isinstance(record, Acquire) and record.held)

    def _held(self, events: Sequence[int]) -> frozenset[int]:
        """The locks that an actor has taken and not freed that has done this."""
        held = set[int]()
        for record in map(self.trace.__getitem__, events):
            if isinstance(record, Acquire) and record.held:
                held.add(record.sync)
            elif isinstance(record, Release):
                held.discard(record.sync)
        return frozenset(held)

    @staticmethod
    def _forks(record: Record, actor: int) -> bool:
        return isinstance(record, Fork) and record.child == actor

    def comes_before(self, first: int, second: int) -> bool:
        """Whether one event leads to the other."""
        todo, seen = [second], set[int]()
        while todo:
            for at in self.before[todo.pop()]:
                if at == first:
                    return True
                if at not in seen:
                    seen.add(at)
                    todo.append(at)
        return False

    def _goes_on(self, read: Access, second: int) -> bool:
        """Whether the job of the second event has come back to what was read: only the last access is kept."""
        return any(
            isinstance(one, Access) and (one.actor, one.location, job) == (read.actor, read.location, self.job[second])
            for one, job in zip(self.trace[:second], self.job, strict=False)
        )

    def doubtful(self) -> set[int]:
        """The objects that two jobs of one worker race for."""
        found: set[int] = set()
        for second, later in enumerate(self.trace):
            for first, earlier in enumerate(self.trace[:second]):
                if (
                    isinstance(later, Access)
                    and isinstance(earlier, Access)
                    and earlier.actor == later.actor
                    and earlier.location == later.location
                    and WRITE in (earlier.operation, later.operation)
                    and 0 < self.job[first] < self.job[second]
                    and (earlier.operation is WRITE or not self._goes_on(earlier, second))
                    and not self.held[first] & self.held[second]
                    and not self.comes_before(first, second)
                ):
                    found.add(later.location.object)
        return found


@st.composite
def works(draw: st.DrawFn, over: bool = False) -> list[Record]:
    """A worker that takes jobs, some of which use locks, put in by main, who now and then waits for it. `over`: it may
    hold one from a job to the next."""
    trace: list[Record] = [Fork(MAIN, WORKER, "w")]
    held: int | None = None
    for _ in range(draw(st.integers(1, 30))):
        match draw(st.integers(0, 7)):
            case 0 if over or held is None:
                trace += [Release(MAIN, ITEM, False), Job(WORKER, QUEUE), Acquire(WORKER, ITEM)]
            case 1:
                if held is None:
                    held = draw(st.sampled_from(LOCKS))
                    trace.append(Acquire(WORKER, held, True))
                else:
                    trace.append(Release(WORKER, held, False, True))
                    held = None
            case 2:
                actor, sync = draw(st.sampled_from([(WORKER, SYNCS[0]), (MAIN, SYNCS[1])]))
                trace.append(Release(actor, sync))
            case 3:
                actor, sync = draw(st.sampled_from([(MAIN, SYNCS[0]), (WORKER, SYNCS[1])]))
                trace.append(Acquire(actor, sync))
            case _:
                operation, place = draw(st.sampled_from([READ, WRITE])), draw(st.integers(0, 1))
                trace.append(access(WORKER, operation, place))
    return trace


@settings(max_examples=300, deadline=None)
@given(works())
def test_agrees_with_a_walk_over_all_events(trace: list[Record]) -> None:
    detector = Detector(SITES.__getitem__)
    for record in trace:
        detector.feed(record)
    assert {row[1][0] for row in detector.races.doubts(WORKER)} == Graph(trace).doubtful()


@settings(max_examples=300, deadline=None)
@given(works(over=True))
def test_invents_nothing_where_a_lock_is_held_from_job_to_job(trace: list[Record]) -> None:
    detector = Detector(SITES.__getitem__)
    for record in trace:
        detector.feed(record)
    assert {row[1][0] for row in detector.races.doubts(WORKER)} <= Graph(trace).doubtful()


@both_cores
@settings(max_examples=300, deadline=None)
@given(works(over=True))
def test_both_cores_doubt_the_same_of_one_worker(trace: list[Record]) -> None:
    assert native_doubts(trace, SITES) == pure_doubts(trace, SITES)
