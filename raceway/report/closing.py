"""What follows the findings: what the run did not see, and the summary. Serves the text report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from raceway.errors import NativeCoreWarning
from raceway.model.findings import Note, NotSeen, Report, Summary
from raceway.model.kinds import Severity, Verdict
from raceway.report.coverage import coverage_lines
from raceway.report.lines import BLANK, STYLES, Line, Span, Style
from raceway.report.turns import took_turns
from raceway.report.wording import counted

_MODULES = 10

# reason: (what happened, what to do)
REASONS = {
    "imported-before-hook": (
        "imported before Raceway was installed, so not watched",
        "start the program with `python -m raceway.run`, or call raceway.autoinstrument.install() before these imports",
    ),
    "not-transformed": (
        "could not be instrumented, so ran as plain Python",
        "change the place named here, or leave the module out with --exclude",
    ),
    "glob-matched-nothing": (
        "no imported module has such a name",
        "check --include and --exclude: they take globs over dotted module names, such as shop.*",
    ),
    "extension-module": (
        "compiled from another language, so there is nothing to instrument",
        "what it does to shared state is not seen; leave it out with --exclude to say that this is known",
    ),
    "no-source": (
        "there is bytecode but no source, so it ran as plain Python",
        "install the package with its source",
    ),
    "other-loader": (
        "loaded by an import hook that makes its own code, so it ran as plain Python",
        "switch that import hook off for the run, or --exclude the module; `pytest --raceway` works with pytest's",
    ),
    "run-by-interpreter": (
        "the program itself, which Python ran past every import hook, so not watched",
        "start it with `python -m raceway.run`, or call raceway.autoinstrument.install() in it",
    ),
    "process-lost": (
        "killed, or ended past Python: only what it had found until a moment before is here",
        "end workers by SIGTERM, or let them return",
    ),
    "process-running": (
        "still running when the report was made: what it finds from then on is not here",
        "wait for the process before the program ends",
    ),
    "process-unwatched": (
        "forked without a GIL, right when another thread of its parent was within Raceway: nothing it did is here",
        "none is needed where other such processes were watched; start processes before threads",
    ),
    "executed-before-install": (
        "ran before Raceway was installed; what had run by then was not watched",
        "start the program with `python -m raceway.run`, or call raceway.autoinstrument.install() first",
    ),
}


def not_seen_lines(entries: Sequence[NotSeen]) -> Iterator[Line]:
    """What the run did not look at, by reason, and what to do about it."""
    groups: dict[str, dict[NotSeen, None]] = {}
    for entry in entries:
        groups.setdefault(entry.reason, {})[entry] = None
    if groups:
        yield Line((Span("not seen:", Style.STRONG),))
    for reason, members in groups.items():
        what, remedy = REASONS.get(reason, ("", ""))
        yield Line((Span(reason, Style.STRONG), Span(f": {what}" if what else "")), indent=2, prose=True, hang=4)
        yield from _modules(list(members))
        if remedy:
            yield Line((Span("remedy: ", Style.REMEDY), Span(remedy)), indent=4, prose=True, hang=2)


NOTES = {
    "suppression-unused": ("suppressed nothing in this run", "take it away if the race is mended"),
    "suppression-expired": ("is past its last day, so it suppresses nothing", "mend the race, or give a later `until`"),
    "suppression-unreadable": ("cannot be read, so it suppresses nothing", "correct it; docs/ci.md has the form"),
}


def note_lines(notes: Sequence[Note]) -> Iterator[Line]:
    """The suppressions that did not do their work, by what is wrong with them."""
    groups: dict[str, list[Note]] = {}
    for note in notes:
        groups.setdefault(note.state, []).append(note)
    if groups:
        yield Line((Span("suppressions:", Style.STRONG),))
    for state, members in groups.items():
        what, remedy = NOTES.get(state, ("", ""))
        yield Line((Span(state, Style.STRONG), Span(f": {what}" if what else "")), indent=2, prose=True, hang=4)
        for note in members[:_MODULES]:
            yield Line((Span(note.where, Style.PLACE), Span(f": {note.text}")), indent=4)
        if len(members) > _MODULES:
            yield Line((Span(f"and {len(members) - _MODULES:,} more"),), indent=4)
        if remedy:
            yield Line((Span("remedy: ", Style.REMEDY), Span(remedy)), indent=4, prose=True, hang=2)


def summary_lines(report: Report, *, show: Severity, fail_on: Severity | None, often: bool = False) -> Iterator[Line]:
    """The last lines: what was found, how much was watched, and what makes warnings fail a run that no error does.
    `often`: the run had its threads switch often."""
    yield from _caveats(report.summary)
    yield from _fallen_back(report)
    yield from _perturbed(report)
    if report.coverage is not None:
        yield from coverage_lines(report.coverage)
    yield Line((Span("raceway: "), *_result(report, show), *_turns(report, often)), prose=True, hang=2)
    warnings = _count(report, Severity.WARNING)
    if warnings and fail_on is Severity.ERROR and not _count(report, Severity.ERROR):
        them = "it" if warnings == 1 else "them"
        advice = f"; `--fail-on warning` makes {them} fail the run"
        yield Line((Span(counted(warnings, "warning"), Style.WARNING), Span(advice)), prose=True)


def _modules(entries: Sequence[NotSeen]) -> Iterator[Line]:
    shown, more = entries[:_MODULES], len(entries) - _MODULES
    rest = f"and {more:,} more"
    if any(entry.detail for entry in shown):
        for entry in shown:
            yield Line((Span(f"{entry.module}: {entry.detail}" if entry.detail else entry.module),), indent=4)
        if more > 0:
            yield Line((Span(rest),), indent=4)
        return
    names = ", ".join(entry.module for entry in shown)
    yield Line((Span(f"{names}, {rest}" if more > 0 else names),), indent=4, prose=True)


def _caveats(summary: Summary) -> Iterator[Line]:
    """What takes weight from the report, said before its result."""
    if summary.self_check == "failed":
        words = "the race that Raceway plants to check itself was not found; do not rely on this report"
        yield Line((Span("self-check failed: ", Style.ERROR), Span(words)), prose=True)
    if summary.dropped:
        words = f"{counted(summary.dropped, 'record')} dropped: races among them were not looked for"
        yield Line((Span(words, Style.WARNING),), prose=True)


def _fallen_back(report: Report) -> Iterator[Line]:
    """Nobody asked for the pure core, and it is slow."""
    if report.tool.fallback:
        words = f": {report.tool.fallback}, so this run used the slow core in Python"
        yield Line((Span(NativeCoreWarning.slug, Style.STRONG), Span(words)), prose=True, hang=2)
        remedy = "install Raceway again where a C compiler and Python's headers are; --core pure silences this"
        yield Line((Span("remedy: ", Style.REMEDY), Span(remedy)), indent=2, prose=True, hang=2)


def _perturbed(report: Report) -> Iterator[Line]:
    """The pure core's probes are calls, after which a GIL lets threads switch: what was latent may have happened."""
    latent = report.run.gil and any(finding.verdict.gil is Verdict.LATENT for finding in report.findings)
    if report.tool.core == "pure" and latent:
        words = (
            "its probes let threads switch inside a statement such as `x += 1`, so where a finding is latent this run "
            "may have lost updates that plain Python keeps"
        )
        yield Line((Span("pure core: ", Style.STRONG), Span(words)), prose=True, hang=2)


def _result(report: Report, show: Severity) -> Iterator[Span]:
    summary = report.summary
    known = f" ({summary.suppressed:,} suppressed)" if summary.suppressed else ""
    if report.findings:
        yield from _tally(report, show)
        yield Span(f"{known}; watched {_watched(summary)}")
    elif not summary.modules:
        yield Span("nothing was watched", Style.WARNING)
        yield Span(": no module was instrumented; --include adds modules by name")
    elif summary.actors < 2:
        yield Span("no races found", Style.STRONG)
        yield Span(f"{known}, but nothing ran concurrently; watched {_watched(summary)}")
    else:
        yield Span("no races found", Style.REMEDY)
        yield Span(f"{known}; watched {_watched(summary)}")


def _turns(report: Report, often: bool) -> Iterator[Span]:
    """That the threads never ran beside each other, and what has them do so."""
    if took_turns(report) and not often:
        yield Span(", which ran one after the other: `--switching often` may have threads meet")


def _tally(report: Report, show: Severity) -> Iterator[Span]:
    """Counts per severity; those that `show` hides are said to be hidden, with the option that shows them."""
    shown = [severity for severity in Severity if severity.rank <= show.rank]
    for severity in shown:
        number = _count(report, severity)
        if severity is not Severity.INFO or number:
            separator = ", " if severity is not Severity.ERROR else ""
            yield Span(separator)
            yield Span(counted(number, severity.value), STYLES[severity] if number else Style.NONE)
    hidden = [severity for severity in Severity if severity not in shown and _count(report, severity)]
    if hidden:
        counts = ", ".join(counted(_count(report, severity), severity.value) for severity in hidden)
        yield Span(f" ({counts} hidden, show with --show {hidden[-1].value})")


def _watched(summary: Summary) -> str:
    parts = [
        counted(summary.modules, "module"),
        counted(summary.sites, "site"),
        counted(summary.accesses, "access"),
    ]
    return f"{', '.join(parts)} by {counted(summary.actors, 'actor')}"


def _count(report: Report, severity: Severity) -> int:
    return sum(finding.severity is severity for finding in report.findings)


def separated(*sections: Sequence[Line]) -> Iterator[Line]:
    """The sections that have lines, with one blank line between two."""
    first = True
    for section in sections:
        if not section:
            continue
        if not first:
            yield BLANK
        yield from section
        first = False
