"""Predicts races: accesses that only the order kept apart in which locks were taken in this run.

Feeds on what a core tells of a run (`model.told`), beside the detector, which reports what nothing ordered::

    K_t: place in the stream, by actor, up to which all has to have happened before the present of t: what t was started
        by, waited for and took over, and the writes whose values it has read; locks have no part in it
    access b by t conflicts with an earlier a, both under no common lock, a not in K_t: the two are predicted if
        `reordering` finds a run in which they are next to each other

What is written from what was there, as `count += 1` and `rows.append(row)` do, depends on no other such write: only
who reads the sum depends on all of them. So that none of that is a repetition, and not told, an augmented assignment
ends its epoch while somebody predicts.

Not all that a critical section depends on is told. Sections that are `opaque` (code that is not the program's own, or
calls of it) therefore keep the order in which they came, as do all actors from a lock on that another one than its
taker has freed. Whether a lock was only tried is not told, either. Of what an actor did to a location before anybody
else came, one write is told: where it stored a value and then added to it, the store is not, and who adds to it later
seems to depend on nothing. See docs/how-it-works.md.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable

from raceway.detector.clocks import Clock, join
from raceway.detector.conflicts import conflict
from raceway.detector.reordering import Lock, Section, closed, fits
from raceway.model.kinds import Commute, LocationKind, Operation, Verb
from raceway.model.races import RawRace, Side
from raceway.model.records import Access, Location
from raceway.model.told import COMMUTES, KINDS, OPERATIONS, Told, ToldAccess, ToldEdge

FOR_EVER = 1 << 62
"""Place of all that an actor has ever done."""

TRIES = 4
"""Pairs of one kind for which a run is looked for."""

LOCATIONS, LOCKS, ACTORS = 1 << 17, 1 << 14, 1 << 11
"""Locations, locks and actors that are remembered; when there are more, no more is predicted."""

REMEMBERED = 4096
"""Edges, and changes of what has to have happened before, that are remembered of one actor."""

SIDES = 16
"""Accesses that are remembered of one location."""

_ENDS_EPOCH = frozenset({Verb.FREED, Verb.RELEASE, Verb.MERGE, Verb.FORK})
_BLIND = frozenset({Commute.APPEND, Commute.ENDS, Commute.ADD, Commute.DISCARD, Commute.INSERT_KEY})

Key = tuple[int, int, Operation, Operation, str]


class _Actor:
    """What is known of an actor: K, its versions by place, its edges as (epoch, place, verb, lock), those of them that
    end epochs as epochs and places, the locks it has."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.places = [0]
        self.versions = [clock]
        self.edges: deque[tuple[int, int, int, int]] = deque(maxlen=REMEMBERED)
        self.over: tuple[list[int], list[int]] = ([], [])
        self.held: dict[int, Section] = {}

    def edge(self, row: ToldEdge, at: int) -> None:
        """It draws an edge."""
        self.edges.append((row.number, at, row.verb, row.other))
        if row.verb in _ENDS_EPOCH:
            epochs, places = self.over
            epochs.append(row.number)
            places.append(at)
            if len(epochs) > REMEMBERED:
                del epochs[: REMEMBERED // 2], places[: REMEMBERED // 2]

    def end_of(self, epoch: int, now: int) -> int:
        """The place where that epoch ends, or a later one; `now` while it lasts."""
        epochs, places = self.over
        found = bisect_left(epochs, epoch)
        return places[found] if found < len(places) else now

    def learn(self, at: int, clock: Clock) -> None:
        """What `clock` has must have happened before the place `at`. Earlier versions stay as they are."""
        if all(number <= self.clock.get(actor, 0) for actor, number in clock.items()):
            return
        self.clock = dict(self.clock)
        join(self.clock, clock)
        self.places.append(at)
        self.versions.append(self.clock)
        if len(self.places) > REMEMBERED:
            del self.places[: REMEMBERED // 2], self.versions[: REMEMBERED // 2]

    def version(self, place: int) -> Clock | None:
        """K at an earlier place; None when it is not known any more."""
        found = bisect_right(self.places, place)
        return self.versions[found - 1] if found else None


class _Step:
    """An access in the stream, somewhere behind the place `after` and before `before`, with the K of there."""

    __slots__ = ("after", "before", "clock", "row")

    def __init__(self, row: ToldAccess, after: int, before: int, clock: Clock) -> None:
        self.row = row
        self.after = after
        self.before = before
        self.clock = clock


class _Place:
    """One location: who wrote what is there, and in which epoch: the last one that replaced what was there, and all
    that added to it since; and the last read and write of each actor."""

    __slots__ = ("added", "last", "replaced")

    def __init__(self) -> None:
        self.replaced: dict[int, int] = {}
        self.added: dict[int, int] = {}
        self.last: dict[tuple[int, bool], _Step] = {}

    def write(self, actor: int, epoch: int, adds: bool) -> None:
        """Something is written."""
        if not adds:
            self.replaced, self.added = {actor: epoch}, {}
        else:
            self.added[actor] = max(epoch, self.added.get(actor, 0))

    def remember(self, step: _Step, mutates: bool) -> None:
        """Keep an access to compare later ones with."""
        who = (step.row.actor, mutates)
        self.last.pop(who, None)
        if len(self.last) >= SIDES:
            del self.last[next(iter(self.last))]
        self.last[who] = step


class Predictor:
    """Feed it all rows of a run, in order, from one thread.

    `opaque` tells of the file and line where a lock was taken whether the critical section may depend on what is not
    told, `augments` whether a site is an augmented assignment.
    """

    def __init__(self, opaque: Callable[[str, int], bool], augments: Callable[[int], bool]) -> None:
        self._opaque = opaque
        self._augments = augments
        self._at = 0
        self._actors: dict[int, _Actor] = {}
        self._locks: dict[int, Lock] = {}
        self._syncs: dict[int, Clock] = {}
        self._signals: set[int] = set()
        self._opaque_left: dict[int, Clock] = {}
        self._places: dict[tuple[int, int, int], _Place] = {}
        self._found: dict[Key, RawRace] = {}
        self._tries: dict[Key, int] = {}
        self.gave_up = False
        self._verbs: dict[int, Callable[[ToldEdge], None]] = {
            Verb.TAKEN: self._taken,
            Verb.FREED: self._freed,
            Verb.ACQUIRE: self._acquire,
            Verb.RELEASE: self._release,
            Verb.MERGE: self._merge,
            Verb.FORK: self._fork,
            Verb.JOIN: self._join,
            Verb.RETIRE: self._retire,
        }

    def feed(self, rows: Iterable[Told]) -> None:
        """The next rows."""
        for row in rows:
            self._at += 1
            if len(self._places) > LOCATIONS or len(self._locks) > LOCKS or len(self._actors) > ACTORS:
                self._give_up()
            if self.gave_up:
                return
            if isinstance(row, ToldAccess):
                self._access(row)
            elif isinstance(row, ToldEdge) and (verb := self._verbs.get(row.verb)) is not None:
                verb(row)

    def races(self) -> list[RawRace]:
        """The races that are predicted so far, one for each pair of sites and variable."""
        return list(self._found.values())

    def _give_up(self) -> None:
        """What is needed does not fit: what has been predicted stays."""
        self.gave_up = True
        for table in (self._places, self._locks, self._actors, self._syncs, self._opaque_left):
            table.clear()

    def _actor(self, serial: int) -> _Actor:
        actor = self._actors.get(serial)
        if actor is None:
            actor = self._actors[serial] = _Actor({})
        return actor

    def _edge(self, row: ToldEdge) -> _Actor:
        actor = self._actor(row.actor)
        actor.edge(row, self._at)
        return actor

    def _left(self, row: ToldEdge) -> Clock:
        """What whoever comes after this edge of its actor knows."""
        return {**self._actor(row.actor).clock, row.actor: self._at}

    def _taken(self, row: ToldEdge) -> None:
        actor = self._edge(row)
        opaque = row.task != 0 or self._opaque(row.file, row.line)
        if row.other in self._signals:
            actor.learn(self._at, self._syncs.get(row.other, {}))
        if opaque:
            actor.learn(self._at, self._opaque_left.get(row.other, {}))
        section = actor.held[row.other] = Section(row.actor, self._at, opaque)
        self._locks.setdefault(row.other, Lock()).begin(section)

    def _freed(self, row: ToldEdge) -> None:
        actor, left = self._edge(row), self._left(row)
        section = actor.held.pop(row.other, None)
        join(self._syncs.setdefault(row.other, {}), left)
        if section is None:
            self._signals.add(row.other)
            return
        section.ended, section.left = self._at, left
        if section.opaque:
            join(self._opaque_left.setdefault(row.other, {}), left)

    def _acquire(self, row: ToldEdge) -> None:
        self._edge(row).learn(self._at, self._syncs.get(row.other, {}))

    def _release(self, row: ToldEdge) -> None:
        self._edge(row)
        self._syncs[row.other] = self._left(row)

    def _merge(self, row: ToldEdge) -> None:
        self._edge(row)
        join(self._syncs.setdefault(row.other, {}), self._left(row))

    def _fork(self, row: ToldEdge) -> None:
        self._edge(row)
        self._actors[row.other] = _Actor(self._left(row))

    def _join(self, row: ToldEdge) -> None:
        child = self._actors.get(row.other)
        known = {} if child is None else child.clock
        self._edge(row).learn(self._at, {**known, row.other: FOR_EVER})

    def _retire(self, row: ToldEdge) -> None:
        self._syncs.pop(row.other, None)
        self._opaque_left.pop(row.other, None)
        lock = self._locks.get(row.other)
        if lock is not None and len({*lock.forgotten, *(section.actor for section in lock.sections)}) < 2:
            del self._locks[row.other]  # nothing that others did depends on it

    def _access(self, row: ToldAccess) -> None:
        place = self._places.setdefault((row.object, row.kind, row.key), _Place())
        operation, commute = OPERATIONS[row.operation], COMMUTES[row.commute]
        adds = commute in _BLIND or (operation is Operation.READ_MODIFY_WRITE and self._augments(row.site))
        if row.late:
            step = self._late(row)
        else:
            step = _Step(row, self._at - 1, self._at, self._actor(row.actor).clock)
            for (actor, _mutates), other in place.last.items():
                if actor != row.actor:
                    self._compare(other, step)
            if operation is not Operation.WRITE or adds:
                self._read(row.actor, place.replaced)
            if operation is not Operation.WRITE and not adds:
                self._read(row.actor, place.added)
        if operation.mutates:
            known = bool(place.replaced or place.added)  # what is told late may have been replaced since
            place.write(row.actor, row.number, adds or (row.late and known))
        if step is not None:
            place.remember(step, operation.mutates)

    def _read(self, serial: int, writes: dict[int, int]) -> None:
        """The actor finds what these have written, in that epoch, the last time when it ended."""
        actor = self._actor(serial)
        for writer, epoch in writes.items():
            if writer != serial:
                other = self._actor(writer)
                end = other.end_of(epoch, self._at)
                known = other.version(end)
                actor.learn(self._at, {**(other.clock if known is None else known), writer: end})

    def _late(self, row: ToldAccess) -> _Step | None:
        """An access of an earlier epoch: it came before the locks were taken in that epoch which it was not under."""
        actor = self._actor(row.actor)
        after, before = 0, self._at
        for epoch, at, verb, lock in reversed(actor.edges):
            if epoch < row.number or (epoch == row.number and verb == Verb.TAKEN and lock in row.locks):
                after = at
                break
            if epoch > row.number or verb in _ENDS_EPOCH or verb == Verb.TAKEN:
                before = at
        clock = actor.version(before - 1)
        return None if clock is None else _Step(row, after, before, clock)

    def _compare(self, first: _Step, second: _Step) -> None:
        actor, row = first.row.actor, second.row
        if second.clock.get(actor, 0) > first.after or not set(first.row.locks).isdisjoint(row.locks):
            return
        earlier, later = _access_of(first.row), _access_of(row)
        key = earlier.site, later.site, earlier.operation, later.operation, later.variable
        if key in self._found or self._tries.get(key, 0) >= TRIES or not conflict(earlier, later):
            return
        self._tries[key] = self._tries.get(key, 0) + 1
        most = {actor: first.after, row.actor: second.after}
        run = dict(first.clock)
        join(run, second.clock)
        join(run, {actor: first.before - 1, row.actor: second.before - 1})
        if fits(first.clock, most) and closed(run, list(self._locks.values()), most):
            self._found[key] = RawRace(_side(first.row, earlier), _side(row, later), False, 1, predicted=True)


def _access_of(row: ToldAccess) -> Access:
    location = Location(row.object, LocationKind(KINDS[row.kind]), row.key)
    operation, commute = OPERATIONS[row.operation], COMMUTES[row.commute]
    return Access(row.actor, operation, location, row.site, row.variable, row.stack, commute, task=row.task)


def _side(row: ToldAccess, access: Access) -> Side:
    head = None
    if row.region >= 0:
        head = Access(row.actor, Operation.READ, access.location, row.head, row.variable, (), task=row.task)
    return Side(access, row.locks, head, row.region)
