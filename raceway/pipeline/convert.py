"""Makes events of what a detection core tells of a run. Runs in the worker, never in a thread of the program.

| told | event |
|---|---|
| taken, freed | `LockAcquire`, `LockRelease` |
| acquire, release | `MemoryFence`, with the synchronisation object in the tag `sync` |
| fork, join | `AsyncSpawn`, `AsyncAwait` |
| access | `StateChange`, with all that a detector asks of it in the tag `access` (`accesstag`) |

Ends, deaths and names make no events. A flow's first event has the one that started it for its parent, every other
one the event before it; what is told late goes beside the chain, from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from raceway.model import eventkinds as of
from raceway.model.events import Event, EventKind, Metadata, Vector
from raceway.model.kinds import Verb
from raceway.model.told import COMMUTES, OPERATIONS, Told, ToldAccess, ToldEdge
from raceway.model.values import text
from raceway.pipeline.accesstag import access_tag
from raceway.pipeline.flows import Flow, Flows, Origin, moment

_LOCK_TYPES = {"lock": "Mutex", "rlock": "Mutex", "semaphore": "Semaphore"}


class Converter:
    """One process's told records as events. `place` gives `file:line` of a site."""

    def __init__(self, origin: Origin, told: Callable[[], list[Told]], place: Callable[[int], str]) -> None:
        self._told = told
        self._place = place
        self.begin(origin)
        self._microseconds = 0
        self._when = moment(0)
        self._names: dict[int, tuple[str, str]] = {}
        self._locks: dict[int, tuple[EventKind, EventKind]] = {}
        self._changes: dict[tuple[int, str, int, int], EventKind] = {}
        self._sets: dict[tuple[int, ...], tuple[str, ...]] = {(): ()}
        self._edges: dict[int, Callable[[ToldEdge], Event | None]] = {
            Verb.TAKEN: self._taken,
            Verb.FREED: self._freed,
            Verb.ACQUIRE: self._acquire,
            Verb.RELEASE: self._release,
            Verb.MERGE: self._release,
            Verb.FORK: self._fork,
            Verb.JOIN: self._join,
            Verb.END: self._end,
            Verb.RETIRE: self._retire,
            Verb.NAME: self._name,
            Verb.RENAME: self._rename,
        }

    def begin(self, origin: Origin) -> None:
        """Events are of this process from here on: at first, and in a forked child."""
        self._origin = origin
        self._flows = Flows(origin)
        self._syncs: dict[int, tuple[Flow | None, dict[str, int]]] = {}
        self._variables: set[str] = set()
        self._last: ToldEdge | None = None

    def facts(self, read: Callable[[str], bool], acted: Iterable[int]) -> Event | None:
        """What a judge of the races asks of the whole run: which variables were read, which of the sites reached.

        None when there was no event to which that matters.
        """
        if self._last is None:
            return None
        variables = sorted({variable.removesuffix("[...]") for variable in self._variables if read(variable)})
        kind = EventKind(Custom=of.Custom("raceway.facts", {"read": variables, "acted": list(acted)}))
        row = self._last
        flow = self._flows.of(row.actor)
        return self._made(flow, row, flow.step(row.number), kind)

    def __call__(self) -> list[Event]:
        """Events of what was told since the last time."""
        events = []
        for row in self._told():
            if type(row) is ToldAccess:
                events.append(self._access(row))
            elif (event := self._edges[row.verb](row)) is not None:  # type: ignore[union-attr,arg-type]
                events.append(event)
        return events

    def _access(self, row: ToldAccess) -> Event:
        flow = self._flows.of(row.actor)
        what = (row.site, row.variable, row.operation, row.commute)
        kind = self._changes.get(what) or self._change(what)
        metadata = flow.tagged("access", access_tag(row))
        locks = self._sets.get(row.locks)
        if locks is None:
            locks = self._lock_set(row.locks)
        identity = flow.ids.new()
        if row.late:
            clock, parent = flow.late(row.number), flow.root
        else:
            clock, parent = flow.step(row.number), flow.parent
            flow.parent = identity
        return Event(
            id=identity,
            parent_id=parent,
            timestamp=self._moment(row.time),
            causality_vector=clock,
            kind=kind,
            metadata=metadata,
            lock_set=locks,
            trace_id=self._origin.trace_id,
        )

    def _moment(self, nanoseconds: int) -> datetime:
        """The time, which several records in a row often have."""
        microseconds = nanoseconds // 1000
        if microseconds != self._microseconds:
            self._microseconds = microseconds
            self._when = moment(nanoseconds)
        return self._when

    def _change(self, what: tuple[int, str, int, int]) -> EventKind:
        site, variable, operation, commute = what
        self._variables.add(variable)
        if len(self._changes) > 10_000:
            self._changes.clear()
        if COMMUTES[commute] is not COMMUTES[0]:
            access: of.AccessType = "AtomicRMW"
        else:
            access = "Write" if OPERATIONS[operation].mutates else "Read"
        kind = EventKind(StateChange=of.StateChange(text(variable), None, text(self._place(site)), access))
        self._changes[what] = kind
        return kind

    def _lock_set(self, locks: tuple[int, ...]) -> tuple[str, ...]:
        if len(self._sets) > 10_000:
            self._sets = {(): ()}
        names = self._sets[locks] = tuple(self._lock_id(lock) for lock in locks)
        return names

    def _lock_id(self, sync: int) -> str:
        kind, _place = self._names.get(sync, ("lock", ""))
        return f"{kind}#{sync}"

    def _made(
        self, flow: Flow, row: ToldEdge, clock: Vector, kind: EventKind, metadata: Metadata | None = None
    ) -> Event:
        self._last = row
        parent, flow.parent = flow.parent, flow.ids.new()
        return Event(
            id=flow.parent,
            parent_id=parent,
            timestamp=self._moment(row.time),
            causality_vector=clock,
            kind=kind,
            metadata=metadata or flow.metadata,
            lock_set=(),
            trace_id=self._origin.trace_id,
        )

    def _taken(self, row: ToldEdge) -> Event:
        flow = self._flows.of(row.actor)
        self._take_over(flow, row.other)
        return self._made(flow, row, flow.step(row.number), self._lock_kinds(row.other)[0])

    def _freed(self, row: ToldEdge) -> Event:
        flow = self._flows.of(row.actor)
        event = self._made(flow, row, flow.end(row.number), self._lock_kinds(row.other)[1])
        self._syncs[row.other] = (flow, flow.released())
        return event

    def _lock_kinds(self, sync: int) -> tuple[EventKind, EventKind]:
        """That the lock is taken, and that it is freed."""
        known = self._locks.get(sync)
        if known is None:
            kind, place = self._names.get(sync, ("lock", ""))
            what = (f"{kind}#{sync}", _LOCK_TYPES.get(kind, kind), place)
            known = EventKind(LockAcquire=of.LockAcquire(*what)), EventKind(LockRelease=of.LockRelease(*what))
            self._locks[sync] = known
        return known

    def _acquire(self, row: ToldEdge) -> Event:
        flow = self._flows.of(row.actor)
        self._take_over(flow, row.other)
        return self._fence(flow, row, flow.step(row.number), "Acquire", "sync")

    def _release(self, row: ToldEdge) -> Event:
        flow = self._flows.of(row.actor)
        merge = row.verb == Verb.MERGE
        event = self._fence(flow, row, flow.end(row.number), "Release", "merge" if merge else "sync")
        released = flow.released()
        if merge and row.other in self._syncs:
            for component, count in self._syncs[row.other][1].items():
                released[component] = max(count, released.get(component, 0))
        self._syncs[row.other] = (None if merge else flow, released)
        return event

    def _fence(self, flow: Flow, row: ToldEdge, clock: Vector, ordering: of.Ordering, tag: str) -> Event:
        kind, place = self._names.get(row.other, ("handover", ""))
        metadata = flow.tagged(tag, f"{kind}#{row.other}")
        return self._made(flow, row, clock, EventKind(MemoryFence=of.MemoryFence(ordering, place)), metadata)

    def _take_over(self, flow: Flow, sync: int) -> None:
        releaser, clock = self._syncs.get(sync, (flow, {}))
        if releaser is not flow:
            flow.learn(clock)

    def _fork(self, row: ToldEdge) -> Event:
        flow = self._flows.of(row.actor)
        clock = flow.end(row.number)
        child = self._flows.begin(row.other, text(row.text))
        event = self._made(flow, row, clock, EventKind(AsyncSpawn=of.AsyncSpawn(child.task_id, flow.name)))
        child.parent = child.root = event.id
        child.learn(flow.released())
        return event

    def _join(self, row: ToldEdge) -> Event | None:
        flow, child = self._flows.of(row.actor), self._flows.find(row.other)
        if child is None:
            return None
        flow.learn(child.all())
        kind = EventKind(AsyncAwait=of.AsyncAwait(child.task_id, flow.name))
        return self._made(flow, row, flow.step(row.number), kind)

    def _end(self, row: ToldEdge) -> None:
        self._flows.end(row.actor, row.number)

    def _retire(self, row: ToldEdge) -> None:
        self._syncs.pop(row.other, None)
        self._names.pop(row.other, None)
        self._locks.pop(row.other, None)

    def _name(self, row: ToldEdge) -> None:
        place = f"{row.file}:{row.line}" if row.file else ""
        self._names[row.other] = (row.text or "sync", text(place))
        self._locks.pop(row.other, None)

    def _rename(self, row: ToldEdge) -> None:
        self._flows.of(row.actor).call(text(row.text))
