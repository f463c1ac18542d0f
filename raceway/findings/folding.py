"""Findings that only repeat stronger ones are dropped. Serves the builder of findings."""

from __future__ import annotations

from collections.abc import Callable

from raceway.findings import naming
from raceway.findings.groups import Group
from raceway.model.kinds import FindingKind, LocationKind
from raceway.model.races import ITEM, Side
from raceway.model.sites import Site

PLAIN = frozenset({FindingKind.READ_WRITE, FindingKind.WRITE_WRITE})
"""Kinds without a region."""
_REGIONAL = 2
_STRENGTH = {
    FindingKind.DOUBLE_INIT: 3,
    FindingKind.CHECK_THEN_ACT: 3,
    FindingKind.LOST_UPDATE: 3,
    FindingKind.AWAIT_GAP: 3,
    FindingKind.SPLIT_CRITICAL_SECTION: 3,
    FindingKind.ITERATION_MUTATION: 2,
    FindingKind.WRITE_WRITE: 1,
    FindingKind.READ_WRITE: 0,
}


def folded(groups: list[Group], site_of: Callable[[int], Site]) -> list[Group]:
    """Drop what only repeats a stronger finding on the same variable, in the same places. One that is explained away
    hides of what is not only looks at a container."""
    kept: list[Group] = []
    for group in sorted(groups, key=lambda group: -_STRENGTH[group.kind]):
        if not any(_repeats(group, strong, site_of) for strong in kept):
            kept.append(group)
    return kept


def beyond(others: list[Group], seen: list[Group]) -> list[Group]:
    """What was predicted, or done by one worker, and not seen: on another variable, or in other places."""
    return [
        group
        for group in others
        if not any(bare(group) == bare(other) and not _sites(group).isdisjoint(_sites(other)) for other in seen)
    ]


def bare(group: Group) -> str:
    """The variable of a group; of items, their container."""
    return group.variable.removesuffix(ITEM)


def _repeats(weak: Group, strong: Group, site_of: Callable[[int], Site]) -> bool:
    if bare(weak) != bare(strong):
        return False
    if _STRENGTH[weak.kind] >= _STRENGTH[strong.kind]:
        return False
    if strong.judgement.severity.rank > weak.judgement.severity.rank and not _only_looks(weak, strong):
        return False
    if _sites(weak) <= _sites(strong) or _same_lines(weak, strong):
        return True
    plain = _STRENGTH[weak.kind] < _REGIONAL <= _STRENGTH[strong.kind]
    return plain and _functions(weak, site_of) <= _functions(strong, site_of)


def _only_looks(weak: Group, strong: Group) -> bool:
    """Whether all that the weak one adds are looks at a container which the strong one changes, as for its length."""
    own = _sites(strong)
    sides = (side for race, _first, _second in weak.races for side in (race.earlier, race.later))
    return all(
        side.access.site in own
        or (not side.access.operation.mutates and side.access.location.kind is LocationKind.STRUCTURE)
        for side in sides
    )


def _same_lines(weak: Group, strong: Group) -> bool:
    """Whether the lines that have the weak one's values read by a method have them written by another, as the strong
    one says: `c.set(c.get() + 1)`."""
    if (weak.kind, strong.kind) != (FindingKind.READ_WRITE, FindingKind.WRITE_WRITE):
        return False
    sides = [side for race, _first, _second in weak.races for side in (race.earlier, race.later)]
    writes = {side.access.site for side in sides if side.access.operation.mutates}
    reading = [side for side in sides if not side.access.operation.mutates]
    others = [side for race, _first, _second in strong.races for side in (race.earlier, race.later)]
    return writes <= _sites(strong) and all(_by_another(side, others) for side in reading)


def _by_another(reading: Side, others: list[Side]) -> bool:
    """Whether the call that read stands in one line with calls that wrote, and comes before them: what a `with`
    statement calls at its end is on its line, too."""
    place = _calling(reading)
    beside = [side for side in others if _calling(side) == place]
    return place is not None and bool(beside) and all(_comes_first(reading, side) for side in beside)


def _comes_first(reading: Side, writing: Side) -> bool:
    """Whether of two calls in one line the other one comes later, and is another one."""
    return reading.access.stack[1][1] < writing.access.stack[1][1]


def _calling(side: Side) -> tuple[str, int] | None:
    """File and line of the call that the side was done in."""
    if len(side.access.stack) < 2:
        return None
    code, offset = side.access.stack[1]
    return code.co_filename, naming.line_at(code, offset)


def _sites(group: Group) -> set[int]:
    return {side.access.site for race, _first, _second in group.races for side in (race.earlier, race.later)}


def _functions(group: Group, site_of: Callable[[int], Site]) -> set[str]:
    return {
        site_of(access.site).function
        for race, _first, _second in group.races
        for side in (race.earlier, race.later)
        for access in (side.access, side.head)
        if access is not None
    }
