"""Regions whose head and write lie in methods that one activation called: was that the activation that relies on them?

The detector tells that one called both. Whether it is one of those whose test decides is told by the line of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from raceway.findings import naming
from raceway.model.races import RawRace, Side
from raceway.model.sites import Site
from raceway.model.struct import replace


def confirmed(
    races: Iterable[RawRace], site_of: Callable[[int], Site], file_of: Callable[[int], str]
) -> Iterator[RawRace]:
    """The races, without regions that another caller made, and without those that are none then."""
    for race in races:
        earlier, later = (_without(side, site_of, file_of) for side in (race.earlier, race.later))
        if later is race.later:
            yield race if earlier is race.earlier else replace(race, earlier=earlier)
        elif not race.one_loop and set(earlier.locks).isdisjoint(later.locks):
            yield replace(race, earlier=earlier, later=later, observed=False)


def _without(side: Side, site_of: Callable[[int], Site], file_of: Callable[[int], str]) -> Side:
    """The side, without its region if another caller made that."""
    serial = side.access.site
    region = site_of(serial).regions[side.region] if side.region >= 0 else None
    if region is None or not region.calls:
        return side
    code, offset = side.access.stack[1] if len(side.access.stack) > 1 else (None, 0)
    if code is not None and code.co_filename == file_of(serial) and naming.line_at(code, offset) in region.calls:
        return side
    return replace(side, head=None, region=-1)
