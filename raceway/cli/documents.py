"""What the commands on stored reports share: reading a file or refusing it in one line, and what fails them."""

from __future__ import annotations

from collections.abc import Iterable

from raceway.cli.options import refuse
from raceway.cli.parser import Parser
from raceway.errors import ConfigError, ReportError
from raceway.model.baseline import Baseline
from raceway.model.findings import Finding, Report
from raceway.model.kinds import Severity
from raceway.report.files import read_baseline, read_report

FINDINGS = 66
"""The status when a new finding reaches the limit, as it is of a run."""

_NEVER = "never"


def load_report(prog: str, path: str, *, to_compare: bool = False) -> Report:
    """The report of a file; ends the process with one line and 2 when it is none, or none `to_compare` with others."""
    try:
        return read_report(path, to_compare=to_compare)
    except ReportError as error:
        refuse(prog, error)


def load_baseline(prog: str, path: str) -> Baseline:
    """The baseline of a file, or of a report; ends the process with one line and 2 when it is neither."""
    try:
        return read_baseline(path)
    except ConfigError as error:
        refuse(prog, error)


def add_limit(parser: Parser) -> None:
    """The option `--fail-on`."""
    choices = (*(severity.value for severity in Severity), _NEVER)
    parser.add_argument(
        "--fail-on",
        choices=choices,
        default="error",
        help="least severity of a new finding that makes it end with 66 (default: error)",
    )


def status(findings: Iterable[Finding], limit: str) -> int:
    """The exit status for new findings."""
    if limit == _NEVER:
        return 0
    return FINDINGS if any(one.severity.rank <= Severity(limit).rank for one in findings) else 0


def row(sign: str, finding: Finding) -> str:
    """One line about a finding."""
    place = f"{finding.accesses[0].file}:{finding.accesses[0].line}" if finding.accesses else ""
    words = f"{finding.severity.value:<7} {finding.kind.value} on {finding.variable}"
    return f"{sign} {finding.fingerprint}  {words}  {place}".rstrip()
