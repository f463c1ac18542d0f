"""Builds the findings of a run from its raw races: folds what belongs together, names it, judges it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from raceway.findings import naming
from raceway.findings.awaits import Awaits
from raceway.findings.beginnings import at_the_beginning
from raceway.findings.calls import confirmed
from raceway.findings.classify import Member, Openings, advances, kind_of, members
from raceway.findings.defaults import default_of
from raceway.findings.directions import without_gain
from raceway.findings.filenames import identity
from raceway.findings.filling import without_room
from raceway.findings.fingerprint import fingerprint
from raceway.findings.guards import Guard, Guards, missing
from raceway.findings.interleaving import Interleaving
from raceway.findings.judge import Judgement, judge, trusted, worst
from raceway.findings.links import Links
from raceway.findings.making import without_making
from raceway.findings.sides import LockNames, another_worker, sides_of, tells_item
from raceway.findings.snapshots import REASON as SNAPSHOT
from raceway.findings.snapshots import Raced, Snapshots
from raceway.findings.sourced import reason
from raceway.findings.together import Moments, references, related, together
from raceway.findings.usual import Guarding, Usual
from raceway.findings.waited import waited, without_supply
from raceway.findings.wording import Breach, Facts, fix, guard, message
from raceway.model.findings import Actor, Finding, Verdicts
from raceway.model.kinds import Confidence, FindingKind, LocationKind, Severity, Verdict
from raceway.model.races import ECHO, ITEM, RawRace, Side
from raceway.model.sites import Site
from raceway.model.struct import replace


class Names(Protocol):
    """Who can name the ids in raw races; a detection core does."""

    def site(self, serial: int) -> Site:
        """The site of a serial."""

    def site_file(self, serial: int) -> str:
        """Its file."""

    def actor_name(self, serial: int) -> Actor:
        """The actor of a serial."""

    def has_acted(self, serial: int) -> bool:
        """Whether the writing site, which depends on an earlier read, was reached in the run."""

    def is_read(self, variable: str) -> bool:
        """Whether any access of the run reads the variable."""

    def lock_place(self, serial: int) -> tuple[str, int]:
        """File and line where a lock was made."""


class _Group:
    """Races that are one finding: same kind, variable and pair of lines; what else they are once that is known."""

    judgement: Judgement
    usual: Usual | None
    moments: Moments | None
    is_one_value: bool

    def __init__(self, kind: FindingKind, variable: str, luck: int) -> None:
        self.kind = kind
        self.variable = variable
        self.luck = luck
        self.predicted = luck == 2
        self.races: list[tuple[RawRace, Member, Member]] = []
        self.extra = 0

    @property
    def count(self) -> int:
        return sum(race.count for race, _first, _second in self.races) + self.extra

    @property
    def key(self) -> str:
        """The key that all the races are about, of a variable that is an item; empty where there are several."""
        keys = {race.item for race, _first, _second in self.races}
        return keys.pop() if len(keys) == 1 and self.variable.endswith(ITEM) else ""

    def best(self) -> tuple[RawRace, Member, Member]:
        """The race that shows most: both sides writing, regions closed, observed."""
        return max(self.races, key=_telling)


def _telling(found: tuple[RawRace, Member, Member]) -> int:
    race, first, second = found
    score = 4 * race.observed
    for part in (first, second):
        score += 2 * (part.side.region >= 0) + part.side.access.operation.mutates
    return score


def build(
    races: Iterable[RawRace], sites: Iterable[tuple[int, Site]], names: Names, directory: str, gil: bool
) -> tuple[Finding, ...]:
    """All findings about races of a run. Paths are made relative to `directory`."""
    files: list[str] = []
    links, awaits = Links(names.site), Awaits()
    noted = _noting(sites, names, files, links, awaits)
    openings = Openings((serial, site) for serial, site in noted if names.has_acted(serial))
    certain = links.confirmed(confirmed(without_room(races, names.site), names.site, names.site_file))
    known = without_making(at_the_beginning(certain, names.site, openings, awaits), names.site)
    known = without_gain(without_supply(known, names.site), names.site, names.site_file)
    groups = _group(known, names.site, openings)
    locks = LockNames(names, directory)
    guards, guarding = Guards(files), Guarding(names, locks, directory)
    raced = (Raced(group.kind, race) for group in groups for race, _first, _second in group.races)
    snapshots = Snapshots(raced, names.site, names.site_file, files)
    for group in groups:
        guarding.add(_bare(group), (race for race, _first, _second in group.races))
        group.judgement = _judge_all(group, names, gil, guards.of(group.variable), directory, openings, snapshots)
    found, groups = groups, []
    for luck in range(3):
        groups += _beyond(_fold([group for group in found if group.luck == luck], names.site), groups)
    moments = _together(groups, names)
    for number, group in enumerate(groups):
        group.usual, group.moments = guarding.of(_bare(group)), moments.get(number)
        group.is_one_value = group.kind in _PLAIN and snapshots.is_one_value(group.best()[0])
    findings = [_finding(group, names, locks, directory, gil, guards.of(group.variable)) for group in groups]
    return tuple(
        replace(finding, related=references(finding, [findings[other] for other in related(moments, number)]))
        for number, finding in enumerate(findings)
    )


def _together(groups: list[_Group], names: Names) -> dict[int, Moments]:
    """Groups of plain reads and writes, by their places in the list, whose variables are read together."""
    plain = (
        (number, _bare(group), [race for race, _first, _second in group.races])
        for number, group in enumerate(groups)
        if group.kind is FindingKind.READ_WRITE and not (group.predicted or group.judgement.reason)
    )
    return together(plain, names.site, names.site_file)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings as a report has them: worst first, then by place."""
    return tuple(sorted(findings, key=lambda one: (one.severity.rank, _place(one), one.kind.value)))


def _noting(
    sites: Iterable[tuple[int, Site]], names: Names, files: list[str], links: Links, awaits: Awaits
) -> Iterator[tuple[int, Site]]:
    """The sites as they are; the files that they are in are noted, and what they tell of coroutines."""
    for serial, site in sites:
        if site.index == 0:
            files.append(names.site_file(serial))
            awaits.add(site)
        if site.links:
            links.add(site, files[-1])
        yield serial, site


def _place(finding: Finding) -> tuple[str, int]:
    first = finding.accesses[0]
    return first.file, first.line


def _group(races: Iterable[RawRace], site_of: Callable[[int], Site], openings: Openings) -> list[_Group]:
    groups: dict[object, _Group] = {}
    for race in races:
        first, second = members(race, site_of, openings)
        kind = kind_of(race, first, second)
        variable = _variable(race)
        lines = frozenset(_line(part.unit, site_of) for part in (first, second))
        luck = 2 if race.predicted else int(race.worker != 0)  # that of locks, and of who took a job
        key = (kind, variable, lines, race.one_loop, luck)
        groups.setdefault(key, _Group(kind, variable, luck)).races.append((race, first, second))
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


_PLAIN = frozenset({FindingKind.READ_WRITE, FindingKind.WRITE_WRITE})
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


def _fold(groups: list[_Group], site_of: Callable[[int], Site]) -> list[_Group]:
    """Drop what only repeats a stronger finding on the same variable, in the same places. One that is explained away
    hides of what is not only looks at a container."""
    kept: list[_Group] = []
    for group in sorted(groups, key=lambda group: -_STRENGTH[group.kind]):
        for strong in kept:
            if _repeats(group, strong, site_of):
                strong.extra += group.count
                break
        else:
            kept.append(group)
    return kept


def _beyond(others: list[_Group], seen: list[_Group]) -> list[_Group]:
    """What was predicted, or done by one worker, and not seen: on another variable, or in other places."""
    return [
        group
        for group in others
        if not any(_bare(group) == _bare(other) and not _sites(group).isdisjoint(_sites(other)) for other in seen)
    ]


def _bare(group: _Group) -> str:
    return group.variable.removesuffix(ITEM)


def _repeats(weak: _Group, strong: _Group, site_of: Callable[[int], Site]) -> bool:
    if _bare(weak) != _bare(strong):
        return False
    if _STRENGTH[weak.kind] >= _STRENGTH[strong.kind]:
        return False
    if strong.judgement.severity.rank > weak.judgement.severity.rank and not _only_looks(weak, strong):
        return False
    if _sites(weak) <= _sites(strong) or _same_lines(weak, strong):
        return True
    plain = _STRENGTH[weak.kind] < _REGIONAL <= _STRENGTH[strong.kind]
    return plain and _functions(weak, site_of) <= _functions(strong, site_of)


def _only_looks(weak: _Group, strong: _Group) -> bool:
    """Whether all that the weak one adds are looks at a container which the strong one changes, as for its length."""
    own = _sites(strong)
    sides = (side for race, _first, _second in weak.races for side in (race.earlier, race.later))
    return all(
        side.access.site in own
        or (not side.access.operation.mutates and side.access.location.kind is LocationKind.STRUCTURE)
        for side in sides
    )


def _same_lines(weak: _Group, strong: _Group) -> bool:
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


def _sites(group: _Group) -> set[int]:
    return {side.access.site for race, _first, _second in group.races for side in (race.earlier, race.later)}


def _functions(group: _Group, site_of: Callable[[int], Site]) -> set[str]:
    return {
        site_of(access.site).function
        for race, _first, _second in group.races
        for side in (race.earlier, race.later)
        for access in (side.access, side.head)
        if access is not None
    }


def _finding(
    group: _Group, names: Names, locks: LockNames, directory: str, gil: bool, declaration: Guard | None
) -> Finding:
    race, first, second = group.best()
    judgement, declared = group.judgement, "" if declaration is None else _declared(declaration, directory)
    sides = sides_of(race, names, locks, directory)
    interleaving = Interleaving(names.site, names.site_file, directory)
    observed = any(race.observed for race, _first, _second in group.races)
    confidence = Confidence.OBSERVED if observed else Confidence.UNORDERED
    if group.predicted:
        confidence = Confidence.PREDICTED
    key = group.key if tells_item(group.key, race, names) else ""
    variable = f"{_bare(group)}[{key}]" if key else group.variable
    facts = Facts(
        group.kind,
        variable,
        confidence,
        judgement.verdict.gil,
        gil,
        sides[0],
        sides[1],
        (first.region, second.region),
        judgement.reason,
        tuple(_head_line(side, names) for side in (race.earlier, race.later)),  # type: ignore[arg-type]  # two of them
        Breach(declared, tuple(side.actor.name for side in sides if missing(declaration, side.locks)))
        if declaration is not None and declaration.observed
        else None,
        group.kind is FindingKind.WRITE_WRITE and advances(race.earlier, names.site(race.earlier.access.site)),
        group.variable.endswith(ITEM),
        waited(race.later, names.site),
        group.usual,
        default_of(group.variable, race, names),
        group.moments,
        group.is_one_value,
        race.one_loop,
        another_worker(race, names),
        race.later.region == ECHO,
    )
    return Finding(
        fingerprint=fingerprint(group.kind, group.variable, _unit_places(first, second, names)),
        kind=group.kind,
        severity=judgement.severity,
        confidence=confidence,
        verdict=judgement.verdict,
        variable=variable,
        message=message(facts),
        fix=fix(facts),
        count=group.count,
        accesses=sides,
        reason=judgement.reason,
        steps=() if judgement.reason else interleaving.of(group.kind, race, (first, second), sides),
        guard=guard(sides[0], sides[1]),
        key=key,
    )


def _declared(guard: Guard, directory: str) -> str:
    return f"{guard.lock} ({naming.relative(guard.file, directory)}:{guard.line})"


def _unit_places(first: Member, second: Member, names: Names) -> list[tuple[str, Site]]:
    return [(identity(names.site_file(part.unit)), names.site(part.unit)) for part in (first, second)]


def _head_line(side: Side, names: Names) -> int:
    head, serial = side.head, side.access.site
    known = head is not None and names.site_file(head.site) == names.site_file(serial)
    return names.site(head.site).line if head is not None and known else 0


def _judge_all(
    group: _Group,
    names: Names,
    gil: bool,
    declaration: Guard | None,
    directory: str,
    openings: Openings,
    snapshots: Snapshots,
) -> Judgement:
    """The worst judgement of the group's races."""
    if declaration is not None and not declaration.observed:
        where = _declared(declaration, directory)
        return trusted(f"it is declared as guarded by {where}, which Raceway cannot see taken")
    judgements, read = [], names.is_read(group.variable)
    for race, first, second in group.races:
        sites = (names.site(race.earlier.access.site), names.site(race.later.access.site))
        paths = (names.site_file(race.earlier.access.site), names.site_file(race.later.access.site))
        places = (paths[0], sites[0]), (paths[1], sites[1])
        known = reason(race, group.kind, (first, second), places, names.site, openings)
        judgement = trusted(known) if known else judge(race, group.kind, first, second, sites, gil, read)
        if group.kind is FindingKind.READ_WRITE and not judgement.reason and snapshots.explain(race):
            judgement = Judgement(Severity.INFO, Verdicts(Verdict.SAFE, Verdict.SAFE), SNAPSHOT)
        judgements.append(judgement)
    judgement = worst(judgements)
    return replace(judgement, severity=Severity.INFO) if group.predicted else judgement
