"""Races that are one finding, gathered. Serves the builder of findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from raceway.findings import uses
from raceway.findings.accessors import joined
from raceway.findings.classify import Member, Openings, kind_of, members
from raceway.findings.judge import Judgement
from raceway.findings.together import Moments
from raceway.findings.usual import Usual
from raceway.model.kinds import FindingKind
from raceway.model.races import ITEM, RawRace
from raceway.model.sites import Site


class Group:
    """Races that are one finding: same kind, variable and pair of lines; what else they are once that is known."""

    judgement: Judgement
    usual: Usual | None
    moments: Moments | None
    is_one_value: bool
    called: str
    """The variable, as who knows the program calls it."""

    def __init__(self, kind: FindingKind, variable: str, luck: int) -> None:
        self.kind = kind
        self.variable = variable
        self.luck = luck
        self.predicted = luck == 2
        self.races: list[tuple[RawRace, Member, Member]] = []

    @property
    def count(self) -> int:
        """How many racing pairs there were: of two writes, where there are such. What was written once may be looked
        at for ever."""
        races = [race for race, _first, _second in self.races]
        return sum(race.count for race in [race for race in races if _both_write(race)] or races)

    @property
    def key(self) -> str:
        """The key that all the races are about, of a variable that is an item; empty where there are several."""
        keys = {race.item for race, _first, _second in self.races}
        return keys.pop() if len(keys) == 1 and self.variable.endswith(ITEM) else ""

    def best(self) -> tuple[RawRace, Member, Member]:
        """The race that shows most: both sides writing, regions closed, observed."""
        return max(self.races, key=_telling)


def _both_write(race: RawRace) -> bool:
    return all(side.access.operation.mutates for side in (race.earlier, race.later))


def _telling(found: tuple[RawRace, Member, Member]) -> int:
    race, first, second = found
    score = 4 * race.observed
    for part in (first, second):
        score += 2 * (part.side.region >= 0) + part.side.access.operation.mutates
        score += part.opened >= 0 and part.side.access.site != part.unit  # a test, rather than a use
    return score


def grouped(
    races: Iterable[RawRace], site_of: Callable[[int], Site], file_of: Callable[[int], str], openings: Openings
) -> list[Group]:
    """The races, gathered."""
    groups: dict[object, Group] = {}
    for race in races:
        parts = joined(race, members(race, site_of, openings))
        first, second = uses.joined(race, parts, site_of, file_of)
        kind = kind_of(race, first, second)
        variable = _variable(race)
        lines = frozenset(_line(part.unit, site_of) for part in (first, second))
        luck = 2 if race.predicted else int(race.worker != 0)  # that of locks, and of who took a job
        key = (kind, variable, lines, race.one_loop, luck)
        groups.setdefault(key, Group(kind, variable, luck)).races.append((race, first, second))
    return list(groups.values())


def _line(serial: int, site_of: Callable[[int], Site]) -> tuple[int, int]:
    """The line of a site, as far as findings are told apart: its module's first site, and the number."""
    site = site_of(serial)
    return serial - site.index, site.line


def _variable(race: RawRace) -> str:
    """The variable of both sides; a container's own name where one side addresses an item and one the whole."""
    first, second = race.earlier.access.variable, race.later.access.variable
    if first.endswith(ITEM) and not second.endswith(ITEM):
        return second
    if second.endswith(ITEM) and not first.endswith(ITEM):
        return second.removesuffix(ITEM)
    return second
