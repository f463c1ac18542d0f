"""Both sides only take items out of a container, and look at none: `rows.clear()`, `jobs.discard(job)`, `del rows[:]`.

What is left is the same in either order, also where an await or a test came before. Nor is anything lost where both
sides take out the same item in one step, and bear that it is not there: `job = jobs.pop(key, None)` claims it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from itertools import pairwise

from raceway.findings.classify import Member
from raceway.findings.judge import puts
from raceway.findings.syntax import around, within
from raceway.model.kinds import LocationKind
from raceway.model.races import RawRace, Side
from raceway.model.sites import Context, Site, SiteForm

REASON = "both sides only take items out, and look at none: the same is left in either order"

BY_KEY = "what is there is only taken out by its key, which may be gone: nothing is written back"

BY_VALUE = "what is there is only removed, one item at a time, and the other side only puts something in: that stays"

CLAIM = "both sides take the item out in one step, and bear that it is gone: in either order one of them gets it"

_MISSING = frozenset({"KeyError", "LookupError"})

_CONTAINERS = frozenset({LocationKind.STRUCTURE, LocationKind.ITEM})


def only_empties(race: RawRace, earlier: tuple[str, Site], later: tuple[str, Site]) -> bool:
    """Whether both sides take something out whatever it is, and would not miss it either."""
    return _takes_out(race.earlier, *earlier) and _takes_out(race.later, *later)


def both_claim(race: RawRace, earlier: tuple[str, Site], later: tuple[str, Site]) -> bool:
    """Whether both sides take one item out by its key in one step, which tells them whether they have got it."""
    return all(side.access.location.kind is LocationKind.ITEM for side in (race.earlier, race.later)) and (
        _claims(*earlier) and _claims(*later)
    )


def writes_nothing_back(
    parts: Sequence[Member], places: Sequence[tuple[str, Site]], site_of: Callable[[int], Site]
) -> bool:
    """Whether what was read of a container only tells what to take out of it, by keys that may be gone."""
    regions = [(part, path) for part, (path, _site) in zip(parts, places, strict=True) if part.region is not None]
    return bool(regions) and all(
        part.side.access.location.kind in _CONTAINERS and _would_not_miss(path, site_of(part.unit))
        for part, path in regions
    )


def leaves_what_is_put_in(
    parts: Sequence[Member], places: Sequence[tuple[str, Site]], site_of: Callable[[int], Site]
) -> bool:
    """Whether what was read of a container only tells what to `remove()` from it, and the other side puts in."""
    taking = [part for part in parts if part.region is not None]
    putting = [site for part, (_path, site) in zip(parts, places, strict=True) if part.region is None]
    return (
        len(taking) == len(putting) == 1
        and taking[0].side.access.location.kind in _CONTAINERS
        and _removes(site_of(taking[0].unit))
        and puts(putting[0])
    )


def _removes(site: Site) -> bool:
    return site.form is SiteForm.METHOD and site.name == "remove"


def _would_not_miss(path: str, site: Site) -> bool:
    """Whether it takes out one thing, if that is there, and does nothing with it."""
    if site.form is not SiteForm.METHOD:
        return False
    return site.name == "discard" or (site.name == "pop" and _unused_with_default(path, site))


def _takes_out(side: Side, path: str, site: Site) -> bool:
    if side.access.location.kind not in _CONTAINERS or not side.access.operation.mutates:
        return False
    if site.form is SiteForm.METHOD:
        return site.name == "clear" or _would_not_miss(path, site)
    return site.form is SiteForm.ITEM and site.context is Context.DELETE and _is_whole(path, site)


def _unused_with_default(path: str, site: Site) -> bool:
    """Whether it is `rows.pop(key, None)`, of which nothing is used."""
    match around(path, site)[:2]:
        case (ast.Call(args=[_, ast.Constant()], keywords=[]), ast.Expr()):
            return True
    return False


def _claims(path: str, site: Site) -> bool:
    """Whether it is `rows.pop(key, None)`, or a `pop` of which a handler bears that it finds nothing."""
    if site.form is not SiteForm.METHOD or site.name != "pop":
        return False
    nodes = within(around(path, site))
    match nodes[:1]:
        case (ast.Call(args=[_, _], keywords=[]),):
            return True
    tries = (parent for node, parent in pairwise(nodes) if isinstance(parent, ast.Try) and node in parent.body)
    innermost = next(tries, None)
    return innermost is not None and any(map(_bears_missing, innermost.handlers))


def _bears_missing(handler: ast.ExceptHandler) -> bool:
    """Whether a handler is for a key that is not there."""
    return isinstance(handler.type, ast.Name) and handler.type.id in _MISSING


def _is_whole(path: str, site: Site) -> bool:
    """Whether it is `del rows[:]`."""
    match around(path, site)[:1]:
        case (ast.Subscript(slice=ast.Slice(lower=None, upper=None, step=None)),):
            return True
    return False
