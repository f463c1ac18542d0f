"""Builds the findings of a run from its raw races: folds what belongs together, names it, judges it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from raceway.findings import naming
from raceway.findings.accessors import updating
from raceway.findings.aliases import Aliases
from raceway.findings.awaits import Awaits
from raceway.findings.beginnings import at_the_beginning
from raceway.findings.calls import confirmed
from raceway.findings.classify import Member, Openings, advances
from raceway.findings.classwide import class_wide
from raceway.findings.defaults import default_of
from raceway.findings.directions import without_gain
from raceway.findings.facts import Breach, Facts
from raceway.findings.fences import let_in
from raceway.findings.filenames import identity
from raceway.findings.filling import without_room
from raceway.findings.fingerprint import fingerprint
from raceway.findings.folding import PLAIN, bare, beyond, folded
from raceway.findings.groups import Group, grouped
from raceway.findings.guards import Guard, Guards, missing
from raceway.findings.interleaving import Interleaving
from raceway.findings.judge import Judgement, harmful, judge, trusted, worst
from raceway.findings.links import Links
from raceway.findings.looplocks import loop_locks
from raceway.findings.lostwakes import lost_wake
from raceway.findings.making import without_making
from raceway.findings.missing import makes_in_python
from raceway.findings.published import Early, early
from raceway.findings.readback import ReadBack
from raceway.findings.readers import changes, loses, tests
from raceway.findings.relocked import Relocked
from raceway.findings.remedies import fix, guard
from raceway.findings.sides import LockNames, another_worker, sides_of, tells_item
from raceway.findings.snapshots import REASON as SNAPSHOT
from raceway.findings.snapshots import Raced, Snapshots
from raceway.findings.sourced import reason
from raceway.findings.syntax import place
from raceway.findings.together import Moments, references, related, together
from raceway.findings.unmaking import without_unmaking
from raceway.findings.uses import used
from raceway.findings.usual import Guarding
from raceway.findings.waited import waited, without_supply
from raceway.findings.wording import message
from raceway.model.findings import AccessSide, Actor, Finding, Verdicts
from raceway.model.kinds import Confidence, FindingKind, Severity, Verdict
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
    known = without_unmaking(known, names.site)
    groups = grouped(known, names.site, names.site_file, openings)
    locks = LockNames(names, directory)
    guards, guarding = Guards(files), Guarding(names, locks, directory)
    raced = (Raced(group.kind, race) for group in groups for race, _first, _second in group.races)
    snapshots = Snapshots(raced, names.site, names.site_file, files)
    back = ReadBack(groups, names.site, names.site_file)
    for group in groups:
        guarding.add(bare(group), (race for race, _first, _second in group.races))
        group.judgement = _judge_all(group, names, gil, guards.of(group.variable), directory, openings, snapshots, back)
    found, groups, relocked = groups, [], Relocked(groups, names, directory)
    for luck in range(3):
        groups += beyond(folded([group for group in found if group.luck == luck], names.site), groups)
    _call(groups, names, Aliases(files))
    moments = _together(groups, names)
    for number, group in enumerate(groups):
        group.usual, group.moments = guarding.of(bare(group), group.best()[0].one_loop), moments.get(number)
        group.is_one_value = group.kind in PLAIN and snapshots.is_one_value(group.best()[0])
    findings = [
        _finding(group, names, locks, directory, gil, guards.of(group.variable), back, relocked) for group in groups
    ]
    return tuple(
        replace(finding, related=references(finding, [findings[other] for other in related(moments, number)]))
        for number, finding in enumerate(findings)
    )


def _together(groups: list[Group], names: Names) -> dict[int, Moments]:
    """Groups of plain reads and writes, by their places in the list, whose variables are read together."""
    plain = (
        (number, bare(group), [race for race, _first, _second in group.races])
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


def _finding(
    group: Group,
    names: Names,
    locks: LockNames,
    directory: str,
    gil: bool,
    declaration: Guard | None,
    back: ReadBack,
    relocked: Relocked,
) -> Finding:
    race, first, second = group.best()
    judgement, key = group.judgement, group.key if tells_item(group.key, group.best()[0], names) else ""
    sides = sides_of(race, names, locks, directory)
    interleaving = Interleaving(names.site, names.site_file, directory)
    variable = f"{group.called.removesuffix(ITEM)}[{key}]" if key else group.called
    facts = _facts(group, names, directory, gil, declaration, back, sides, variable)
    replaced, semaphore = relocked.of(bare(group), facts.namesake), _semaphore(race, names)
    facts = replace(facts, replaced=replaced, semaphore=semaphore, wake=_wake(group.kind, race, names))
    return Finding(
        fingerprint=fingerprint(group.kind, group.variable, _unit_places(first, second, names)),
        kind=group.kind,
        severity=judgement.severity,
        confidence=facts.confidence,
        verdict=judgement.verdict,
        variable=variable,
        message=message(facts),
        fix=fix(facts),
        count=group.count,
        accesses=sides,
        reason=judgement.reason,
        steps=()
        if judgement.reason
        else interleaving.of(
            group.kind,
            race,
            (first, second),
            sides,
            back.store_of(group, race),
            facts.changed,
            facts.early is not None and bool(facts.early.starter),
        ),
        guard=guard(sides[0], sides[1]),
        key=key,
    )


def _semaphore(race: RawRace, names: Names) -> str:
    """The semaphore that a side without a lock relies on, though it lets several in."""
    for side in () if race.one_loop else (race.earlier, race.later):
        where = names.site_file(side.access.site), place(names.site(side.access.site))
        if not side.locks and (found := let_in(*where)):
            return found
    return ""


def _facts(
    group: Group,
    names: Names,
    directory: str,
    gil: bool,
    declaration: Guard | None,
    back: ReadBack,
    sides: tuple[AccessSide, AccessSide],
    variable: str,
) -> Facts:
    """What is known of the finding that a group becomes."""
    race, first, second = group.best()
    judgement, declared = group.judgement, "" if declaration is None else _declared(declaration, directory)
    observed = any(race.observed for race, _first, _second in group.races)
    confidence = Confidence.OBSERVED if observed else Confidence.UNORDERED
    return Facts(
        group.kind,
        variable,
        Confidence.PREDICTED if group.predicted else confidence,
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
        loop_locks(race, sides, names),
        class_wide(group.variable, race, names),
        group.moments,
        group.is_one_value,
        race.one_loop,
        another_worker(race, names),
        race.later.region == ECHO,
        *_reading(group, names, directory),
        None if judgement.reason else _early(group.kind, race, names),
        used(group.best(), names.site),
        not (race.one_loop or judgement.reason) and back.harms(group, race),
    )


def _call(groups: list[Group], names: Names, aliases: Aliases) -> None:
    """Call the variables of groups as who knows the program does, file by file."""
    files: dict[str, list[Group]] = {}
    for group in groups:
        race, group.called = group.best()[0], group.variable
        for side in (race.later, race.earlier):
            if side.access.variable.removesuffix(ITEM) == bare(group):
                file = names.site_file(side.access.site)
                files.setdefault(file, []).append(group)
                break
    for file, members in files.items():
        for group in members:
            group.called = aliases.real(group.variable, file)


def _reading(group: Group, names: Names, directory: str) -> tuple[str, bool, str]:
    """The line that reads and writes back through functions, whether the reader tests, and by what it changes."""
    race, first, second = group.best()
    line = updating(race)
    where = f"{naming.relative(line[0], directory)}:{line[1]}" if line and group.kind is FindingKind.LOST_UPDATE else ""
    if group.kind is not FindingKind.READ_WRITE:
        return where, False, ""
    reader, writer = (race.earlier, second) if race.later.access.operation.mutates else (race.later, first)
    place = names.site_file(reader.access.site), names.site(reader.access.site)
    return where, tests(*place), changes(*place) if loses(place, writer) else ""


def _early(kind: FindingKind, race: RawRace, names: Names) -> Early | None:
    """What the writing side of a race does too early."""
    writer = race.later if race.later.access.operation.mutates else race.earlier
    return early(kind, race, names.site_file(writer.access.site), names.site(writer.access.site))


def _wake(kind: FindingKind, race: RawRace, names: Names) -> str:
    """The event that is cleared too late, where one side looks for what the other puts in."""
    if kind is not FindingKind.CHECK_THEN_ACT or race.one_loop:
        return ""
    puts, looks = sorted((race.earlier, race.later), key=lambda side: not side.access.operation.mutates)
    places = ((names.site_file(side.access.site), names.site(side.access.site)) for side in (looks, puts))
    return lost_wake(*places)


def _declared(guard: Guard, directory: str) -> str:
    return f"{guard.lock} ({naming.relative(guard.file, directory)}:{guard.line})"


def _unit_places(first: Member, second: Member, names: Names) -> list[tuple[str, Site]]:
    return [(identity(names.site_file(part.unit)), names.site(part.unit)) for part in (first, second)]


def _head_line(side: Side, names: Names) -> int:
    head, serial = side.head, side.access.site
    known = head is not None and names.site_file(head.site) == names.site_file(serial)
    return names.site(head.site).line if head is not None and known else 0


def _judge_all(
    group: Group,
    names: Names,
    gil: bool,
    declaration: Guard | None,
    directory: str,
    openings: Openings,
    snapshots: Snapshots,
    back: ReadBack,
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
        reader, writer = (places[0], second) if race.later.access.operation.mutates else (places[1], first)
        lost = group.kind is FindingKind.READ_WRITE and loses(reader, writer)
        step = None if judgement.reason else _early(group.kind, race, names)
        early = step is not None and step.spans
        default = default_of(group.variable, race, names) if group.kind is FindingKind.WRITE_WRITE else None
        early |= default is not None and default.kind == "list"  # each call takes it for its own
        updates = group.kind is FindingKind.LOST_UPDATE and not judgement.reason
        lost |= bool(_wake(group.kind, race, names)) or (updates and any(makes_in_python(*place) for place in places))
        if not race.one_loop and (lost or early or (not judgement.reason and back.harms(group, race))):
            judgement = harmful()
        judgements.append(judgement)
    judgement = worst(judgements)
    return replace(judgement, severity=Severity.INFO) if group.predicted else judgement
