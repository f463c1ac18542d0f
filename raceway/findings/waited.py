"""Acts on what was there before a wait: `if not jobs: condition.wait()` and then `jobs.pop()`.

Whoever is notified finds what was put in, unless somebody else has taken it first. So it is another one who takes that
breaks such a section, and not who puts in: that is what was waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from raceway.model.races import RawRace, Side
from raceway.model.sites import Site


def without_supply(races: Iterable[RawRace], site_of: Callable[[int], Site]) -> Iterator[RawRace]:
    """The races, without those of who has waited with who puts in."""
    for race in races:
        if not waited(race.later, site_of) or any(one.waits for one in site_of(race.earlier.access.site).regions):
            yield race


def waited(side: Side, site_of: Callable[[int], Site]) -> bool:
    """Whether the side acts on a test before a wait, and has not looked since."""
    return side.region >= 0 and site_of(side.access.site).regions[side.region].waits
