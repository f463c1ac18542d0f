"""Gathers the raw races of a run, folded by what looks alike."""

from __future__ import annotations

from collections.abc import Callable

from raceway.model.races import THROUGH, RawRace, Side, item_of, link_of

Key = tuple[int, int, str, str, str, bool, tuple[object, ...]]

LINKS = 512
"""Races that are kept of which it is still to be asked whether the later side depends on what it read."""


class Races:
    """Raw races, folded by pair of sites, operations and variable."""

    def __init__(self) -> None:
        self._races: dict[Key, RawRace] = {}
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
    ) -> None:
        """Note a race; of several alike the one that tells most about its regions is kept."""
        self.noted += 1
        first, second = earlier.access, later.access
        self.named.update((first.task or first.actor, second.task or second.actor, *earlier.locks, *later.locks))
        operations, link = (first.operation.value, second.operation.value), link_of(later)
        key = (first.site, second.site, *operations, second.variable, one_loop, link)
        known = self._races.get(key)
        if known is None:
            self.links += later.region == THROUGH
            if link and self.links > LINKS:
                return
            item = item_of(second.location)
            self._races[key] = RawRace(earlier, later, observed, 1, one_loop, item=item, recurs=recurs, paused=paused)
            if self.on_new is not None:
                self.on_new()
            return
        richer = _weight(earlier, later, observed) > _weight(known.earlier, known.later, known.observed)
        left, right = (earlier, later) if richer else (known.earlier, known.later)
        item = known.item if known.later.access.location.key == second.location.key else ""
        observed, recurs, paused = observed or known.observed, recurs or known.recurs, paused or known.paused
        count = known.count + 1
        self._races[key] = RawRace(left, right, observed, count, one_loop, item=item, recurs=recurs, paused=paused)

    def all(self) -> list[RawRace]:
        """The races in the order in which they were first seen."""
        return list(self._races.values())


def _weight(earlier: Side, later: Side, observed: bool) -> int:
    return (earlier.head is not None) + (later.head is not None) + observed
