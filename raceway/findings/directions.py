"""Tests of how much there is, and what cannot undo them: who puts tokens into a bucket takes none from who has asked.

    if bucket.holds(n): bucket.take(n)        self.tokens -= n, with    self.tokens += m, or    self.tokens = self.size

An amount that was found sufficient stays so when another thread adds to it, and room that was found stays when another
one frees some. Told from the source of both writes: which way each of them goes, as far as it shows.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from raceway.findings import naming
from raceway.model.kinds import RegionKind
from raceway.model.races import RawRace, Side
from raceway.model.sites import Context, Site


class Way(enum.Enum):
    """Where a write takes a number."""

    UP = "up"
    DOWN = "down"
    ZERO = "zero"
    SET = "set"
    """To what is stored elsewhere, or is written there."""
    UNKNOWN = "unknown"


_SIGNS: dict[type[ast.operator], Way] = {ast.Add: Way.UP, ast.Sub: Way.DOWN}
_HARMLESS = {
    Way.UP: frozenset({Way.DOWN, Way.ZERO, Way.SET}),
    Way.DOWN: frozenset({Way.UP, Way.SET}),
}
"""By where the write goes that relies on a test, what others may do in between."""


def without_gain(
    races: Iterable[RawRace], site_of: Callable[[int], Site], file_of: Callable[[int], str]
) -> Iterator[RawRace]:
    """The races, without those of who counts on a test under a lock with who only leaves more of what was tested."""
    for race in races:
        relies = _relies(race.later, site_of) and not set(race.earlier.locks).isdisjoint(race.later.locks)
        harmless = _HARMLESS.get(_way(race.later, site_of, file_of), frozenset()) if relies else frozenset()
        if not harmless or _way(race.earlier, site_of, file_of) not in harmless:
            yield race


def _relies(side: Side, site_of: Callable[[int], Site]) -> bool:
    """Whether the side counts up or down because of a test in another section."""
    site = site_of(side.access.site)
    region = site.regions[side.region] if side.region >= 0 else None
    return site.context is Context.AUGMENT and region is not None and region.splits and region.kind is RegionKind.TEST


def _way(side: Side, site_of: Callable[[int], Site], file_of: Callable[[int], str]) -> Way:
    serial = side.access.site
    return way_of(file_of(serial), site_of(serial).line)


@lru_cache(maxsize=256)
def way_of(path: str, line: int) -> Way:
    """Where the assignment in that line of a file takes what is there."""
    tree = naming.parsed(path)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.AugAssign) and node.lineno == line:
            return _SIGNS.get(type(node.op), Way.UNKNOWN)
        if isinstance(node, ast.Assign) and node.lineno == line and len(node.targets) == 1:
            return _stored(ast.unparse(node.targets[0]), node.value)
    return Way.UNKNOWN


def _stored(target: str, value: ast.expr) -> Way:
    if isinstance(value, ast.Constant):
        return Way.SET if value.value else Way.ZERO
    if isinstance(value, (ast.Name, ast.Attribute)):
        return Way.SET
    ways = {
        _SIGNS.get(type(node.op), Way.UNKNOWN)
        for node in ast.walk(value)
        if isinstance(node, ast.BinOp) and target in (ast.unparse(node.left), ast.unparse(node.right))
    }
    return ways.pop() if len(ways) == 1 else Way.UNKNOWN
