"""`raceway baseline`: writes down the findings that are known, and checks a report for new ones."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from raceway.cli.documents import add_limit, load_baseline, load_report, row, status
from raceway.cli.options import refuse
from raceway.cli.parser import Parser
from raceway.errors import NotWrittenError
from raceway.model.baseline import of_report
from raceway.report.files import write_bytes
from raceway.report.json import encode_baseline
from raceway.report.lines import printable
from raceway.report.wording import counted

_DEFAULT = "raceway-baseline.json"


def main(arguments: Sequence[str], prog: str) -> int:
    """Write or check; the exit status."""
    given = parser(prog).parse_args(arguments)
    if given.action == "write":
        return _write(f"{prog} write", given.report, given.output)
    return _check(f"{prog} check", given.report, given.baseline, given.fail_on)


def _write(prog: str, path: str, output: str) -> int:
    baseline = of_report(load_report(prog, path, to_compare=True))
    try:
        write_bytes(output, encode_baseline(baseline))
    except NotWrittenError as error:
        refuse(prog, error)
    print(f"{output}: {counted(len(baseline.findings), 'known finding')}")
    return 0


def _check(prog: str, path: str, baseline: str, limit: str) -> int:
    report, known = load_report(prog, path, to_compare=True), load_baseline(prog, baseline)
    fingerprints = known.fingerprints()
    new = [finding for finding in report.findings if finding.fingerprint not in fingerprints]
    seen = {finding.fingerprint for finding in (*report.findings, *report.suppressed)}
    gone = [entry for entry in known.findings if entry.fingerprint not in seen]
    lines = [row("+", finding) for finding in new]
    lines += [f"- {entry.fingerprint}  {entry.kind} on {entry.variable}  {entry.file}".rstrip() for entry in gone]
    lines.append(f"{counted(len(new), 'new finding')}, {len(report.findings) - len(new)} known, {len(gone)} not found")
    encoding = sys.stdout.encoding or "utf-8"
    print("\n".join(printable(line, encoding) for line in lines))
    return status(new, limit)


def parser(prog: str) -> Parser:
    """The two actions and their options."""
    made = Parser(
        prog=prog,
        description="Keep the findings that are known in a file, so that only new ones fail a run.",
        epilog="A run takes the same file with --baseline. A race that is not found again may be lucky.",
        allow_abbrev=False,
    )
    actions = made.add_subparsers(dest="action", required=True, metavar="write|check", parser_class=Parser)
    writes = actions.add_parser("write", help="write the findings of a report as the baseline", allow_abbrev=False)
    writes.add_argument("report", metavar="REPORT", help="the report, as --json wrote it")
    writes.add_argument("-o", "--output", metavar="FILE", default=_DEFAULT, help=f"the file (default: {_DEFAULT})")
    checks = actions.add_parser("check", help="tell what a report has beyond the baseline", allow_abbrev=False)
    checks.add_argument("report", metavar="REPORT", help="the report, as --json wrote it")
    checks.add_argument("--baseline", metavar="FILE", default=_DEFAULT, help=f"the file (default: {_DEFAULT})")
    add_limit(checks)
    return made
