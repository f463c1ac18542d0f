"""Traces for detector tests: made by hand or by hypothesis, with a naive oracle that keeps every access for ever."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from hypothesis import strategies as st

from raceway.detector.conflicts import conflict
from raceway.detector.pauses import PAUSES
from raceway.detector.tasks import WAKERS
from raceway.model.kinds import ActorKind, Commute, LocationKind, Operation, RegionKind
from raceway.model.records import (
    WHOLE,
    Access,
    Acquire,
    Done,
    End,
    Fork,
    Give,
    Job,
    Join,
    Location,
    Record,
    Release,
    Retire,
    Spawn,
    Suspend,
    Take,
    Wake,
)
from raceway.model.sites import Context, Region, Role, Site, SiteForm

ACTORS = 4
ACTIVATIONS = 2
HEADS = (0, 1)
CLOSING = {2: (0,), 3: (1, 0), 6: (0,), 7: (1, 0), 16: (0,)}
"""Sites that close regions: the sites of the reads they depend on; the newest counts, of equals the first."""
AWAITING = {6: RegionKind.VALUE, 7: RegionKind.TEST}
"""Of these, the ones whose regions have an await inside."""
SPLIT = 2
"""Of these, the one whose lock may be let go of inside."""
WALK = 8
"""A site that walks over a container and has an await between its steps."""
DOUBLE_CHECKED, RECHECKED = 10, 11
MADE = 12
"""A site whose object is still being made."""
COUNT = 13
"""So many are drawn."""
FLAG, WAITING, POLLED = 13, 14, 15
"""Sites that ask for a flag in the test of a loop, or store one; the loop of the second only waits. The third stores
what another loop polls."""
BRINGS = 16
"""A site that stores what was there before the test it depends on, with its lock let go of inside."""

TASKS = (30, 31, 32)
SYNCS, LOCKS = (50, 51), (60, 61)
FIRST_OBJECT = 100

STACK = (((lambda: None).__code__, 0),)
"""Where locks are taken that are waited for without limit."""

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
    brings, awaits = index == BRINGS, index in AWAITING
    kind = RegionKind.TEST if brings else AWAITING.get(index, RegionKind.VALUE)
    splits = brings or index == SPLIT
    heads = enumerate(CLOSING.get(index, ()))
    regions = tuple(
        Region(head, kind, True, awaits, splits, True, instead=place > 0, brings=brings) for place, head in heads
    )
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
        flag=index in (FLAG, WAITING),
        made=index == MADE,
        waits=index == WAITING,
        polled=index == POLLED,
        suspends=index == WALK,
        opens=index in HEADS,
        switches=index in HEADS,
    )


SITES = tuple(map(site, range(BRINGS + 1)))


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
    """Every pair of record numbers that race, by full vector clocks and by comparing all accesses with all.

    Without `hands_over` what is taken out of a container orders nothing.
    """

    def __init__(self, trace: Sequence[Record], hands_over: bool = True) -> None:
        self._hands_over = hands_over
        self._clocks: dict[int, dict[int, int]] = {}
        self._syncs: dict[int, dict[int, int]] = {}
        self._published: dict[Location, dict[int, int]] = {}
        self._held: dict[int, int] = {}
        self._signals: set[int] = set()
        self._releasers: dict[int, int] = {}
        self._heard: set[int] = set()
        self._going_on: dict[int, int] = {}
        self._pauses: dict[int, list[tuple[int, int]]] = {}
        self._tasked: set[int] = set()
        self._epochs: dict[int, int] = {}
        self._ends: dict[tuple[int, int], int] = {}
        self._written: dict[Location, list[tuple[int, int, int]]] = {}
        self._seen: list[tuple[int, Access, dict[int, int]]] = []
        for number, record in enumerate(trace):
            if getattr(record, "task", 0) and hasattr(record, "actor"):
                self._tasked.add(record.actor)
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
                self._acquire(record, clock)
                if record.held:
                    self._held[record.sync] = record.actor
            case Give():
                self._end_epoch(record.actor)
            case Take() if self._hands_over:
                self._take(record, clock)
            case Release():
                clock[record.actor] = clock.get(record.actor, 0) + 1
                known = self._syncs.setdefault(record.sync, {})
                if not record.merge:
                    known.clear()
                _raise(known, clock)
                releaser = self._releasers.get(record.sync)
                self._releasers[record.sync] = -1 if record.merge and releaser != record.actor else record.actor
                self._heard.discard(record.sync)
                self._going_on.pop(record.sync, None)
                self._pause(record)
            case Fork():
                self._clocks[record.child] = dict(clock)
                self._end_epoch(record.actor)
            case Join():
                _raise(clock, self._clocks.get(record.child, {}))
                self._end_epoch(record.child)
            case Retire():
                self._written = {where: made for where, made in self._written.items() if where.object != record.object}
            case _:
                pass

    def _acquire(self, record: Acquire, clock: dict[int, int]) -> None:
        by = self._going_on.get(record.sync, record.actor)
        if by != record.actor:
            _raise(clock, self._clocks[by])
            self._end_epoch(by)
        elif record.held and self._goes_on(record.actor, record.sync):
            self._syncs[record.sync] = {}
            self._going_on[record.sync] = record.actor
        else:
            _raise(clock, self._syncs.get(record.sync, {}))
            if self._releasers.get(record.sync) != record.actor:
                self._heard.add(record.sync)

    def _pause(self, record: Release) -> None:
        """An epoch ends; it may go on when that was the release of a lock by its holder."""
        actor, lock = record.actor, record.sync
        if record.held and self._held.pop(lock, None) != actor:
            self._signals.add(lock)
        pauses, epoch = self._pauses.get(actor, []), self._epochs.get(actor, 0)
        if len(pauses) == PAUSES or (pauses and pauses[-1][1] + 1 != epoch):
            pauses = []
        self._end_epoch(actor)
        if record.held and lock not in self._signals and actor not in self._tasked:
            self._pauses[actor] = [*pauses, (lock, epoch)]

    def _goes_on(self, actor: int, lock: int) -> bool:
        pauses, epoch = self._pauses.get(actor, []), self._epochs.get(actor, 0)
        if self._releasers.get(lock) != actor or lock in self._heard or actor in self._tasked:
            return False
        if not pauses or pauses[-1] != (lock, epoch - 1):
            return False
        pauses.pop()
        self._epochs[actor] = epoch - 1
        del self._ends[actor, epoch - 1]
        for made in self._written.values():
            made[:] = [(by, number, min(of, epoch - 1) if by == actor else of) for by, number, of in made]
        return True

    def _end_epoch(self, actor: int) -> None:
        """What the actor does from here on is told apart from what it did before."""
        self._pauses.pop(actor, None)
        epoch = self._epochs.get(actor, 0)
        self._epochs[actor] = epoch + 1
        self._ends[actor, epoch] = self._clocks.get(actor, {}).get(actor, 0)

    def _take(self, record: Take, clock: dict[int, int]) -> None:
        """The taker happens after the writes of others here, with the rest of their epochs as far as that is."""
        for actor, number, epoch in self._written.get(record.location, ()):
            if actor == record.actor or number <= clock.get(actor, 0):
                continue
            self._pauses.pop(actor, None)
            if epoch == self._epochs.get(actor, 0):
                self._end_epoch(actor)
            known = dict(self._clocks[actor])
            known[actor] = self._ends[actor, epoch]
            _raise(clock, known)

    def _access(self, number: int, record: Access, clock: dict[int, int]) -> None:
        if record.site == DOUBLE_CHECKED:
            _raise(clock, self._published.get(record.location, {}))
        clock[record.actor] = clock.get(record.actor, 0) + 1
        self._seen.append((number, record, dict(clock)))
        if record.operation.mutates:
            written = self._written.setdefault(record.location, [])
            written.append((record.actor, clock[record.actor], self._epochs.get(record.actor, 0)))
        if record.site == RECHECKED and record.operation.mutates and record.actor in self._held.values():
            self._published[record.location] = dict(clock)
            self._end_epoch(record.actor)


def disturbed(trace: Sequence[Record]) -> set[Location]:
    """The locations that the last write before a task's dependent write made stale while the task was suspended, by
    the order of the trace alone. All tasks are made before anything is read: none has asked for what others do."""
    found: set[Location] = set()
    turns: dict[int, int] = {}
    looping = {record.actor for record in trace if isinstance(record, Access) and record.task}
    green = {record.task for record in trace if isinstance(record, Spawn) and record.kind is ActorKind.GREENLET}
    heads: dict[tuple[int, int, int, Location], tuple[int, int]] = {}
    writes: dict[Location, tuple[int, Access]] = {}
    wakes: dict[int, list[tuple[int, int]]] = {}
    for number, record in enumerate(trace):
        match record:
            case Suspend():
                turns[record.task] = turns.get(record.task, 0) + 1
            case Wake():
                wakes.setdefault(record.task, []).append((number, record.by))
            case Access() if record.actor in looping:
                turn, where = turns.get(record.task, 0), (record.activation, record.location)
                if (
                    record.task
                    and record.site in HEADS
                    and not record.operation.mutates
                    and record.location.key != WHOLE
                ):
                    heads[record.task, record.site, *where] = (number, turn)
                if not record.operation.mutates:
                    continue
                last, other = writes.get(record.location, (0, record))
                writes[record.location] = (number, record)
                opened = [(record.task, site, *where) for site in CLOSING.get(record.site, ())]
                head, before = max((heads[place] for place in opened if place in heads), default=(0, turn))
                closing = CLOSING if record.task in green else AWAITING
                if record.site not in closing or before == turn or last < head or other.task in (0, record.task):
                    continue
                told = any(last < at and by == other.task for at, by in wakes.get(record.task, [])[-WAKERS:])
                if conflict(other, record) and not (told and AWAITING.get(record.site) is RegionKind.TEST):
                    found.add(record.location)
            case _:
                pass
    return found


def oracle(trace: Sequence[Record], hands_over: bool = True) -> set[tuple[int, int]]:
    """The racing pairs of a trace."""
    return Oracle(trace, hands_over).pairs


def _raise(clock: dict[int, int], other: dict[int, int]) -> None:
    for actor, number in other.items():
        clock[actor] = max(clock.get(actor, 0), number)


def _races(first: Access, before: dict[int, int], second: Access, now: dict[int, int]) -> bool:
    if first.location != second.location or first.actor == second.actor or not conflict(first, second):
        return False
    return before[first.actor] > now.get(first.actor, 0)


class _Builder:
    """Draws the records of one trace. Locks are taken and freed as programs do, objects die and others come."""

    def __init__(self, draw: st.DrawFn, children: Sequence[int], jobs: bool) -> None:
        self.draw = draw
        self.children = children
        self.alive = [0, *children]
        self.objects = [FIRST_OBJECT, FIRST_OBJECT + 1]
        self.next_object = FIRST_OBJECT + 2
        self.holders: dict[int, int] = {}
        self.hot = draw(st.sampled_from(_PLACES))
        self.looping = children[0] if draw(st.booleans()) else -1
        self.again: tuple[int, int] | None = None
        self.tasks = [*TASKS] if self.looping >= 0 else []
        self.task = 0
        self.acted = False
        self.workers = [child for child in children if child != self.looping] if jobs else []

    def switch(self) -> list[Record]:
        """The actor that runs a loop goes on with another of its tasks, and perhaps tells that one about it."""
        draw, records = self.draw, list[Record]()
        before, self.task = self.task, draw(st.sampled_from([0, *self.tasks, *self.tasks]))
        acted, self.acted = self.acted, False
        if before:
            if acted and draw(st.integers(0, 3)) == 0:
                records.append(Wake(before, draw(st.sampled_from(TASKS))))
            over = draw(st.integers(0, 15)) == 0 and before not in self.holders.values()
            walks = (WALK,) * draw(st.integers(0, 2))
            records.append(Done(before) if over else Suspend(before, walks))
            if over:
                self.tasks.remove(before)
                self.task = self.task if self.task != before else 0
        return records

    def task_of(self, actor: int) -> int:
        """The task that the actor works for, which does something now."""
        if actor != self.looping:
            return 0
        self.acted = True
        return self.task

    def record(self) -> Record | None:
        actor = self.draw(st.sampled_from(self.alive))
        if self.again is not None and self.draw(st.integers(0, 2)):
            (actor, lock), self.again = self.again, None
            if actor in self.alive and lock not in self.holders:
                return self._lock(actor, lock)
        if actor in self.workers and self.draw(st.integers(0, 3)) == 0:
            return Job(actor, self.draw(st.sampled_from((SYNCS[0], *SYNCS))))
        choice = self.draw(st.integers(0, 21))
        if choice < 12:
            return self._access(actor)
        if choice < 14:
            return Acquire(actor, self.draw(st.sampled_from((*SYNCS, *SYNCS, *LOCKS))), task=self.task_of(actor))
        if choice < 15:
            sync, merge = self.draw(st.sampled_from(SYNCS)), self.draw(st.booleans())
            return Release(actor, sync, merge=merge, task=self.task_of(actor))
        if choice < 18:
            return self._lock(actor, self.draw(st.sampled_from(LOCKS)))
        if choice < 19:
            return Join(actor, self.draw(st.sampled_from(self.children)))
        if choice < 21:
            kind, key, _suffix = self.hot
            where, owner = Location(self.objects[0], kind, key), self.draw(st.sampled_from([0, *self.objects]))
            return Take(actor, where, owner) if self.draw(st.booleans()) else Give(actor)
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
        return Access(actor, operation, location, where, variable, (), commute, activation, self.task_of(actor))

    def _lock(self, actor: int, lock: int) -> Record:
        holder = self.holders.get(lock)
        if holder is None:
            self.holders[lock] = self.task_of(actor) or actor
            task = self.task_of(actor)
            return Acquire(actor, lock, True, task, STACK, yields=bool(task))
        del self.holders[lock]
        holding = self.looping if holder in TASKS else holder
        by = self.draw(st.sampled_from([holding, holding, holding, actor]))
        self.again = (by, lock) if self.draw(st.booleans()) else self.again
        return Release(by, lock, False, True, self.task_of(by))

    def _end(self, actor: int) -> Record | None:
        if actor in (0, self.looping) or actor in self.holders.values():
            return None
        self.alive.remove(actor)
        return End(actor)

    def _retire(self) -> Record:
        place = self.draw(st.integers(0, len(self.objects) - 1))
        gone, self.objects[place] = self.objects[place], self.next_object
        self.next_object += 1
        return Retire(gone)


@st.composite
def traces(draw: st.DrawFn, first_child: int = 1, jobs: bool = False) -> list[Record]:
    """Traces of a few actors, forked in turn by actor 0: accesses of several kinds, regions, locks, deaths.

    In half of them the first child runs tasks in turn, or greenlets. With `jobs` the others take jobs from queues.
    """
    children = range(first_child, first_child + ACTORS - 1)
    trace: list[Record] = [Fork(0, child, f"t{child}") for child in children]
    builder = _Builder(draw, children, jobs)
    sort = draw(st.sampled_from([ActorKind.TASK, ActorKind.GREENLET]))
    trace += [
        Spawn(task, draw(st.sampled_from([0, *TASKS[:number]])), "task", sort)
        for number, task in enumerate(builder.tasks)
    ]
    for _ in range(draw(st.integers(1, 40))):
        if builder.tasks and draw(st.integers(0, 2)) == 0:
            trace += builder.switch()
        record = builder.record()
        if record is not None:
            trace.append(record)
    return trace
