"""The section at the end of a pytest run: findings in one line each with their tests, those of no test in full."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from raceway.model.findings import Finding, Report
from raceway.model.kinds import Severity
from raceway.pytest_plugin import VALUED
from raceway.report.text import render_closing, render_findings

_TESTS = 3

_OPTION = re.compile(rf"(?<!\S)--({'|'.join(name for name, _metavar, _text in VALUED)})(?![\w-])")
"""An option of the command line, which is one of pytest's by another name."""


def summary_lines(report: Report, show: Severity, fail_on: Severity | None) -> Iterator[str]:
    """The lines of the section."""
    shown = [finding for finding in report.findings if finding.severity.rank <= show.rank]
    for finding in shown:
        if finding.tests:
            yield from _lines(finding)
    stream = io.StringIO()
    render_findings([finding for finding in shown if not finding.tests], stream, gil=report.run.gil)
    yield from stream.getvalue().splitlines()
    closing = io.StringIO()
    render_closing(report, closing, show=show)
    yield from (_OPTION.sub(r"--raceway-\1", line) for line in closing.getvalue().splitlines())
    warnings = sum(finding.severity is Severity.WARNING for finding in report.findings)
    if warnings and fail_on is Severity.ERROR:
        yield "`--raceway-fail-on=warning` has warnings fail tests, too"


def _lines(finding: Finding) -> Iterator[str]:
    yield str(finding)
    if finding.state:
        yield "    state of the test itself, which no product code shares"
    for test in finding.tests[:_TESTS]:
        yield f"    found in {test}"
    if len(finding.tests) > _TESTS:
        yield f"    and {len(finding.tests) - _TESTS} more"
