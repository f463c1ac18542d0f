"""`raceway report`: renders a stored JSON report as text, a page, SARIF, JUnit XML, annotations or Markdown."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from raceway.cli.documents import load_report
from raceway.cli.options import refuse
from raceway.cli.parser import Parser
from raceway.errors import NotWrittenError
from raceway.model.findings import Report
from raceway.model.kinds import Severity
from raceway.report import render_text
from raceway.report.files import write_file, write_stream
from raceway.report.formats import FORMATS

_SEVERITIES = tuple(severity.value for severity in Severity)


def main(arguments: Sequence[str], prog: str) -> int:
    """Render what the arguments ask for; the exit status."""
    given = parser(prog).parse_args(arguments)
    report = load_report(prog, given.file)
    try:
        if given.output is None:
            _to_standard_output(report, given.format, Severity(given.show))
        elif given.format == "text":
            with open(given.output, "w", encoding="utf-8") as file:
                render_text(report, file, show=Severity(given.show), fail_on=None)
        else:
            write_file(report, given.format, given.output)
    except NotWrittenError as error:
        refuse(prog, error)
    except OSError as error:
        refuse(prog, f"cannot write {given.output or 'standard output'}: {error.strerror}; give -o another path")
    return 0


def _to_standard_output(report: Report, name: str, show: Severity) -> None:
    """A reader that has seen enough is no error."""
    with contextlib.suppress(BrokenPipeError):
        if name == "text":
            render_text(report, sys.stdout, show=show, fail_on=None)
        else:
            write_stream(report, name, sys.stdout.buffer)


def parser(prog: str) -> Parser:
    """The options of the command."""
    made = Parser(
        prog=prog,
        description="Render a report that --json has written.",
        epilog="`html` is one self-contained page; `github` prints annotations for a workflow's log.",
        allow_abbrev=False,
    )
    made.add_argument("file", metavar="FILE", help="the report, as --json wrote it")
    made.add_argument("--format", choices=FORMATS, default="text", help="the form to render it in (default: text)")
    made.add_argument("-o", "--output", metavar="FILE", help="write it there (default: standard output)")
    made.add_argument(
        "--show", choices=_SEVERITIES, default="warning", help="least severity that the text shows (default: warning)"
    )
    return made
