"""The lock-order graph: which locks were taken while which were held, and the cycles in it.

The model (Goodlock: Havelund, SPIN 2000; Bensalem and Havelund, HVC 2005)::

    an actor t that takes m while it holds the locks H, H not empty, adds the dependency (t, H, m)
    dependencies d_1 ... d_n are a potential deadlock if and only if
        the lock that d_i takes is among those that d_i+1 holds, and d_n's among those of d_1
        the actors differ, the sets H are disjoint (a lock held by two of them is a gate that lets in one at a time)
        no two are ordered, other than by the locks themselves

The order is that of threads started and waited for, events, queues and the like: who came first to a lock is luck. A
lock that is taken again by its holder adds nothing, nor does one that was only tried or waited for with a time limit:
its taker goes on. A lock that another actor freed is a signal, and no order is concluded from it.

Locks are instances: two accounts whose locks are taken in the order of their numbers make no cycle, though one line
made both.

Tasks of one event loop share a slot. Between them counts what they wait for while others run: the locks of asyncio,
trio and anyio. Each such time that is kept has a mark, and each task knows the marks that come before it: those of who
has made it, woken it (not by giving back a lock), or was made by it and is over. A task that has only slept since
another one was over need not have waited for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from raceway.detector.clocks import Clock
from raceway.detector.tasks import Task
from raceway.model.locks import LockOrder
from raceway.model.records import Stack

KEPT = 8
"""Times kept of one dependency: half of them the first ones, the others the last. A thread-per-request server has no
end of actors that do the same."""

OF_A_TASK = 2
"""Times of one task at most that are kept of one dependency, if it has marks."""

MARKS = 1 << 12
"""Marks there are."""

DEPENDENCIES = 1 << 14
"""Dependencies of different locks or places that are kept; further ones are not."""

LONGEST = 6
"""Actors in a cycle at most."""

STEPS = 200_000
"""Steps of the search for cycles; enough for all programs but those built against it."""


class _Dependency:
    """One place that took one lock under one set of locks: its times, as (actor, version, slot, number, clock, mark,
    marks known)."""

    __slots__ = ("count", "stack", "times")

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.count = 0
        self.times: list[tuple[int, int, int, int, Clock, int, int]] = []


class LockOrders:
    """Gathers dependencies. Only one thread calls it at a time. Actors and locks in it are added to `named`."""

    def __init__(self, named: set[int]) -> None:
        self._known: dict[tuple[tuple[int, ...], int, Stack], _Dependency] = {}
        self._named = named
        self.dropped = 0
        self._marks = 0
        self.noted = 0
        """How many times were noted, those alike each time."""

    def note(
        self,
        actor: int,
        version: int,
        held: tuple[int, ...],
        taken: int,
        stack: Stack,
        epoch: tuple[int, int],
        clock: Clock,
        task: Task | None = None,
    ) -> None:
        """`actor` took a lock while it held others. `version` is another one whenever its order to others changed.
        `task`: the actor, if others of its loop run while it waits for the lock."""
        key = (held, taken, stack[:1])
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= DEPENDENCIES:
                self.dropped += 1
                return
            known = self._known[key] = _Dependency(stack)
            self._named.update((*held, taken))
        known.count += 1
        times = known.times
        if times and times[-1][:2] == (actor, version):
            return
        mark, marks = -1, 0
        if task is not None:
            if len(times) >= KEPT or sum(time[0] == actor for time in times) >= OF_A_TASK:
                return
            mark, marks = self._mark(task)
        elif len(times) >= KEPT:
            del times[KEPT // 2]
        self.noted += 1
        times.append((actor, version, *epoch, dict(clock), mark, marks))
        self._named.add(actor)

    def _mark(self, task: Task) -> tuple[int, int]:
        """A mark for what the task does now, -1 if there are no more, and those that come before."""
        known = task.marks | task.ended
        if self._marks == MARKS:
            self.dropped += 1
            return -1, 0
        self._marks += 1
        task.marks |= 1 << self._marks - 1
        return self._marks - 1, known

    def all(self) -> tuple[LockOrder, ...]:
        """The dependencies, each with all its times."""
        return tuple(
            LockOrder(actor, held, taken, known.stack, slot, number, tuple(sorted(clock.items())), known.count, *marks)
            for (held, taken, _place), known in self._known.items()
            for actor, _version, slot, number, clock, *marks in known.times
        )


class _Search:
    """Depth first, from every dependency to those that hold the lock it takes."""

    def __init__(self, orders: list[LockOrder]) -> None:
        self._clocks = {id(order): dict(order.clock) for order in orders}
        self._holding: dict[int, list[LockOrder]] = {}
        for order in orders:
            for lock in order.held:
                self._holding.setdefault(lock, []).append(order)
        self._found: dict[frozenset[tuple[object, ...]], tuple[LockOrder, ...]] = {}
        self._steps = 0

    def run(self, orders: Iterable[LockOrder]) -> list[tuple[LockOrder, ...]]:
        for order in orders:
            self._extend((order,), set(order.held))
        return list(self._found.values())

    def _extend(self, chain: tuple[LockOrder, ...], held: set[int]) -> None:
        for order in self._holding.get(chain[-1].taken, ()):
            self._steps += 1
            if self._steps > STEPS:
                return
            if not all(self._may_meet(order, other) for other in chain) or held & set(order.held):
                continue
            longer = (*chain, order)
            if order.taken in chain[0].held:
                self._found.setdefault(frozenset((one.held, one.taken, one.stack[:1]) for one in longer), longer)
            elif len(longer) < LONGEST:
                self._extend(longer, held | set(order.held))

    def _may_meet(self, first: LockOrder, second: LockOrder) -> bool:
        """Whether two dependencies are those of different actors at times that nothing orders."""
        if first.actor == second.actor:
            return False
        if first.slot == second.slot:
            marked = first.mark >= 0 and second.mark >= 0
            return marked and not (second.known >> first.mark & 1 or first.known >> second.mark & 1)
        before = first.number <= self._clocks[id(second)].get(first.slot, 0)
        after = second.number <= self._clocks[id(first)].get(second.slot, 0)
        return not (before or after)


def cycles(orders: Iterable[LockOrder], signals: frozenset[int]) -> list[tuple[LockOrder, ...]]:
    """The potential deadlocks, one for each set of places and locks, in the order in which they were first seen."""
    left = [order for order in orders if order.taken not in signals and not signals.intersection(order.held)]
    while (
        True
    ):  # what takes a lock under which nothing is taken, or holds only what is taken under none, is in no cycle
        takes = {order.taken for order in left}
        holds = {lock for order in left for lock in order.held}
        kept = [order for order in left if order.taken in holds and not takes.isdisjoint(order.held)]
        if len(kept) == len(left):
            break
        left = kept
    return _Search(left).run(left)
