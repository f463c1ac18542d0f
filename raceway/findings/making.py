"""Races with what a thread did to an object before it gave anybody a reference to it: there are none.

The detector cannot tell: nothing but the reference itself orders the two sides. Where the side that makes is the later
one, the object was known before, so that it was not being made after all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from raceway.model.races import RawRace
from raceway.model.sites import Site


def without_making(races: Iterable[RawRace], site_of: Callable[[int], Site]) -> Iterator[RawRace]:
    """The races whose earlier side is not part of making the object."""
    for race in races:
        earlier, later = (site_of(side.access.site) for side in (race.earlier, race.later))
        if not earlier.made or later.made or race.observed or race.one_loop:
            yield race
