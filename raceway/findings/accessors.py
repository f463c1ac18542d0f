"""Updates by one line through two functions: `card.points += 1`, where `points` is a property or a descriptor.

The read lies in one function and the write in another, both called from that line: to each of them the value is its
own business, and the line is where it is read and written back. The transform links the two where they are methods or
a property of one class of the module (`classify.members`); told from the line are those that it does not know to
belong together, as of a descriptor. Serves the grouping of races.
"""

from __future__ import annotations

import ast

from raceway.findings import naming
from raceway.findings.classify import Member
from raceway.findings.syntax import source
from raceway.model.kinds import RegionKind
from raceway.model.races import RawRace, Side
from raceway.model.struct import replace


def joined(race: RawRace, parts: tuple[Member, Member]) -> tuple[Member, Member]:
    """Both sides; one that reads for a line which writes it back, by the function of the other side, in that region."""
    first, second = parts
    if second.side.access.operation.mutates:
        return (_reading(first, second), second) if first.region is None and updating(race) is not None else parts
    return (first, _reading(second, first)) if second.region is None and updating(race) is not None else parts


def _reading(part: Member, other: Member) -> Member:
    return replace(part, unit=other.unit, region=RegionKind.VALUE, spans=True)


def updating(race: RawRace) -> tuple[str, int] | None:
    """File and line of the statement that both sides were called from, if it reads the place and writes it back."""
    first, second = race.earlier, race.later
    if first.access.operation.mutates == second.access.operation.mutates:
        return None
    place = _calling(first)
    if place is None or place != _calling(second) or first.access.site == second.access.site:
        return None
    return place if _updates(*place) else None


def _calling(side: Side) -> tuple[str, int] | None:
    """File and line of the call that the side was done in."""
    if len(side.access.stack) < 2:
        return None
    code, offset = side.access.stack[1]
    return code.co_filename, naming.line_at(code, offset)


def _updates(path: str, line: int) -> bool:
    """Whether a statement there stores into an attribute or item what it makes of the same one."""
    for node in source(path).parents:
        match node:
            case ast.AugAssign(target=ast.Attribute() | ast.Subscript(), lineno=begin, end_lineno=end):
                if begin <= line <= (end or begin):
                    return True
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript() as target], lineno=begin, end_lineno=end):
                if begin <= line <= (end or begin) and _has(node.value, target):
                    return True
    return False


def _has(value: ast.expr, target: ast.expr) -> bool:
    text = ast.unparse(target)
    return any(isinstance(part, type(target)) and ast.unparse(part) == text for part in ast.walk(value))
