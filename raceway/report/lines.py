"""Styled lines: what the text report is made of before it becomes plain text or colours.

Serves the report stage. Everything a program can put into a name or a source line passes `printable`, so that
no report moves the cursor, changes colours or fails on a stream that cannot encode it.
"""

from __future__ import annotations

import enum

from raceway.model.kinds import Severity
from raceway.model.struct import Struct

TAB = " " * 4


class Style(enum.Enum):
    """What a piece of text is. The value is the style on a terminal, in rich's words."""

    NONE = ""
    ERROR = "bold red"
    WARNING = "bold yellow"
    INFO = "bold cyan"
    STRONG = "bold"
    PLACE = "cyan"
    GUTTER = "blue"
    FAINT = "dim"
    REMEDY = "bold green"


STYLES = {Severity.ERROR: Style.ERROR, Severity.WARNING: Style.WARNING, Severity.INFO: Style.INFO}
"""How a severity looks."""


class Span(Struct):
    """A piece of one line in one style."""

    text: str
    style: Style = Style.NONE


class Line(Struct):
    """One line. `prose` may be broken at the width of a terminal, each further part `hang` columns in."""

    spans: tuple[Span, ...] = ()
    indent: int = 0
    prose: bool = False
    hang: int = 0


class Medium(Struct):
    """What the lines are for: the encoding of the stream and its width in cells."""

    encoding: str
    width: int


BLANK = Line()


def printable(text: str, encoding: str) -> str:
    """The text with a backslash escape for each character that is not printable or not in the encoding."""
    if text.isprintable() and _encodes(text, encoding):
        return text
    return "".join(_printable_character(character, encoding) for character in text)


def plain(line: Line, medium: Medium) -> str:
    """The line without styles, never broken."""
    text = " " * line.indent + "".join(span.text for span in line.spans)
    return printable(text, medium.encoding).rstrip()


def well_formed(text: str) -> str:
    """The text with an escape for each lone surrogate, which file names may hold and UTF-8 cannot."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(character) for character in text)


def _printable_character(character: str, encoding: str) -> str:
    if character == "\t":
        return TAB
    if character.isprintable() and _encodes(character, encoding):
        return character
    return character.encode("unicode_escape").decode("ascii")


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeError:
        return False
    return True


def _cells_of(character: str) -> int:
    import unicodedata

    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
