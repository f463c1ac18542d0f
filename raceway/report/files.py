"""Files of reports: read back with a clear word on what is wrong, and written with progress.

Serves the session and the commands; the one place that says what becomes of a file that is cut off, of another
schema, or cannot be written.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator

from raceway.errors import ConfigError, NotWrittenError, ReportError
from raceway.model.baseline import Baseline
from raceway.model.findings import Report
from raceway.model.typing import BinaryIO, TextIO
from raceway.report.formats import write
from raceway.report.json import check_fingerprints, decode, decode_baseline

_PATIENCE_S = 1.0
"""Writing that takes longer is told of on a terminal."""

_INTERVAL_S = 0.1
_HOME_AND_CLEAR = "\r\x1b[K"


def read_report(path: str, *, to_compare: bool = False) -> Report:
    """The report of a JSON file. ReportError names the file, what is wrong and what to do.

    `to_compare`: its fingerprints must be made as ours are.
    """
    try:
        report = decode(_content(path))
        if to_compare:
            check_fingerprints(report)
        return report
    except ReportError as error:
        raise ReportError(f"{path}: {error}") from error


def read_baseline(path: str) -> Baseline:
    """The baseline of a file, or of a JSON report. ConfigError names the file, what is wrong and what to do."""
    try:
        return decode_baseline(_content(path, "give the file that raceway baseline write, or --json, wrote"))
    except ReportError as error:
        raise ConfigError(f"{path}: {error}") from error


def _content(path: str, remedy: str = "give the file that --json wrote") -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ReportError(f"cannot be read: {error.strerror}; {remedy}") from error


def write_file(report: Report, name: str, path: str, *, quiet: bool = False) -> None:
    """Write the report in the form `name`. NotWrittenError when that fails, whatever the reason."""
    try:
        with open(path, "wb") as file, _progress(report, path, quiet=quiet) as progress:
            write(report, name, file, progress)
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from error
    # A fault in a renderer must cost its file only: the findings go to standard error, with the exit status 2.
    except Exception as error:
        raise _not_written(path, f"{type(error).__name__}: {error}") from error


def write_bytes(path: str, content: bytes) -> None:
    """Write a small file whole. NotWrittenError when that fails."""
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from error


def write_stream(report: Report, name: str, stream: BinaryIO) -> None:
    """Write the report to standard output or the like. A reader that is gone is no error."""
    with contextlib.suppress(BrokenPipeError):
        write(report, name, stream)
        stream.flush()


def _not_written(path: str, why: str) -> NotWrittenError:
    return NotWrittenError(f"cannot write {path}: {why}; give a path that can be written")


@contextlib.contextmanager
def _progress(report: Report, path: str, *, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """What tells on a terminal how far the writing is, once it has taken long."""
    stream = None if quiet else sys.__stderr__
    if stream is None or not _is_terminal(stream):
        yield None
        return
    progress = Progress(stream, os.path.basename(path), len(report.findings) + len(report.suppressed))
    try:
        yield progress
    finally:
        progress.clear()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (OSError, ValueError):
        return False


class Progress:
    """One line on a terminal that says how many findings of a report are written; gone when all are."""

    def __init__(self, stream: TextIO, name: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._name = name
        self._total = total
        self._clock = clock
        self._next = clock() + _PATIENCE_S
        self._shown = False

    def __call__(self, number: int) -> None:
        """So many pieces are written."""
        now = self._clock()
        if now >= self._next:
            self._next, self._shown = now + _INTERVAL_S, True
            done = min(number, self._total)
            self._write(f"{_HOME_AND_CLEAR}raceway: writing {self._name}: {done:,} of {self._total:,} findings")

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._write(_HOME_AND_CLEAR)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
