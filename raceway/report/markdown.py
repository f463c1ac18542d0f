"""The report as Markdown, for the summary of a CI job or a comment on a pull request. Serves the report stage.

A table of all findings, then each with its interleaving as a table. What comes from the program is code or escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from raceway.model.findings import AccessSide, Finding, Report
from raceway.model.kinds import Severity
from raceway.report.lines import printable
from raceway.report.wording import confidence, counted, explained, verdicts

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~@])")


def pieces(report: Report) -> Iterator[str]:
    """The document, piece by piece."""
    yield "## Raceway\n\n" + _result(report) + "\n"
    if report.findings:
        yield "\n| severity | kind | variable | where | fingerprint |\n|---|---|---|---|---|\n"
        for finding in report.findings:
            yield _row(finding)
        for finding in report.findings:
            yield "\n" + _finding(finding, gil=report.run.gil)
    if report.notes:
        yield "\n### Suppressions\n\n"
        yield "".join(f"- {_text(note.state)}: {_code(note.where)} {_code(note.text)}\n" for note in report.notes)
    if report.not_seen:
        yield "\n### Not seen\n\n"
        yield "".join(f"- {_text(entry.reason)}: {_code(entry.module)}\n" for entry in report.not_seen)


def _result(report: Report) -> str:
    summary = report.summary
    if not report.findings:
        words = "**No races found**"
    else:
        words = ", ".join(
            f"**{counted(number, severity.value)}**"
            for severity in Severity
            if (number := sum(one.severity is severity for one in report.findings))
        )
    known = f" ({summary.suppressed:,} suppressed)" if summary.suppressed else ""
    watched = f"{counted(summary.modules, 'module')}, {counted(summary.accesses, 'access')}"
    return f"{words}{known} in {_code(' '.join(report.run.command))}; watched {watched}."


def _row(finding: Finding) -> str:
    first = finding.accesses[0] if finding.accesses else None
    where = _code(f"{first.file}:{first.line}") if first else ""
    cells = (finding.severity.value, finding.kind.value, _code(finding.variable), where, _code(finding.fingerprint))
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _finding(finding: Finding, *, gil: bool) -> str:
    lines = [
        f"### {finding.severity.value}: {finding.kind.value} on {_code(finding.variable)}",
        "",
        _text(finding.message),
        "",
        *(f"- {_side(side)}" for side in finding.accesses),
        *(f"- also between {' and '.join(_code(f'{one.file}:{one.line}') for one in pair)}" for pair in finding.also),
        "",
        *_steps(finding),
        f"**Confidence:** {_text(confidence(finding))}. **Verdict:** {_text(verdicts(finding, gil))}.",
        *_related(finding),
        *(() if explained(finding) else ("", f"**Fix:** {_text(finding.fix)}")),
    ]
    return "".join(f"{line}\n" for line in lines)


def _side(side: AccessSide) -> str:
    held = ", ".join(map(_code, side.locks)) or "no lock"
    place = _code(f"{side.file}:{side.line}")
    return f"{_text(side.actor.name)}: {_text(side.operation)} at {place}, holding {held}: {_code(side.source.strip())}"


def _related(finding: Finding) -> Iterator[str]:
    others = ", ".join(f"{_code(one.variable)} {_code(one.fingerprint)}" for one in finding.related)
    if others:
        yield from ("", f"**Related:** {others}")


def _steps(finding: Finding) -> Iterator[str]:
    """The interleaving: one column per actor, time downwards."""
    if not finding.steps or not finding.accesses:
        return
    names = [_text(side.actor.name) for side in finding.accesses]
    yield f"| | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for number, step in enumerate(finding.steps, 1):
        place = _code(f"{step.file}:{step.line}") if step.file else ""
        words = f"{_text(step.operation)} {place}".rstrip()
        if step.harm:
            words = f"**{words}**: {_text(step.harm)}"
        cells = [_cell(words) if index == step.side else "" for index in range(len(names))]
        yield f"| {number} | {' | '.join(cells)} |"
    yield ""


def _text(text: str) -> str:
    """Prose of one line, in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", printable(" ".join(text.split()), "utf-8"))


def _cell(text: str) -> str:
    """A cell of a table: a pipe would end it, even in a code span."""
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _code(text: str) -> str:
    shown = printable(" ".join(text.split()), "utf-8")
    if not shown:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{space}{shown}{space}{fence}"
