"""The report as JUnit XML, which every CI server shows: one test case a finding, failed from a warning up.

An info is a case that was skipped with its reason, a suppressed finding one that was skipped with what suppressed it,
and a run without findings has one case that passed. Serves the report stage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from raceway.model.findings import Finding, Report
from raceway.model.kinds import Severity
from raceway.report.finding import finding_lines
from raceway.report.lines import Medium, plain

_WIDTH = 160
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def pieces(report: Report) -> Iterator[str]:
    """The document, piece by piece."""
    findings = (*report.findings, *report.suppressed)
    failed = sum(_fails(finding) for finding in findings)
    skipped = len(findings) - failed
    counts = f'tests="{max(1, len(findings))}" failures="{failed}" errors="0" skipped="{skipped}"'
    time = f'time="{report.run.duration_s:.3f}"'
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="raceway" {counts} {time}>\n'
    yield f'<testsuite name="raceway" {counts} {time}>\n'
    if not findings:
        yield '<testcase classname="raceway" name="no races found"/>\n'
    for finding in findings:
        yield _case(finding, gil=report.run.gil)
    yield "</testsuite>\n</testsuites>\n"


def _fails(finding: Finding) -> bool:
    return finding.severity is not Severity.INFO and not finding.suppressed


def _case(finding: Finding, *, gil: bool) -> str:
    side = finding.accesses[0] if finding.accesses else None
    place = f" file={_attribute(side.file)} line={_attribute(str(side.line))}" if side else ""
    group = _attribute(f"raceway.{finding.kind.value}")
    name = _attribute(f"{finding.variable or finding.kind.value} [{finding.fingerprint}]")
    medium = Medium("utf-8", _WIDTH)
    words = "\n".join(plain(line, medium) for line in finding_lines(finding, medium, gil=gil))
    head = f"<testcase classname={group} name={name}{place}>\n"
    if not _fails(finding):
        why = finding.suppressed or finding.reason or f"severity {finding.severity.value}"
        return f"{head}<skipped message={_attribute(why)}/>\n<system-out>{_escaped(words)}</system-out>\n</testcase>\n"
    failure = f"<failure type={_attribute(finding.severity.value)} message={_attribute(finding.message)}>"
    return f"{head}{failure}{_escaped(words)}</failure>\n</testcase>\n"


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _escaped(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    """XML has no way to spell control characters and surrogates: they become backslash escapes."""
    return _NO_XML.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
