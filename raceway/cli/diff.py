"""`raceway diff`: what the findings of one report have beyond those of another."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from raceway.cli.documents import add_limit, load_report, row, status
from raceway.cli.parser import Parser
from raceway.report.lines import printable
from raceway.report.wording import counted


def main(arguments: Sequence[str], prog: str) -> int:
    """Compare two reports; the exit status."""
    given = parser(prog).parse_args(arguments)
    before, after = (load_report(prog, path, to_compare=True) for path in (given.before, given.after))
    old = {finding.fingerprint: finding for finding in before.findings}
    present = {finding.fingerprint for finding in after.findings}
    new = [finding for finding in after.findings if finding.fingerprint not in old]
    gone = [finding for finding in before.findings if finding.fingerprint not in present]
    worse = [
        (old[finding.fingerprint], finding)
        for finding in after.findings
        if finding.fingerprint in old and finding.severity is not old[finding.fingerprint].severity
    ]
    lines = [row("+", finding) for finding in new]
    lines += [row("-", finding) for finding in gone]
    lines += [f"{row('~', finding)} (was {was.severity.value})" for was, finding in worse]
    same = len(after.findings) - len(new)
    lines.append(f"{counted(len(new), 'new finding')}, {len(gone)} gone, {same} in both")
    encoding = sys.stdout.encoding or "utf-8"
    print("\n".join(printable(line, encoding) for line in lines))
    return status(new, given.fail_on)


def parser(prog: str) -> Parser:
    """The options of the command."""
    made = Parser(
        prog=prog,
        description="Compare the findings of two reports by their fingerprints, which do not change with line numbers.",
        epilog="+ is new in the second, - is gone from it, ~ has another severity.",
        allow_abbrev=False,
    )
    made.add_argument("before", metavar="A", help="the earlier report, as --json wrote it")
    made.add_argument("after", metavar="B", help="the later one")
    add_limit(made)
    return made
