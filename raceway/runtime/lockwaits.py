"""Who waits for which lock, for how long, and whether the actors of a cycle wait for each other: of the pure core.

A wait is told before it begins, so the last actor of a cycle finds it closed. That is a deadlock as long as each of
them waits for its lock without limit: it is over, and was none, when one of the waits ends with the lock taken (another
actor freed it); a wait that ends with an exception, as an interrupt raises it, has left a deadlock behind.

Nothing here takes a lock. Each dictionary operation is one step, and an actor enters its wait before it looks at those
of others: of two that close a cycle at the same time, one sees it whole. Counts that two threads raise at once may lose
one without a GIL.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType

from raceway.model.locks import Contention, Waiting
from raceway.model.records import Stack
from raceway.originals import perf_counter_ns
from raceway.runtime.stacks import capture

Deadlock = tuple[Waiting, ...]

PLACES = 1 << 14
"""Pairs of a lock's origin and a place that takes it whose contention is kept."""

_Origin = tuple[str, int]


class _Wait:
    """One wait that goes on; `cycle` is the deadlock that it is part of."""

    __slots__ = ("began", "cycle", "limited", "stack", "sync")

    def __init__(self, sync: int, stack: Stack, limited: bool) -> None:
        self.sync = sync
        self.stack = stack
        self.limited = limited
        self.began = perf_counter_ns()
        self.cycle: _Cycle | None = None


class _Cycle:
    """Actors that wait for each other; `lasts` until one of them goes on."""

    __slots__ = ("lasts", "left", "members")

    def __init__(self, members: Deadlock) -> None:
        self.members = members
        self.lasts = True
        self.left = False


class _Place:
    """Counts of one place that takes locks of one origin."""

    __slots__ = ("acquisitions", "held", "holds", "longest", "stack", "sync", "waited", "waits")

    def __init__(self, sync: int, stack: Stack) -> None:
        self.sync = sync
        self.stack = stack
        self.acquisitions = self.waits = self.waited = self.longest = self.holds = self.held = 0


class LockWaits:
    """The waits of a run. Any thread may call it.

    `actor` tells the actor that the calling thread runs, `origin` where a lock was made; `name` is told of locks whose
    origin will be asked for when they are gone.
    """

    def __init__(
        self, actor: Callable[[], int], origin: Callable[[int], _Origin], name: Callable[[int], object]
    ) -> None:
        self._actor = actor
        self._origin = origin
        self._name = name
        self.listener: Callable[[Deadlock], object] | None = None
        """Called with a deadlock that has lasted, by the thread that closed it."""
        self._holders: dict[int, int] = {}
        self._waits: dict[int, _Wait] = {}
        self._waited: dict[int, int] = {}
        self._cycles: list[_Cycle] = []
        self._places: dict[tuple[object, ...], _Place] = {}
        self._holds: dict[int, tuple[_Place, int]] = {}

    def begin(self, sync: int, limited: bool, frame: FrameType | None, /) -> bool:
        """The current actor is about to wait at `frame`, `limited` by a time; whether that closes a cycle of others."""
        actor = self._actor()
        wait = self._waits[actor] = _Wait(sync, capture(frame), limited)
        ring = [] if limited else self._ring(actor, sync)
        if ring and not any(self._waits[one].cycle is not None for one in ring if one in self._waits):
            cycle = _Cycle(tuple(self._told(one, self._waits[one]) for one in ring if one in self._waits))
            self._cycles.append(cycle)
            for member in cycle.members:
                for lock in (member.sync, *member.held):
                    self._name(lock)
            for one in ring:
                if (found := self._waits.get(one)) is not None:
                    found.cycle = cycle
        return len(ring) > 1 and wait.cycle is not None

    def end(self, sync: int, taken: bool, /) -> None:
        """The wait of the current actor is over."""
        actor = self._actor()
        wait = self._waits.pop(actor, None)
        if wait is None or wait.sync != sync:
            return
        if (cycle := wait.cycle) is not None and not cycle.left:
            cycle.left = True
            cycle.lasts = not taken
        if taken:
            self._waited[actor] = wait.began

    def stuck(self) -> None:
        """The current actor has closed a cycle and has waited a while: tell of it if it lasts."""
        wait = self._waits.get(self._actor())
        if wait is not None and wait.cycle is not None and wait.cycle.lasts and self.listener is not None:
            self.listener(wait.cycle.members)

    def taken(self, actor: int, sync: int, frame: FrameType | None) -> None:
        """`actor` holds the lock from here on."""
        self._holders[sync] = actor
        place = self._place(sync, outside(frame))
        began = self._waited.pop(actor, 0)
        if place is None:
            return
        place.acquisitions += 1
        if began:
            now = perf_counter_ns()
            place.waits += 1
            place.waited += now - began
            place.longest = max(place.longest, now - began)
            self._holds[sync] = place, now

    def freed(self, sync: int) -> None:
        """The lock is about to be free."""
        self._holders.pop(sync, None)
        if (hold := self._holds.pop(sync, None)) is not None:
            place, began = hold
            place.holds += 1
            place.held += perf_counter_ns() - began

    def forget(self, sync: int) -> None:
        """The lock died."""
        self._holders.pop(sync, None)
        self._holds.pop(sync, None)

    def deadlocks(self) -> tuple[Deadlock, ...]:
        """Those that last, or lasted until an exception ended them."""
        return tuple(cycle.members for cycle in self._cycles if cycle.lasts)

    def waiting(self) -> Deadlock:
        """Who waits now."""
        return tuple(self._told(actor, wait) for actor, wait in list(self._waits.items()))

    def contention(self) -> tuple[Contention, ...]:
        """What every place that took locks has met."""
        return tuple(
            Contention(
                place.sync,
                place.stack,
                place.acquisitions,
                place.waits,
                place.waited,
                place.longest,
                place.holds,
                place.held,
            )
            for place in list(self._places.values())
        )

    def _ring(self, actor: int, sync: int) -> list[int]:
        """The actors that wait for each other, from this one on; empty when one of them waits for nothing."""
        ring = [actor]
        while (holder := self._holders.get(sync, 0)) != actor:
            wait = self._waits.get(holder)
            if wait is None or wait.limited or holder in ring:
                return []
            ring.append(holder)
            sync = wait.sync
        return ring

    def _told(self, actor: int, wait: _Wait) -> Waiting:
        held = tuple(sync for sync, holder in list(self._holders.items()) if holder == actor)
        return Waiting(actor, wait.sync, self._holders.get(wait.sync, 0), held, wait.stack)

    def _place(self, sync: int, frame: FrameType | None) -> _Place | None:
        if frame is None:
            return None
        origin = self._origin(sync)
        key = (origin if origin[0] else sync, frame.f_code, frame.f_lasti)
        place = self._places.get(key)
        if place is None and len(self._places) < PLACES:
            place = self._places.setdefault(key, _Place(sync, ((frame.f_code, frame.f_lasti),)))
            self._name(sync)
        return place


def outside(frame: FrameType | None) -> FrameType | None:
    """The first frame from `frame` on that is not one of `threading`, which takes locks for its callers."""
    while frame is not None and frame.f_globals.get("__name__") == "threading" and frame.f_back is not None:
        frame = frame.f_back
    return frame
