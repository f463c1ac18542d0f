"""Gathers the raw races of a run, folded by what looks alike."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from raceway.detector.clocks import Clock
from raceway.model.kinds import LocationKind
from raceway.model.races import THROUGH, DoubtRow, RawRace, Side, item_of, key_text, link_of
from raceway.model.records import Access, Location
from raceway.model.struct import replace
from raceway.model.typing import Any

Key = tuple[int, int, str, str, str, bool, tuple[object, ...], int]

LINKS = 512
"""Races that are kept of which it is still to be asked whether the later side depends on what it read."""


class Races:
    """Raw races, folded by pair of sites, operations and variable, those of one worker by that."""

    def __init__(self) -> None:
        self._races: dict[Key, RawRace] = {}
        self._doubts: dict[int, tuple[Key, DoubtRow]] = {}
        self._done: dict[Key, tuple[int, int]] = {}
        self._doubted = 0
        self.doubtful = 0
        """Counts what became known of doubts."""
        self.named: set[int] = set()
        """Serials of actors and locks that findings will name."""
        self.links = 0
        self.noted = 0
        """How many races were noted, those alike each time."""
        self.on_new: Callable[[], None] | None = None
        """Called for a race that is like none before it, by the thread that feeds the detector."""

    def add(
        self,
        earlier: Side,
        later: Side,
        observed: bool,
        one_loop: bool = False,
        recurs: bool = False,
        paused: bool = False,
        one_worker: tuple[int, int] | None = None,
    ) -> None:
        """Note a race; of several alike the one that tells most about its regions is kept. `one_worker`: one actor did
        both, the earlier one at this slot, with this number."""
        self.noted += 1
        first, second = earlier.access, later.access
        self.named.update((first.task or first.actor, second.task or second.actor, *earlier.locks, *later.locks))
        operations, link = (first.operation.value, second.operation.value), link_of(later)
        worker = second.actor if one_worker else 0
        key = (first.site, second.site, *operations, second.variable, one_loop, link, worker)
        known = self._races.get(key)
        if one_worker:
            self._done[key] = one_worker
        if known is None:
            self.links += later.region == THROUGH
            if link and self.links > LINKS:
                return
            item = item_of(second.location)
            self._races[key] = RawRace(earlier, later, observed, 1, one_loop, item=item, recurs=recurs, paused=paused)
            if one_worker:
                self._doubt(key, first, second)
            elif self.on_new is not None:
                self.on_new()
            return
        if one_worker and known.worker == 0:
            self._doubt_more(key, second.location)
        richer = _weight(earlier, later, observed) > _weight(known.earlier, known.later, known.observed)
        left, right = (earlier, later) if richer else (known.earlier, known.later)
        item = known.item if known.later.access.location.key == second.location.key else ""
        observed, recurs, paused = observed or known.observed, recurs or known.recurs, paused or known.paused
        count, judged = known.count + 1, known.worker
        self._races[key] = RawRace(
            left, right, observed, count, one_loop, item=item, recurs=recurs, paused=paused, worker=judged
        )

    def all(self) -> list[RawRace]:
        """The races in the order in which they were first seen; of one worker, those that others could have had."""
        return [race for key, race in self._races.items() if not key[-1] or race.worker]

    def _doubt(self, key: Key, first: Access, second: Access) -> None:
        self._doubted += 1
        self.doubtful += 1
        where, codes = second.location, tuple(access.stack[0][0] for access in (first, second) if access.stack)
        row = (self._doubted, (where.object,), int(where.kind), _telling(where), codes)
        self._doubts[self._doubted] = key, row

    def _doubt_more(self, key: Key, where: Location) -> None:
        """The race was seen at another object, or another key."""
        for number, (known, row) in self._doubts.items():
            if known == key:
                serials, keys = _more(row[1], (where.object,)), _more(row[3], _telling(where))
                self.doubtful += (serials, keys) != (row[1], row[3])
                self._doubts[number] = known, (number, serials, row[2], keys, row[4])

    def doubts(self, actor: int) -> list[DoubtRow]:
        """Races between two jobs of this worker that are still to be judged."""
        return [row for key, row in self._doubts.values() if key[-1] == actor]

    def judge(self, number: int, worker: int, known: Clock) -> None:
        """This actor could have had one of the two jobs, unless it knew of the first one when it began."""
        if number in self._doubts:
            key, row = self._doubts.pop(number)
            slot, done = self._done[key]
            if key[-1] != worker and known.get(slot, 0) >= done:
                self._doubts[number] = key, row
                return
            self.named.add(worker)
            self._races[key] = replace(self._races[key], worker=worker)
            if self.on_new is not None:
                self.on_new()


def _telling(where: Location) -> tuple[Hashable, ...]:
    """The key of an item, if it is one that can be told."""
    return (where.key,) if where.kind is LocationKind.ITEM and key_text(where.key) else ()


def _more(known: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, ...]:
    return known if len(known) > 1 or new == known else known + new


def _weight(earlier: Side, later: Side, observed: bool) -> int:
    return (earlier.head is not None) + (later.head is not None) + observed
