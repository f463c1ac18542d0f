"""LockAnalyzer: which locks are waited for, for how long, and which are taken in orders that can deadlock.

taken(b) while a is held: the edge a -> b, by this flow, with the other locks held as gates
a pattern: a cycle of edges that are not all one flow's, and that no common gate keeps apart
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from raceway.client.flows import current_flow
from raceway.client.lockwatch import LockUse, observe, unobserve
from raceway.client.marks import place_text
from raceway.model.struct import Struct
from raceway.model.typing import Any
from raceway.originals import allocate_lock
from raceway.sync.serials import Table

_FLOWS_KEPT = 4
"""Flows remembered per edge: two tell a cycle apart from one flow's habit."""


class LockStats(Struct):
    """One lock. Times are milliseconds; the mean wait is over all acquisitions."""

    name: str
    acquisitions: int
    contended: int
    wait_time_ms: float
    max_wait_ms: float
    hold_time_ms: float


class DeadlockPattern(Struct):
    """Locks that are taken in a circle: `locks[0]` is held when `locks[1]` is taken, and so on around.

    `places` tell where each next one is taken.
    """

    locks: tuple[str, ...]
    places: tuple[str, ...]


class ContentionReport(Struct):
    """What was seen so far. `wait_time_ms` is the mean wait of the most contended lock; None without one."""

    most_contended: str | None
    wait_time_ms: float
    locks: tuple[LockStats, ...] = ()
    deadlocks: tuple[DeadlockPattern, ...] = ()


class _Lock:
    __slots__ = ("acquisitions", "contended", "held_ns", "longest_ns", "waited_ns")

    def __init__(self) -> None:
        self.acquisitions = self.contended = self.held_ns = self.longest_ns = self.waited_ns = 0

    def stats(self, name: str) -> LockStats:
        """The figures so far."""
        each = self.acquisitions or 1
        return LockStats(
            name, self.acquisitions, self.contended, self.waited_ns / each / 1e6, self.longest_ns / 1e6,
            self.held_ns / each / 1e6,
        )  # fmt: skip


class _Edge:
    __slots__ = ("flows", "gates", "place")

    def __init__(self, place: str, gates: frozenset[str]) -> None:
        self.place = place
        self.gates = gates
        self.flows: set[int] = set()


class _Flow:
    """What one flow holds, in the order taken, with the times."""

    __slots__ = ("held", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.held: list[tuple[str, int]] = []


class LockAnalyzer:
    """Watches the locks of a client, or all of them, from when it is made until `close`. Any thread may ask it."""

    def __init__(self, client: Any = None) -> None:
        self._client = client
        self._lock = allocate_lock()
        self._locks: dict[str, _Lock] = {}
        self._edges: dict[tuple[str, str], _Edge] = {}
        self._flows: Table[_Flow] = Table()
        self._numbered = 0
        observe(self)

    def close(self) -> None:
        """Watch no longer; what was seen can still be asked for."""
        unobserve(self)

    def sees(self, client: object) -> bool:
        """Whether this client's locks are watched."""
        return self._client is None or client is self._client or client is None

    def taken(self, use: LockUse) -> None:
        """A lock was taken by the flow that calls."""
        flow = self._flow()
        with self._lock:
            lock = self._locks.setdefault(use.name, _Lock())
            lock.acquisitions += 1
            lock.contended += use.contended
            lock.waited_ns += use.waited_ns
            lock.longest_ns = max(lock.longest_ns, use.waited_ns)
            holding = [name for name, _ in flow.held]
            if use.name not in holding:
                for name in holding:
                    self._note_edge(flow, name, use, frozenset(holding) - {name})
        flow.held.append((use.name, time.perf_counter_ns()))

    def freed(self, name: str) -> None:
        """A lock is about to be freed by the flow that calls."""
        held = self._flow().held
        for at in range(len(held) - 1, -1, -1):
            if held[at][0] == name:
                since = held.pop(at)[1]
                with self._lock:
                    self._locks.setdefault(name, _Lock()).held_ns += time.perf_counter_ns() - since
                return

    def get_contention_report(self) -> ContentionReport:
        """What was seen so far: the most contended lock first."""
        with self._lock:
            stats = [lock.stats(name) for name, lock in self._locks.items()]
            deadlocks = tuple(self._deadlocks())
        stats.sort(key=lambda one: (-one.contended, -one.wait_time_ms, -one.acquisitions, one.name))
        most = stats[0] if stats else None
        return ContentionReport(
            None if most is None else most.name, 0.0 if most is None else most.wait_time_ms, tuple(stats), deadlocks
        )

    def _flow(self) -> _Flow:
        return self._flows.of(current_flow(), self._new_flow)

    def _new_flow(self) -> _Flow:
        self._numbered += 1
        return _Flow(self._numbered)

    def _note_edge(self, flow: _Flow, held: str, use: LockUse, gates: frozenset[str]) -> None:
        edge = self._edges.get((held, use.name))
        if edge is None:
            edge = self._edges[held, use.name] = _Edge(place_text(use.place), gates)
        edge.gates &= gates
        if len(edge.flows) < _FLOWS_KEPT:
            edge.flows.add(flow.number)

    def _deadlocks(self) -> Iterator[DeadlockPattern]:
        for cycle in self._cycles():
            edges = [self._edges[pair] for pair in zip(cycle, (*cycle[1:], cycle[0]), strict=True)]
            flows = set().union(*(edge.flows for edge in edges))
            gates = frozenset.intersection(*(edge.gates for edge in edges)) - set(cycle)
            if len(flows) > 1 and not gates:
                yield DeadlockPattern(cycle, tuple(edge.place for edge in edges))

    def _cycles(self) -> Iterator[tuple[str, ...]]:
        """Every elementary cycle of at most a few locks, once, beginning with its first name."""
        following: dict[str, list[str]] = {}
        for held, name in self._edges:
            following.setdefault(held, []).append(name)
        for start in sorted(following):
            paths: list[tuple[str, ...]] = [(start,)]
            while paths:
                path = paths.pop()
                for name in following.get(path[-1], ()):
                    if name == start:
                        yield path
                    elif name > start and name not in path and len(path) < _LONGEST_CYCLE:
                        paths.append((*path, name))


_LONGEST_CYCLE = 5
"""Locks of a cycle that is looked for."""
