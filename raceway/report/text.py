"""The text report: a `Report` on a stream, in colours on a terminal and as plain lines anywhere else.

Serves the report stage. The lines are decided first, in one layout for both; this file is the only one that
touches the stream and rich.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from raceway.model.findings import Finding, Report
from raceway.model.kinds import Severity
from raceway.model.typing import TYPE_CHECKING, TextIO
from raceway.report.closing import not_seen_lines, note_lines, separated, summary_lines
from raceway.report.finding import finding_lines, index_lines
from raceway.report.lines import BLANK, Line, Medium, Span, Style, plain, printable

if TYPE_CHECKING:
    from rich.console import Console

# Plain lines are never broken; a longer line of source shows the part around its carets.
_PLAIN_WIDTH = 160
_LEAST_PROSE = 20

# What closed, detached, missing and half-made streams raise, and a write that interrupts another one.
_STREAM_FAULTS = (ValueError, AttributeError, TypeError, RuntimeError)


def render(report: Report, stream: TextIO, *, show: Severity, fail_on: Severity | None, often: bool = False) -> None:
    """Write the report with the findings down to `show`; `often`: of a run that had its threads switch often. A stream
    that does not take it raises OSError."""
    console = _console(stream)
    medium = Medium(_encoding(stream), console.width if console else _PLAIN_WIDTH)
    lines = _layout(report, medium, show, fail_on, often)
    _write(stream, _coloured(lines, medium, console) if console else _plain(lines, medium))


def render_findings(findings: Sequence[Finding], stream: TextIO, *, gil: bool) -> None:
    """Write findings alone, with an empty line after each. A stream that does not take them raises OSError."""
    console = _console(stream)
    medium = Medium(_encoding(stream), console.width if console else _PLAIN_WIDTH)
    lines = [line for finding in findings for line in (*finding_lines(finding, medium, gil=gil), BLANK)]
    _write(stream, _coloured(lines, medium, console) if console else _plain(lines, medium))


def render_closing(report: Report, stream: TextIO, *, show: Severity) -> None:
    """Write what follows the findings: suppressions, not seen, summary. Raises OSError as `render` does."""
    medium = Medium(_encoding(stream), _PLAIN_WIDTH)
    closing = list(summary_lines(report, show=show, fail_on=None))
    notes, not_seen = list(note_lines(report.notes)), list(not_seen_lines(report.not_seen))
    _write(stream, _plain(list(separated(notes, not_seen, closing)), medium))


def render_hang(finding: Finding, stream: TextIO, *, gil: bool) -> None:
    """Write that the program hangs, with the deadlock that it is in. A stream that does not take it raises OSError."""
    console = _console(stream)
    medium = Medium(_encoding(stream), console.width if console else _PLAIN_WIDTH)
    lines = [
        Line((Span("raceway: the program hangs: threads wait for each other's locks", Style.ERROR),)),
        BLANK,
        *finding_lines(finding, medium, gil=gil),
        BLANK,
        Line((Span("raceway: it does not go on by itself; the report comes when it is ended"),)),
    ]
    _write(stream, _coloured(lines, medium, console) if console else _plain(lines, medium))


def _layout(report: Report, medium: Medium, show: Severity, fail_on: Severity | None, often: bool) -> list[Line]:
    shown = [finding for finding in report.findings if finding.severity.rank <= show.rank]
    shown.sort(key=lambda finding: finding.severity.rank)
    findings = [list(finding_lines(finding, medium, gil=report.run.gil)) for finding in shown]
    closing = list(summary_lines(report, show=show, fail_on=fail_on, often=often))
    notes = list(note_lines(report.notes))
    return list(
        separated(*findings, list(index_lines(shown, medium)), notes, list(not_seen_lines(report.not_seen)), closing)
    )


def _plain(lines: Sequence[Line], medium: Medium) -> str:
    return "".join(f"{plain(line, medium)}\n" for line in lines)


def _coloured(lines: Sequence[Line], medium: Medium, console: Console) -> str:
    from rich.text import Text

    canvas = console.file = io.StringIO()
    for line in lines:
        text = Text()
        for span in line.spans:
            text.append(printable(span.text, medium.encoding), span.style.value)
        room = max(_LEAST_PROSE, medium.width - line.indent - line.hang)
        for index, part in enumerate(text.wrap(console, room) if line.prose else [text]):
            part.rstrip()
            margin = " " * (line.indent + (line.hang if index else 0))
            console.print(Text(margin) + part, no_wrap=True, overflow="ignore", crop=False)
    return canvas.getvalue()


def _console(stream: TextIO) -> Console | None:
    """rich's console for a terminal; it reads TERM, the width and NO_COLOR, with which it writes no escape codes."""
    if not _is_terminal(stream):
        return None
    try:
        from rich.console import Console
    except ImportError:  # the program may have a `rich` of its own, or have emptied sys.path
        return None
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal or console.legacy_windows:
        return None
    if console.no_color or console.is_dumb_terminal:
        width, height = _size() if console.is_dumb_terminal else console.size
        return Console(
            file=stream, highlight=False, markup=False, emoji=False, color_system=None, width=width, height=height
        )
    return console


def _size() -> tuple[int, int]:
    """The columns and lines of a terminal of which rich does not ask them."""
    import shutil

    return shutil.get_terminal_size()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return bool(stream.isatty())
    except (OSError, *_STREAM_FAULTS):
        return False


def _encoding(stream: TextIO) -> str:
    """The stream's encoding; UTF-8 for streams of text that have none, ASCII when Python does not know it."""
    try:
        encoding = stream.encoding
        if isinstance(encoding, str):
            "".encode(encoding)
            return encoding
    except LookupError:
        return "ascii"
    except _STREAM_FAULTS:
        pass
    return "utf-8"


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except _STREAM_FAULTS as error:
        raise OSError(f"the report could not be written: {error}") from error
