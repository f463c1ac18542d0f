"""Reads the events of an automatic stream back as the records that a race detector feeds on.

Accesses that were told late go back to the epoch they belong to, which the clocks tell; of what a write depends on a
record is made (`records.Head`) at the place where it was read, which the counts tell. Hand-made events are passed over:
they do not say enough.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from raceway.model import eventkinds as of
from raceway.model.events import Event
from raceway.model.kinds import Operation
from raceway.model.records import Access, Acquire, Fork, Head, Join, Location, Name, Record, Release, Rename
from raceway.model.typing import Any
from raceway.pipeline.accesstag import AccessTag, read_access_tag
from raceway.pipeline.ids import uuid_of


class _Reading:
    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        self._actors: dict[str, int] = {}
        self._named: set[int] = set()
        self._activations = 0
        self._before: dict[int, list[Record]] = {}
        self._counts: dict[str, tuple[list[int], list[int]]] = {}
        self._flows: dict[str, list[int]] = {}
        self._sequences: tuple[list[int], list[int]] = ([], [])
        self._tags = [self._tag(index, event) for index, event in enumerate(events)]
        self._tasks = {uuid_of(event.metadata.thread_id): event.metadata for event in events}

    def _tag(self, index: int, event: Event) -> AccessTag | None:
        """Note where the event stands; its tag, if it is an access."""
        tag = read_access_tag(event.metadata.tags.get("access", "")) if event.kind.StateChange else None
        if tag is None or not tag.late:
            self._flows.setdefault(event.metadata.thread_id, []).append(index)
            for component, count in event.causality_vector:
                counts, places = self._counts.setdefault(component, ([], []))
                if not counts or count > counts[-1]:
                    counts.append(count)
                    places.append(index)
            if tag is not None:
                self._sequences[0].append(tag.sequence)
                self._sequences[1].append(index)
        return tag

    def records(self) -> list[Record]:
        """All records, in the order of the stream."""
        own = [self._record(index, event) for index, event in enumerate(self._events)]
        ordered: list[Record] = []
        for index, found in enumerate(own):
            ordered += self._before.get(index, ())
            ordered += found
        return ordered + self._before.get(len(own), [])

    def _actor(self, thread_id: str) -> int:
        return self._actors.setdefault(thread_id, len(self._actors) + 1)

    def _record(self, index: int, event: Event) -> list[Record]:
        """The records that stand in the event's own place."""
        kind, metadata = event.kind, event.metadata
        new = metadata.thread_id not in self._actors
        actor = self._actor(metadata.thread_id)
        first: list[Record] = [Rename(actor, metadata.tags["actor"])] if new and "actor" in metadata.tags else []
        if kind.LockAcquire is not None:
            return [*first, *self._name(kind.LockAcquire), Acquire(actor, _serial(kind.LockAcquire.lock_id), held=True)]
        if kind.LockRelease is not None:
            return [*first, Release(actor, _serial(kind.LockRelease.lock_id), held=True)]
        if kind.MemoryFence is not None:
            return [*first, *self._fence(actor, event)]
        if "starts" in metadata.tags:  # a task of an event loop: no actor
            return first
        if kind.AsyncSpawn is not None:
            task = self._tasks.get(kind.AsyncSpawn.task_id)
            child = self._actor(kind.AsyncSpawn.task_id if task is None else task.thread_id)
            return [*first, Fork(actor, child, "" if task is None else task.tags.get("actor", ""))]
        if kind.AsyncAwait is not None:
            task = self._tasks.get(kind.AsyncAwait.future_id)
            return [*first, Join(actor, self._actor(kind.AsyncAwait.future_id if task is None else task.thread_id))]
        tag = self._tags[index]
        if tag is None:
            return first
        found = self._access(index, actor, tag, event)
        if not tag.late:
            return [*first, *found]
        self._put_before(self._home(event, index), found)
        return first

    def _name(self, lock: Any) -> list[Record]:
        serial = _serial(lock.lock_id)
        if serial in self._named:
            return []
        self._named.add(serial)
        file, _, line = lock.location.rpartition(":")
        return [Name(serial, file, int(line) if line.isdigit() else 0, lock.lock_id.partition("#")[0])]

    @staticmethod
    def _fence(actor: int, event: Event) -> list[Record]:
        fence, tags = event.kind.MemoryFence, event.metadata.tags
        sync = tags.get("merge", tags.get("sync", ""))
        if fence is None or not sync:
            return []
        if fence.ordering == "Acquire":
            return [Acquire(actor, _serial(sync))]
        return [Release(actor, _serial(sync), merge="merge" in tags)]

    def _access(self, index: int, actor: int, tag: AccessTag, event: Event) -> list[Record]:
        change = event.kind.StateChange
        assert change is not None
        location = Location(tag.object, tag.kind, ("number", tag.key))  # it stands for a key, and is none to show
        self._activations += 1
        access = Access(actor, tag.operation, location, tag.site, change.variable, (), tag.commute, self._activations)
        if tag.region < 0:
            return [access]
        head = Head(
            Access(actor, Operation.READ, location, tag.head, change.variable, (), activation=self._activations)
        )
        if tag.late:
            return [head, access]
        sequences, places = self._sequences
        after = bisect_right(sequences, tag.since)
        self._put_before(min(places[after], index) if after < len(places) else index, [head])
        return [access]

    def _home(self, event: Event, index: int) -> int:
        """Where in the stream a late event belongs: in its epoch, before the locks were taken that it was not under."""
        component, count = event.causality_vector[0]
        counts, places = self._counts.get(component, ([], []))
        after = bisect_left(counts, count)
        place = min(places[after], index) if after < len(places) else index
        own = self._flows.get(event.metadata.thread_id, [])
        for earlier in reversed(own[: bisect_left(own, place)]):
            kind = self._events[earlier].kind
            forks = kind.AsyncSpawn is not None and "starts" not in self._events[earlier].metadata.tags
            if kind.LockRelease is not None or forks or _releases(kind.MemoryFence):
                break
            if kind.LockAcquire is not None and kind.LockAcquire.lock_id not in event.lock_set:
                place = earlier
        return place

    def _put_before(self, index: int, records: list[Record]) -> None:
        self._before.setdefault(index, []).extend(records)


def _releases(fence: of.MemoryFence | None) -> bool:
    return fence is not None and fence.ordering == "Release"


def _serial(name: str) -> int:
    """The number in `lock#17`."""
    number = name.rpartition("#")[2]
    return int(number) if number.isdigit() else 0


def records_of(events: Iterable[Event]) -> list[Record]:
    """The records of one process's stream, which has to be whole and in order."""
    return _Reading(list(events)).records()
