"""Acts that bear that what was found has gone since: they take it out, and nothing else.

    for loop in loops.copy():
        if loop.is_closed():
            try:
                del loops[loop]
            except KeyError:
                pass

Others that take items out, or put in what is missing, leave nothing undone and break nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import pairwise

from raceway.findings.classify import Member, Openings
from raceway.findings.syntax import around, within
from raceway.model.kinds import RegionKind
from raceway.model.sites import Context, Site, SiteForm

REASON = "who finds something only takes it out, and bears that it has gone; the other side stores nothing anew"

_GONE = frozenset({"KeyError", "ValueError"})
"""Not IndexError: in a list what comes after moves up, and something else is taken out."""
_TAKING = frozenset({"pop", "remove", "discard", "popitem", "clear", "setdefault"})

Where = tuple[str, Site]


def expects_gone(
    parts: tuple[Member, Member], places: tuple[Where, Where], site_of: Callable[[int], Site], openings: Openings
) -> bool:
    """Whether each side either acts in that way on what it has found, or takes something out itself. Without a test on
    any side both have to bear that it has gone."""
    acts, bears = 0, 0
    for part, (path, site) in zip(parts, places, strict=True):
        if part.region is None or part.region is RegionKind.VALUE:
            if not _takes_out(site):
                return False
            bears += _taken(path, site) is not None
        else:
            acts += 1
            found = part.side.access if part.side.region < 0 else part.side.head
            if found is None or openings.acts(found.site) != {part.unit}:
                return False
            if not _only_takes_out(path, site_of(part.unit), site_of(found.site)):
                return False
    return acts > 0 or bears == len(parts)


def _takes_out(site: Site) -> bool:
    if site.form is SiteForm.METHOD:
        return site.name in _TAKING
    return site.form is SiteForm.ITEM and site.context is Context.DELETE


def _only_takes_out(path: str, act: Site, test: Site) -> bool:
    """Whether the act bears that nothing is there, and is all that is done since the test."""
    first = _taken(path, act)
    return first is not None and act.name != "setdefault" and first <= test.line <= act.line


def _taken(path: str, act: Site) -> int | None:
    """Where the statement begins that only takes something out; None if it does not bear that it has gone."""
    if not _takes_out(act):
        return None
    bears, first = False, act.line
    for node, parent in pairwise(within(around(path, act))):
        match parent:
            case ast.Expr() | ast.Delete(targets=[_]):
                bears = bears or _has_default(node)
            case ast.Try(body=[inner], handlers=[handler], orelse=[], finalbody=[]) if inner is node:
                bears = bears or _is_gone(handler)
            case ast.If(body=[inner], orelse=[]) | ast.For(body=[inner], orelse=[]) if inner is node:
                pass
            case _:
                break
        first = parent.lineno
    return first if bears else None


def _has_default(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="pop"), args=[_, ast.Constant()]):
            return True
        case ast.Call(func=ast.Attribute(attr="discard" | "clear")):
            return True
    return False


def _is_gone(handler: ast.ExceptHandler) -> bool:
    """Whether the handler passes over that something has gone."""
    match handler:
        case ast.ExceptHandler(type=ast.Name(id=name), body=[ast.Pass() | ast.Continue()]):
            return name in _GONE
    return False
