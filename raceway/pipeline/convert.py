"""Makes events of what a detection core tells of a run, as their lines. Runs in the worker, never in a thread of the
program.

| told | event |
|---|---|
| taken, freed | `LockAcquire`, `LockRelease` |
| acquire, release | `MemoryFence`, with the synchronisation object in the tag `sync` |
| fork, join; spawn and end of a task | `AsyncSpawn`, `AsyncAwait` |
| access | `StateChange`, with all that a detector asks of it in the tag `access` (`accesstag`) |
| call | see `calls` |

Ends, deaths and names make no events. A flow's first event has the one that started it for its parent, every other
one the event before it; what is told late goes beside the chain, from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from raceway.model import eventkinds as of
from raceway.model.kinds import Operation, Verb
from raceway.model.struct import Struct
from raceway.model.told import COMMUTES, OPERATIONS, Told, ToldAccess, ToldCall, ToldEdge
from raceway.model.typing import Any
from raceway.model.values import scalar, spelled, text
from raceway.pipeline.accesstag import access_tag, words_of
from raceway.pipeline.calls import Calls, Places
from raceway.pipeline.flows import Flow, Flows, Origin, Released, merged
from raceway.pipeline.lines import NOTHING_KNOWN, event_line, json_text
from raceway.pipeline.redactor import SMALL, Redactor
from raceway.pipeline.tasks import Tasks

AT_ONCE = 4096
"""Rows of which events are made before these go on: what a killed process has not written is not much more."""

_AUGMENTS = OPERATIONS.index(Operation.READ_MODIFY_WRITE)
_LOCK_TYPES = {"lock": "Mutex", "rlock": "Mutex", "semaphore": "Semaphore"}


class _Change(Struct):
    """What is the same in all accesses of a variable at a site, of one sort.

    `before` and `after` stand around the value in the JSON of the kind, `words` are those of the tag. `is_plain`: the
    value is no secret for the sake of the variable's name.
    """

    before: str
    after: str
    words: str
    is_plain: bool


class Converter:
    """One process's told records as events."""

    def __init__(self, origin: Origin, told: Callable[[], list[Told]], places: Places) -> None:
        self._told = told
        self._place = places.site
        self.begin(origin)
        self._hide = Redactor()
        self._calls = Calls(places, self._hide)
        self._names: dict[int, tuple[str, str]] = {}
        self._locks: dict[int, tuple[str, str]] = {}
        self._changes: dict[tuple[int, str, int, int], _Change] = {}
        self._sets: dict[tuple[int, ...], str] = {(): "[]"}
        self._edges: dict[int, Callable[[ToldEdge], bytes | None]] = {
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
            Verb.SPAWN: self._spawned,
            Verb.DONE: self._done,
        }

    def begin(self, origin: Origin) -> None:
        """Events are of this process from here on: at first, and in a forked child."""
        self._trace_id = origin.trace_id
        self._flows = Flows(origin)
        self._flow = self._flows.of
        self._tasks = Tasks(f"{origin.service}#{origin.instance}")
        self._rows: Iterator[Told] = iter(())
        self._working = False
        """Whether there have been tasks."""
        self._syncs: dict[int, tuple[Flow | None, Released]] = {}
        self._variables: set[str] = set()
        self._last: Told | None = None

    def facts(self, read: Callable[[str], bool], acted: Iterable[int]) -> bytes | None:
        """What a judge of the races asks of the whole run: which variables were read, which of the sites reached.

        None when there was no event to which that matters.
        """
        if self._last is None:
            return None
        variables = sorted({variable.removesuffix("[...]") for variable in self._variables if read(variable)})
        kind = _kind(of.Custom("raceway.facts", {"read": variables, "acted": list(acted)}))
        row = self._last
        flow = self._flow(row.actor)
        return self._made(flow, row, flow.step(row.number), kind)

    def __call__(self) -> list[bytes]:
        """The next events of what was told; none when that was all."""
        while True:
            rows = list(islice(self._rows, AT_ONCE))
            if not rows:
                told = self._told()
                if not told:
                    return []
                self._rows = iter(told)
            elif lines := self._lines(rows):
                return lines

    def _lines(self, rows: list[Told]) -> list[bytes]:
        lines: list[bytes] = []
        add, access, edges = lines.append, self._access, self._edges
        for row in rows:
            if self._working and row.actor:
                lines += self._of_tasks(row)
            if type(row) is ToldAccess:
                add(access(row))
            elif type(row) is ToldCall:
                lines += self._call(row)
            elif (event := edges[row.verb](row)) is not None:  # type: ignore[union-attr,arg-type]
                add(event)
        return lines

    def _of_tasks(self, row: Told) -> list[bytes]:
        """What is to be said of tasks before the row; its flow works for that of the row from here on."""
        flow, tasks, lines = self._flow(row.actor), self._tasks, list[bytes]()
        task = tasks.find(row.task)
        if task is not None and tasks.begins(task, row.actor):
            parent = tasks.find(task.parent)
            flow.work_for(task.parent, parent.tags() if parent is not None and parent.actor else "")
            spawned_by = flow.name if parent is None else parent.name
            kind = _kind(of.AsyncSpawn(task.identity, spawned_by))
            lines.append(self._made(flow, row, flow.now(), kind, flow.tagged("starts", "task")))
        if row.task != flow.task:
            flow.work_for(row.task, "" if task is None else task.tags())
        if tasks.any_finished():
            for one in tasks.waited_for(row.actor, row.task):
                kind = _kind(of.AsyncAwait(one.identity, flow.name if task is None else task.name))
                lines.append(self._made(flow, row, flow.now(), kind, flow.tagged("starts", "task")))
        return lines

    def _access(self, row: ToldAccess) -> bytes:
        flow = self._flow(row.actor)
        what = (row.site, row.variable, row.operation, row.commute)
        change = self._changes.get(what) or self._change(what)
        locks = self._sets.get(row.locks) or self._lock_set(row.locks)
        number = flow.made = flow.made + 1
        parent: str | int | None
        if row.late:
            count, rest, parent = flow.late(row.number), NOTHING_KNOWN, flow.root
        else:
            count, rest, parent = flow.step(row.number), flow.rest, flow.parent
            flow.parent = number
        metadata = flow.tagged("access", access_tag(row, change.words))
        value = row.value
        if value is None:
            value = "null"
        elif not (change.is_plain and type(value) is int and row.name is None and -SMALL < value < SMALL):
            value = self._value(row)
        return event_line(
            self._trace_id, flow.own, count, rest, metadata, locks, parent, flow.ids, number, row.time,
            change.before, value, change.after,
        )  # fmt: skip

    def _call(self, row: ToldCall) -> Iterator[bytes]:
        """A function that is entered or left, after the exception if that is news."""
        flow = self._flow(row.actor)
        error = self._calls.error(row)
        if error is not None:
            yield self._made(flow, row, flow.step(row.number), error)
        metadata = "" if row.duration < 0 else f'{flow.metadata[:-1]},"duration_ns":{row.duration}}}'
        yield self._made(flow, row, flow.step(row.number), self._calls.call(row), metadata)

    def _change(self, what: tuple[int, str, int, int]) -> _Change:
        site, variable, operation, commute = what
        self._variables.add(variable)
        if len(self._changes) > 10_000:
            self._changes.clear()
        if COMMUTES[commute] is not COMMUTES[0]:
            access: of.AccessType = "AtomicRMW"
        else:
            access = "Write" if OPERATIONS[operation].mutates else "Read"
        fields = {"access_type": access, "variable": text(variable), "location": text(self._place(site))}
        known = self._changes[what] = _Change(
            '{"StateChange":{"new_value":' + ('null,"old_value":' if operation == _AUGMENTS else ""),
            f",{json_text(fields)[1:-1]}}}}}",
            words_of(operation, commute, site),
            not self._hide.hides(variable),
        )
        return known

    def _value(self, row: ToldAccess) -> str:
        """The value as JSON, without secrets."""
        told = spelled(row.value) if type(row.value) is str else scalar(row.value)
        return json_text(self._hide.value(told, row.variable if row.name is None else row.name))

    def _lock_set(self, locks: tuple[int, ...]) -> str:
        if len(self._sets) > 10_000:
            self._sets = {(): "[]"}
        self._sets[locks] = json_text([self._lock_id(lock) for lock in locks])
        return self._sets[locks]

    def _lock_id(self, sync: int) -> str:
        kind, _place = self._names.get(sync, ("lock", ""))
        return f"{kind}#{sync}"

    def _made(self, flow: Flow, row: Told, count: int, kind: str, metadata: str = "") -> bytes:
        self._last = row
        about, parent, number = metadata or flow.metadata, flow.parent, flow.made + 1
        flow.made = flow.parent = number
        return event_line(
            self._trace_id, flow.own, count, flow.rest, about, "[]", parent, flow.ids, number, row.time, kind
        )

    def _taken(self, row: ToldEdge) -> bytes:
        flow, sync = self._flow(row.actor), row.other
        known = self._syncs.get(sync)
        if known is not None and known[0] is not flow:
            flow.learn(known[1])
        kinds = self._locks.get(sync) or self._lock_kinds(sync)
        return self._made(flow, row, flow.step(row.number), kinds[0])

    def _freed(self, row: ToldEdge) -> bytes:
        flow, sync = self._flow(row.actor), row.other
        kinds = self._locks.get(sync) or self._lock_kinds(sync)
        event = self._made(flow, row, flow.end(row.number), kinds[1])
        self._syncs[sync] = flow, flow.released()
        return event

    def _lock_kinds(self, sync: int) -> tuple[str, str]:
        """That the lock is taken, and that it is freed."""
        kind, place = self._names.get(sync, ("lock", ""))
        what = (f"{kind}#{sync}", _LOCK_TYPES.get(kind, kind), place)
        kinds = self._locks[sync] = _kind(of.LockAcquire(*what)), _kind(of.LockRelease(*what))
        return kinds

    def _acquire(self, row: ToldEdge) -> bytes:
        flow = self._flow(row.actor)
        self._take_over(flow, row.other)
        return self._fence(flow, row, flow.step(row.number), "Acquire", "sync")

    def _release(self, row: ToldEdge) -> bytes:
        flow = self._flow(row.actor)
        merge = row.verb == Verb.MERGE
        event = self._fence(flow, row, flow.end(row.number), "Release", "merge" if merge else "sync")
        released = flow.released()
        if merge and row.other in self._syncs:
            component, count, others = released
            released = "", 0, merged({**others, component: count}, self._syncs[row.other][1])
        self._syncs[row.other] = (None if merge else flow, released)
        return event

    def _fence(self, flow: Flow, row: ToldEdge, count: int, ordering: of.Ordering, tag: str) -> bytes:
        kind, place = self._names.get(row.other, ("handover", ""))
        metadata = flow.tagged(tag, f"{kind}#{row.other}")
        return self._made(flow, row, count, _kind(of.MemoryFence(ordering, place)), metadata)

    def _take_over(self, flow: Flow, sync: int) -> None:
        known = self._syncs.get(sync)
        if known is not None and known[0] is not flow:
            flow.learn(known[1])

    def _fork(self, row: ToldEdge) -> bytes:
        flow = self._flow(row.actor)
        count = flow.end(row.number)
        child = self._flows.begin(row.other, text(row.text))
        event = self._made(flow, row, count, _kind(of.AsyncSpawn(child.task_id, flow.name)))
        child.parent = child.root = f"{flow.ids}{flow.made}"
        child.learn(flow.released())
        return event

    def _join(self, row: ToldEdge) -> bytes | None:
        flow, child = self._flow(row.actor), self._flows.find(row.other)
        if child is None:
            return None
        flow.learn(child.all())
        kind = _kind(of.AsyncAwait(child.task_id, flow.name))
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
        if not self._tasks.renamed(row) and row.actor:
            self._flow(row.actor).call(text(row.text))

    def _spawned(self, row: ToldEdge) -> None:
        self._working = True
        self._tasks.spawned(row)

    def _done(self, row: ToldEdge) -> None:
        self._tasks.done(row)


def _kind(fields: Any) -> str:
    """The JSON of a kind."""
    return f'{{"{type(fields).__name__}":{json_text(fields)}}}'
