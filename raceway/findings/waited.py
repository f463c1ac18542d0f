"""Acts on what was there before: `if not jobs: condition.wait()` and then `jobs.pop()`, or a `pop()` in another section
than the test whether there is something.

Who puts something in takes nothing away from that, and is what a waiter waits for. So it is another one who takes that
breaks such a section.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from raceway.findings.judge import puts
from raceway.model.kinds import Operation, RegionKind
from raceway.model.races import RawRace, Side
from raceway.model.sites import Region, Site


def without_supply(races: Iterable[RawRace], site_of: Callable[[int], Site]) -> Iterator[RawRace]:
    """The races, without those of who takes what it has tested for with who puts in."""
    for race in races:
        earlier = site_of(race.earlier.access.site)
        if waited(race.later, site_of):
            supplies = not any(one.waits for one in earlier.regions)
        else:
            supplies = _takes(race.later, site_of) and puts(earlier)
        if not supplies:
            yield race


def waited(side: Side, site_of: Callable[[int], Site]) -> bool:
    """Whether the side acts on a test before a wait, and has not looked since."""
    region = _region(side, site_of)
    return region is not None and region.waits


def _takes(side: Side, site_of: Callable[[int], Site]) -> bool:
    """Whether the side changes a container because of a test in another section."""
    region = _region(side, site_of)
    tests = region is not None and region.splits and region.kind is RegionKind.TEST and not region.fills
    return tests and side.access.operation in (Operation.STRUCTURAL_CHANGE, Operation.DELETE)


def _region(side: Side, site_of: Callable[[int], Site]) -> Region | None:
    return site_of(side.access.site).regions[side.region] if side.region >= 0 else None
