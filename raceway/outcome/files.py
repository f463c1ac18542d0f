"""The files of a run: the reports that it writes, and what it reads of findings that are known. Serves the session."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from raceway.config import Config
from raceway.errors import NotWrittenError, SuppressionError
from raceway.model.findings import Report
from raceway.model.kinds import Severity
from raceway.model.typing import TYPE_CHECKING, TextIO
from raceway.outcome.stream import say
from raceway.report import FILES

if TYPE_CHECKING:
    from raceway.findings.known import Known


def save(report: Report, config: Config, tell: Callable[[str], object]) -> bool:
    """Write the report files that the settings ask for; False when one could not be written, which `tell` gets a line
    about."""
    paths = {name: getattr(config, name) for name in FILES}
    if not any(paths.values()):
        return True
    from raceway.report.files import write_file

    written = True
    for name, path in paths.items():
        if path is not None:
            try:
                write_file(report, name, path, quiet=config.quiet)
            except NotWrittenError as error:
                tell(f"raceway: error: {error} [{error.slug}]")
                written = False
    return written


def write(report: Report, config: Config, stream: TextIO) -> bool:
    """Write the files and the text; False when a file could not be written, or a suppression in a comment not be read.

    With a file nothing is lost: the text then has every finding, whatever was asked for, and last what went wrong.
    """
    unwritten = list[str]()
    written = save(report, config, unwritten.append)
    shown = any(one.severity.rank <= config.show.rank for one in report.findings)
    if shown or unwritten or not config.quiet:
        from raceway.report import render_text

        show = Severity.INFO if unwritten else config.show
        with contextlib.suppress(OSError, ValueError):
            often = config.switching == "often"
            render_text(report, stream, show=show, fail_on=config.fail_on, often=often)
    for line in unwritten:
        say(line, stream)
    return written and suppressions_were_read(report)


def suppressions_were_read(report: Report) -> bool:
    """Whether each suppression in a comment could be read."""
    return all(note.state != SuppressionError.slug for note in report.notes)


def read_known(config: Config, directory: str) -> Known | None:
    """What the settings say of findings that are known; None when they say nothing. Raises ConfigError."""
    if not (config.suppress or config.suppressions or config.baseline):
        return None
    from raceway.findings.known import Known, read_rules
    from raceway.report.files import read_baseline

    baseline = None if config.baseline is None else read_baseline(config.baseline)
    return Known(directory, read_rules(config.suppress, config.suppressions), baseline)
