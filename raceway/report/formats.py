"""The forms that a report can be written in, by name. Serves the session and `raceway report`.

Each form is a function from a report to pieces of text, one a finding or so: a large report is written as it is
made, and who writes can say how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from raceway.model.findings import Report
from raceway.model.typing import BinaryIO

Form = Callable[[Report], Iterator[str]]

FORMATS = ("text", "html", "sarif", "junit", "github", "markdown", "json")
"""Every name that `raceway report --format` takes."""


def form(name: str) -> Form:
    """The form of that name, imported now; `text` goes to streams and is made by `raceway.report.text`."""
    match name:
        case "html":
            from raceway.report.page import pieces
        case "sarif":
            from raceway.report.sarif import pieces
        case "junit":
            from raceway.report.junit import pieces
        case "github":
            from raceway.report.github import pieces
        case "markdown":
            from raceway.report.markdown import pieces
        case "json":
            from raceway.report.json import pieces
        case _:
            raise ValueError(f"there is no form {name!r}")
    return pieces


def write(report: Report, name: str, file: BinaryIO, progress: Callable[[int], None] | None = None) -> None:
    """Write the report to an open file in UTF-8. `progress` is told how many pieces there are so far.

    Raises OSError. A lone surrogate, which file names may hold and UTF-8 cannot, is written as its escape in text.
    """
    for number, piece in enumerate(form(name)(report), 1):
        file.write(piece.encode("utf-8", "backslashreplace"))
        if progress is not None:
            progress(number)
