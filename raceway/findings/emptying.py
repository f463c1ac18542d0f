"""Both sides only take items out of a container, and look at none: `rows.clear()`, `jobs.discard(job)`, `del rows[:]`.

What is left is the same in either order, also where an await or a test came before. Nor is anything lost where both
sides take out the same item in one step, and bear that it is not there: `job = jobs.pop(key, None)` claims it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeGuard

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

COUNTED = "what there is by then is counted and taken out, and the other side only puts something in: that stays"

_TAKING = frozenset({"pop", "popleft"})

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


def takes_as_many(reader: tuple[str, Site], writer: Site) -> bool:
    """Whether the number of items that is read tells how many to take out, as in `for _ in range(len(rows))`, and the
    other side puts in."""
    nodes = within(around(*reader))
    match nodes[:4]:
        case (ast.expr() as rows, ast.Call(func=ast.Name(id="len")), ast.Call() as call, ast.For() as loop):
            return puts(writer) and _is_range(call) and call is loop.iter and _only_takes(loop, rows)
        case (ast.expr() as rows, ast.Call(func=ast.Name(id="len")), ast.Assign(targets=[ast.Name(id=name)]), _):
            uses = [node for node in ast.walk(nodes[-1]) if isinstance(node, ast.Name) and node.id == name]
            loops = [
                node
                for node in ast.walk(nodes[-1])
                if isinstance(node, ast.For) and _is_range(node.iter) and node.iter.args[0] in uses
            ]
            return puts(writer) and len(uses) == 2 and len(loops) == 1 and _only_takes(loops[0], rows)
    return False


def _is_range(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "range"
        and len(node.args) == 1
    )


def _only_takes(loop: ast.For, rows: ast.expr) -> bool:
    """Whether all that the loop does with the container is to take items out of it, one in each round."""
    words = ast.dump(rows)
    mentions = [node for part in loop.body for node in ast.walk(part) if ast.dump(node) == words]
    calls = [node for part in loop.body for node in ast.walk(part) if isinstance(node, ast.Call)]
    taken = [call.func for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in _TAKING]
    return len(mentions) == 1 and any(func.value is mentions[0] for func in taken)


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
