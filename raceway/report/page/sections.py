"""What stands around the findings on the page: facts of the run, the outline, suppressions, what was not seen."""

from __future__ import annotations

from collections.abc import Iterable

from raceway.model.findings import Finding, Report
from raceway.report.closing import NOTES, REASONS
from raceway.report.page.markup import code, prose, text
from raceway.report.wording import counted

_MODULES = 50


def facts(report: Report) -> str:
    """What was run, on what, and how much of it was watched."""
    run, tool, summary = report.run, report.tool, report.summary
    gil = "with the GIL" if run.gil else "free-threaded"
    rows = [
        ("Python", f"{text(run.python)}, {gil}"),
        ("Core", text(tool.core)),
        ("Time", f"{run.duration_s:,.1f} s"),
        ("Watched", f"{counted(summary.modules, 'module')}, {counted(summary.sites, 'site')}"),
        ("Seen", f"{counted(summary.accesses, 'access')} by {counted(summary.actors, 'actor')}"),
        ("Shared", counted(summary.shared_locations, "location")),
    ]
    if summary.suppressed:
        rows.append(("Suppressed", f'<a href="#suppressed">{counted(summary.suppressed, "finding")}</a>'))
    rows.append(("Command", code(" ".join(run.command))))
    if summary.dropped:
        rows.append(
            (
                "Dropped",
                f'<span class="alarm">{counted(summary.dropped, "record")}: races among them are missing</span>',
            )
        )
    return f'<dl class="facts">{"".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)}</dl>'


def outline(findings: Iterable[Finding]) -> str:
    """A line for each finding, beside them where there is room."""
    rows = "".join(
        f'<li data-finding="finding-{number}"><a href="#finding-{number}" class="{one.severity.value}">'
        '<span class="dot"></span>'
        f'<span class="what"><span class="kind">{one.kind.value}</span> {code(one.variable)}</span>'
        f'<span class="place" title="{text(_where(one))}">{text(_short(one))}</span></a></li>'
        for number, one in enumerate(findings, 1)
    )
    return f'<nav class="outline" aria-label="Findings"><ol>{rows}</ol></nav>' if rows else ""


def _where(finding: Finding) -> str:
    return f"{finding.accesses[0].file}:{finding.accesses[0].line}" if finding.accesses else ""


def _short(finding: Finding) -> str:
    return _where(finding).replace("\\", "/").rpartition("/")[2]


def suppressions(report: Report) -> str:
    """The findings that do not count, with what says so, and the suppressions that did nothing."""
    if not report.suppressed and not report.notes:
        return ""
    rows = "".join(
        f"<tr><td>{one.severity.value}</td><td>{one.kind.value}</td><td>{code(one.variable)}</td>"
        f'<td class="place">{text(_where(one))}</td><td>{text(one.suppressed)}</td></tr>'
        for one in report.suppressed
    )
    table = (
        '<div class="scroll"><table class="plain"><thead><tr><th>severity</th><th>kind</th><th>variable</th>'
        f"<th>where</th><th>suppressed by</th></tr></thead><tbody>{rows}</tbody></table></div>"
        if rows
        else ""
    )
    notes = "".join(
        f"<li><b>{text(note.state)}</b> {code(note.where)} {code(note.text)}: {text(_state(note.state))}</li>"
        for note in report.notes
    )
    listed = f'<ul class="notes">{notes}</ul>' if notes else ""
    return f'<section id="suppressed"><h2>Suppressed</h2>{table}{listed}</section>'


def _state(state: str) -> str:
    return NOTES.get(state, (state, ""))[0]


def not_seen(report: Report) -> str:
    """What the run did not look at, by reason, with what to do about it."""
    groups: dict[str, list[str]] = {}
    for entry in report.not_seen:
        words = f"{code(entry.module)}: {text(entry.detail)}" if entry.detail else code(entry.module)
        groups.setdefault(entry.reason, []).append(words)
    if not groups:
        return ""
    parts = []
    for reason, modules in groups.items():
        what, remedy = REASONS.get(reason, ("", ""))
        more = f"<li>and {len(modules) - _MODULES:,} more</li>" if len(modules) > _MODULES else ""
        listed = "".join(f"<li>{module}</li>" for module in modules[:_MODULES])
        advice = f'<p class="remedy">{prose(remedy)}</p>' if remedy else ""
        parts.append(f"<dt>{text(reason)}</dt><dd><p>{text(what)}</p><ul>{listed}{more}</ul>{advice}</dd>")
    return f'<section id="not-seen"><h2>Not seen</h2><dl class="unseen">{"".join(parts)}</dl></section>'
