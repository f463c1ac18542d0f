"""Verdicts, benign classes and severity: one table, as the documentation prints it."""

from __future__ import annotations

from collections.abc import Iterable

from raceway.findings.classify import Member, advances
from raceway.model.findings import Verdicts
from raceway.model.kinds import FindingKind, LocationKind, Operation, RegionKind, Severity, Verdict
from raceway.model.races import ECHO, RawRace
from raceway.model.records import Access
from raceway.model.sites import Context, Site, SiteForm
from raceway.model.struct import Struct

_REGION_KINDS = frozenset({FindingKind.LOST_UPDATE, FindingKind.CHECK_THEN_ACT, FindingKind.DOUBLE_INIT})
_COPIERS = frozenset({"list", "tuple", "set", "frozenset", "dict", "sorted"})
_COPYING = frozenset({"copy", "__copy__"})
_PUTTING = frozenset(
    "append appendleft extend extendleft insert add setdefault heappush insort insort_left insort_right".split()
)

_TOLD = {
    "log": "one side only puts the value into a log",
    "shown": "one side only puts the value into the text that the object is shown as",
    "count": "one side gives back the number of items, which may be out of date at once, with a lock around it too",
}


class Judgement(Struct):
    """Severity and verdicts of a finding; `reason` says why it is down-ranked, if it is."""

    severity: Severity
    verdict: Verdicts
    reason: str


def judge(
    race: RawRace, kind: FindingKind, first: Member, second: Member, sites: tuple[Site, Site], gil: bool, read: bool
) -> Judgement:
    """Judge one finding for the interpreter that ran (`gil` tells which sort); `read`: the run reads the variable.

    Between actors of one event loop only what extends over an await is a finding, on any interpreter.
    """
    if race.later.region == ECHO and sites[1].told:
        return trusted(_TOLD[sites[1].told])
    if race.one_loop and not (race.observed or race.paused):
        return Judgement(Severity.WARNING, Verdicts(Verdict.LATENT, Verdict.LATENT, Verdict.LATENT), "")
    if race.one_loop:
        severity = Severity.WARNING if race.later.region == ECHO else Severity.ERROR  # the newest one may be meant
        return Judgement(severity, Verdicts(Verdict.HARMFUL, Verdict.HARMFUL, Verdict.HARMFUL), "")
    if kind is FindingKind.SPLIT_CRITICAL_SECTION:
        return harmful()
    verdict = Verdicts(_on_gil(kind, first, second, sites), Verdict.HARMFUL)
    reason = _benign(kind, first, second, sites, read)
    if reason:
        return trusted(reason)
    here = verdict.gil if gil else verdict.free_threaded
    return Judgement(Severity.ERROR if here is Verdict.HARMFUL else Severity.WARNING, verdict, "")


def harmful() -> Judgement:
    """The judgement of what does harm on every interpreter."""
    return Judgement(Severity.ERROR, Verdicts(Verdict.HARMFUL, Verdict.HARMFUL), "")


def trusted(reason: str) -> Judgement:
    """The judgement of what the program vouches for."""
    return Judgement(Severity.INFO, Verdicts(Verdict.LATENT, Verdict.LATENT), reason)


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """The one that weighs most on the interpreter that ran and, among equals, on one with a GIL."""
    return min(judgements, key=lambda one: (one.severity.rank, one.verdict.gil is not Verdict.HARMFUL))


def _on_gil(kind: FindingKind, first: Member, second: Member, sites: tuple[Site, Site]) -> Verdict:
    """With a GIL a segment is atomic: harmful is what has a switch point inside."""
    if kind in _REGION_KINDS:
        spans = any(part.spans for part in (first, second) if part.region is not None)
        return Verdict.HARMFUL if spans else Verdict.LATENT
    if kind is FindingKind.ITERATION_MUTATION:
        walks = (
            site
            for part, site in zip((first, second), sites, strict=True)
            if part.side.access.operation is Operation.ITERATE
        )
        return Verdict.HARMFUL if any(site.spans for site in walks) else Verdict.LATENT
    if kind is FindingKind.WRITE_WRITE and advances(first.side, sites[0]):
        return Verdict.HARMFUL  # threads switch inside of generators
    return Verdict.LUCK


def _benign(kind: FindingKind, first: Member, second: Member, sites: tuple[Site, Site], read: bool) -> str:
    """Why a pair does no harm, empty when nothing explains it."""
    if kind is FindingKind.CHECK_THEN_ACT:
        taking = first if first.takes else second
        putting = sites[1] if taking is first else sites[0]
        if taking.takes and taking.side.access.location.kind is LocationKind.STRUCTURE and puts(putting):
            return "one side tests whether there is something to take, and the other puts something in"
    if kind is FindingKind.READ_WRITE:
        reader, writer = sites if second.side.access.operation.mutates else (sites[1], sites[0])
        if reader.flag and writer.flag and writer.literal:
            return "a stop flag: one side stores True or False, the other asks for it in the test of a loop"
        looked = first.side if second.side.access.operation.mutates else second.side
        if copies(looked.access, reader):
            return "one side copies the container in one step: the copy is from before the change or from after it"
        if reader.told and writer.literal != "None":
            return _TOLD[reader.told]
        if reader.waits or reader.polled:
            return "a loop asks for it until it has changed: after an old answer it asks again"
        if reader.form is SiteForm.METHOD and reader.flag and writer.flag and _tested(first, second, writer):
            return "a function replaces itself under a lock, after a test of it there: who finds the old one asks again"
        if writer.whole and reader.once and _replaces(first, second, writer):
            return "copy on write: a changed copy replaces the container, who reads it once has the one or the other"
        nothing_yet = second.side.access.operation.mutates  # who asks later comes after the write: see `detector.flags`
        if reader.double_checked and writer.rechecked and nothing_yet and _tested(first, second, writer):
            return "the outer test of double-checked locking: who finds nothing asks again under the lock"
    if kind is FindingKind.WRITE_WRITE and not read:
        return "nothing reads the value in this run"
    if kind is FindingKind.WRITE_WRITE and sites[0].literal and sites[0].literal == sites[1].literal:
        return f"both sides store the same value, {sites[0].literal}"
    return ""


def _tested(first: Member, second: Member, writer: Site) -> bool:
    """Whether the write, made holding a lock, follows a test of its place."""
    side = first.side if first.side.access.operation.mutates else second.side
    return bool(side.locks) and any(region.kind is not RegionKind.VALUE for region in writer.regions)


def _replaces(first: Member, second: Member, writer: Site) -> bool:
    """Whether the write, made holding a lock, works on what it replaces."""
    side = first.side if first.side.access.operation.mutates else second.side
    return bool(side.locks) and any(region.kind is RegionKind.VALUE for region in writer.regions)


def copies(access: Access, site: Site) -> bool:
    """Whether the access makes a copy of a whole container in one step."""
    if site.whole and site.form is SiteForm.METHOD:
        return True  # the items of a dict
    if access.operation is not Operation.READ or access.location.kind is not LocationKind.STRUCTURE:
        return False
    if site.form is SiteForm.ITEM:
        return site.context is Context.LOAD and not site.keyed  # a slice
    return site.name in (_COPYING if site.form is SiteForm.METHOD else _COPIERS)


def puts(site: Site) -> bool:
    """Whether the site puts something into a container, and takes nothing out."""
    return (site.form is SiteForm.METHOD and site.verb in _PUTTING) or (
        site.form is SiteForm.ITEM and site.context is Context.STORE and not site.regions
    )
