"""The report as annotations of GitHub Actions: one workflow command a side, which shows at the line of a pull request.

Serves the report stage. The first side is annotated with the whole story, the others point back to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from raceway.model.findings import AccessSide, Finding, Report
from raceway.model.kinds import Severity
from raceway.report.lines import printable
from raceway.report.wording import explained

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def pieces(report: Report) -> Iterator[str]:
    """One or more lines a finding; suppressed ones have none."""
    for finding in report.findings:
        yield "".join(f"{line}\n" for line in _annotations(finding))


def _annotations(finding: Finding) -> Iterator[str]:
    title = f"{finding.kind.value} on {finding.variable} [{finding.fingerprint}]"
    command = _COMMANDS[finding.severity]
    story = f"{finding.message}\n{_sides(finding)}"
    if not explained(finding):
        story += f"\nfix: {finding.fix}"
    if not finding.accesses:
        yield f"::{command} title={_property(title)}::{_data(story)}"
        return
    first, *others = finding.accesses
    yield f"::{command} {_place(first)},title={_property(title)}::{_data(story)}"
    told = {(first.file, first.line)}
    for side in others:
        if (side.file, side.line) not in told:
            told.add((side.file, side.line))
            words = f"The other side: see {first.file}:{first.line}. {_side(side)}"
            yield f"::{command} {_place(side)},title={_property(title)}::{_data(words)}"


def _sides(finding: Finding) -> str:
    return "\n".join(f"{_side(side)} at {side.file}:{side.line}" for side in finding.accesses)


def _side(side: AccessSide) -> str:
    return f"{side.actor.kind} {side.actor.name}: {side.operation}, holding {', '.join(side.locks) or 'no lock'}"


def _place(side: AccessSide) -> str:
    return f"file={_property(side.file)},line={max(1, side.line)},col={max(0, side.column) + 1}"


def _data(text: str) -> str:
    """Text as the runner reads it: only line breaks and percent signs are special in it."""
    lines = [printable(line, "utf-8").replace("%", "%25") for line in text.splitlines()]
    return "%0A".join(lines)


def _property(text: str) -> str:
    """The same where commas and colons are special, too; one line."""
    return printable(text, "utf-8").replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
