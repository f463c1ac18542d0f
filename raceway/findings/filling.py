"""Writes of tasks that do not get into each other's way, as two that append: whether a test makes them.

The detector tells that one came between the test and the write of another task. `if len(self.rows) < self.limit` has
both put something in where there was room for one, and `if self.rows` both take something out where there was one;
`if key not in self.rows` has them store under keys of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from raceway.model.kinds import Commute, LocationKind
from raceway.model.races import RawRace, Side
from raceway.model.records import Access
from raceway.model.sites import Site

_TAKING = frozenset({"pop", "popleft", "remove", "discard"})


def without_room(races: Iterable[RawRace], site_of: Callable[[int], Site]) -> Iterator[RawRace]:
    """The races, without those of writes that may come in either order, unless a test asked for room, or for what both
    take out."""
    for race in races:
        side = race.later
        region = site_of(side.access.site).regions[side.region] if side.region >= 0 else None
        either = race.one_loop and region is not None and _commute(race.earlier.access, side.access)
        if not either or (region is not None and (region.fills or (region.takes and _takes(race.earlier, site_of)))):
            yield race


def _takes(side: Side, site_of: Callable[[int], Site]) -> bool:
    """Whether the side takes something out of a row or a set."""
    return site_of(side.access.site).name in _TAKING


def _commute(first: Access, second: Access) -> bool:
    """Whether two writes, neither of which replaces what is there, leave the same in either order."""
    if Commute.NONE in (first.commute, second.commute):
        return False
    return first.location.kind is LocationKind.STRUCTURE or first.commute is second.commute
