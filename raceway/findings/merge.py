"""One report of the parts that several processes made: equal findings become one, counts are added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from raceway.findings.build import in_order
from raceway.findings.known import UNUSED, used_by
from raceway.model.findings import (
    Coverage,
    Finding,
    Frame,
    Note,
    NotSeen,
    Part,
    Process,
    Report,
    Summary,
    Unwatched,
    WatchedModule,
)
from raceway.model.kinds import Confidence, Severity
from raceway.model.struct import replace


def merge(report: Report, parts: Sequence[Part]) -> Report:
    """The report of a run, with what its other processes have handed in."""
    if not parts:
        return report
    reports = [report, *(part.report for part in parts if part.report is not None)]
    return merge_reports(reports, [part.process for part in parts])


def merge_reports(reports: Sequence[Report], processes: Sequence[Process] = ()) -> Report:
    """One report of several, the first of which says what was run; `processes` have made the others."""
    findings = merge_findings(finding for one in reports for finding in one.findings)
    suppressed = merge_findings(finding for one in reports for finding in one.suppressed)
    coverage = _coverage(reports, processes)
    seen = (note for one in reports for note in one.not_seen)
    not_seen = dict.fromkeys((*seen, *_missing(processes)))
    return replace(
        reports[0],
        summary=_summary(reports, findings, suppressed, coverage),
        findings=findings,
        not_seen=tuple(not_seen),
        suppressed=suppressed,
        notes=merge_notes(reports),
        lives=tuple(sorted((life for one in reports for life in one.lives), key=lambda life: life.began)),
        coverage=coverage,
    )


def merge_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, by its fingerprint, worst first and then by place. Those of one fingerprint are of the same
    cause: the same two functions do the same, if in several lines."""
    merged: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda finding: _order(finding.places)):
        known = merged.get(finding.fingerprint)
        merged[finding.fingerprint] = finding if known is None else _one(known, finding)
    return in_order(merged.values())


def merge_notes(reports: Sequence[Report]) -> tuple[Note, ...]:
    """Each note once. A suppression that one process had a use for is not unused."""
    notes = dict.fromkeys(note for one in reports for note in one.notes)
    return tuple(note for note in notes if note.state != UNUSED or not any(_used(note, one) for one in reports))


def _used(note: Note, report: Report) -> bool:
    return note not in report.notes and used_by(note, report.suppressed)


def _missing(processes: Iterable[Process]) -> Iterator[NotSeen]:
    """Processes of which not all is known."""
    for process in processes:
        command, detail = " ".join(process.command), f"process {process.pid}"
        if process.ended == "lost":
            yield NotSeen("process-lost", command, detail)
        elif process.ended == "running" and not _is_forkserver(process.command):
            yield NotSeen("process-running", command, detail)


def _is_forkserver(command: Sequence[str]) -> bool:
    """Whether it is multiprocessing's process that forks others, and lives as long as who asked for them."""
    return any("multiprocessing.forkserver import main" in word for word in command)


def _one(first: Finding, second: Finding) -> Finding:
    """The worse one, or the one that tells more, with what both count."""
    best = max(first, second, key=lambda one: (-one.severity.rank, one.confidence is not Confidence.UNORDERED))
    tests = tuple(dict.fromkeys((*first.tests, *second.tests)))
    state = first.state if first.state == second.state else ""
    if first.key != second.key:
        best = _of_any_key(best)
    count = first.count + second.count
    related = {one.fingerprint: one for one in (*first.related, *second.related)}
    also = _others(best, first, second)
    return replace(best, count=count, tests=tests, state=state, also=also, related=tuple(related.values()))


def _others(best: Finding, *folded: Finding) -> tuple[tuple[Frame, ...], ...]:
    """The pairs of places of all, without those of the one that is told."""
    pairs = {pair for one in folded for pair in (one.places, *one.also)} - {best.places}
    return tuple(sorted(pairs, key=_order))


def _order(places: tuple[Frame, ...]) -> list[tuple[str, int]]:
    return [(place.file, place.line) for place in places]


def _of_any_key(finding: Finding) -> Finding:
    """The finding without the key, which is not that of all that were folded into it."""
    old, new = finding.variable, finding.any_key
    message, fix = finding.message.replace(old, new), finding.fix.replace(old, new)
    return replace(finding, variable=new, key="", message=message, fix=fix)


def _summary(
    reports: Sequence[Report], findings: Sequence[Finding], suppressed: Sequence[Finding], coverage: Coverage
) -> Summary:
    summaries = [report.summary for report in reports]
    number = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    checks = {summary.self_check for summary in summaries}
    return replace(
        summaries[0],
        error=number[Severity.ERROR],
        warning=number[Severity.WARNING],
        info=number[Severity.INFO],
        suppressed=len(suppressed),
        modules=len(coverage.watched),
        sites=sum(module.sites for module in coverage.watched),
        accesses=sum(summary.accesses for summary in summaries),
        actors=sum(summary.actors for summary in summaries),
        shared_locations=sum(summary.shared_locations for summary in summaries),
        dropped=sum(summary.dropped for summary in summaries),
        self_check="failed" if "failed" in checks else summaries[0].self_check,
    )


def _coverage(reports: Sequence[Report], processes: Sequence[Process]) -> Coverage:
    every = [report.coverage for report in reports if report.coverage is not None]
    watched: dict[str, WatchedModule] = {}  # the program's file is `__main__` in one process, and not in another
    for one in (one for coverage in every for one in coverage.watched):
        watched.setdefault(one.file, one)
    return Coverage(
        watched=tuple(watched.values()),
        unwatched=_unwatched([one for coverage in every for one in coverage.unwatched]),
        sync_unknown=tuple(dict.fromkeys(name for coverage in every for name in coverage.sync_unknown)),
        processes=(*(one for coverage in every for one in coverage.processes), *processes),
        tests=sum(coverage.tests for coverage in every),
        alone=tuple(dict.fromkeys(test for coverage in every for test in coverage.alone)),
    )


def _unwatched(entries: Sequence[Unwatched]) -> tuple[Unwatched, ...]:
    """By reason; processes import the same modules, so the largest number is taken."""
    reasons = dict.fromkeys(entry.reason for entry in entries)
    return tuple(
        Unwatched(
            reason,
            max(entry.modules for entry in entries if entry.reason == reason),
            tuple(dict.fromkeys(name for entry in entries if entry.reason == reason for name in entry.packages)),
        )
        for reason in reasons
    )
