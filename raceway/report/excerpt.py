"""The source line of one side with carets under the access, as rustc draws it. Serves the text report."""

from __future__ import annotations

from raceway.model.findings import AccessSide
from raceway.report.lines import Line, Medium, Span, Style, cells, printable

_CUT = "..."
_LEAST_ROOM = 20


def excerpt(side: AccessSide, medium: Medium, *, indent: int, digits: int, style: Style) -> list[Line]:
    """The line of source behind its number, and the carets. Indentation is dropped: one line has no use for it."""
    line = side.source.split("\n", 1)[0].rstrip()
    text = line.lstrip()
    if not text:
        return []
    gutter = f"{side.line:>{digits}} | "
    margin = side.indent + len(line) - len(text)
    span = _span(text, side.column - margin, side.end_column - margin)
    room = max(_LEAST_ROOM, medium.width - indent - len(gutter))
    shown, start, end = _window(text, span or (0, 0), room)
    lines = [Line((Span(gutter, Style.GUTTER), Span(printable(shown, medium.encoding))), indent)]
    if span is not None:
        before = cells(printable(shown[:start], medium.encoding))
        marked = cells(printable(shown[start:end], medium.encoding))
        bar = " " * (len(gutter) - 2) + "| "
        lines.append(Line((Span(bar, Style.GUTTER), Span(" " * before + "^" * max(1, marked), style)), indent))
    return lines


def _span(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The characters to mark, or None when the columns cannot belong to this line: no carets beat wrong carets."""
    if not 0 <= start < len(text) or text[start].isspace() or _cuts_word(text, start):
        return None
    if end <= start or end > len(text):
        return start, len(text)  # the expression goes on in the next line
    if _cuts_word(text, end):
        return start, start + 1
    return start, end


def _cuts_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and _in_word(text[at - 1]) and _in_word(text[at])


def _in_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def _window(text: str, span: tuple[int, int], room: int) -> tuple[str, int, int]:
    """The part of a long line around the span that fits, with the span moved to it."""
    start, end = span
    if cells(text) <= room:
        return text, start, end
    left = max(0, min(start - room // 4, len(text) - room))
    right = min(len(text), left + room)
    head = _CUT if left else ""
    tail = _CUT if right < len(text) else ""
    start, end = max(start - left, len(head)), min(end - left, right - left - len(tail))
    return head + text[left + len(head) : right - len(tail)] + tail, start, end
