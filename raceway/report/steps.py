"""The interleaving of a finding for the terminal: one column per actor, time downwards. Serves the text report.

how it goes wrong:
              | Thread-1    | Thread-2
  bank.py:12  | read        |
  bank.py:12  |             | read
  bank.py:14  | write       |
  bank.py:14  |             | write
                              ^ from the value read before: the write of Thread-1 is lost
"""

from __future__ import annotations

from collections.abc import Iterator

from raceway.model.findings import Finding, Step
from raceway.report.lines import BLANK, Line, Medium, Span, Style, cells, printable
from raceway.report.wording import schedule

_INDENT = 4
_COLUMN = 24
_WIDEST = 40
"""A column is cut to so many characters, and where there is room to so many at most."""
_MOST_ACTORS = 4
_ROOM = 30
"""The words of a harm have so much room at least, and then begin left of their column if need be."""


def step_lines(finding: Finding, medium: Medium, *, indent: int, style: Style) -> Iterator[Line]:
    """The table of a finding's steps, begun by an empty line; nothing for a finding without steps.

    More actors than fit side by side stand in one column, by name.
    """
    if not finding.steps or not finding.accesses:
        return
    yield BLANK
    yield Line((Span(f"{schedule(finding)}:", Style.STRONG),), indent)
    whole = [printable(side.actor.name, medium.encoding) for side in finding.accesses]
    places = [printable(f"{step.file}:{step.line}" if step.file else "", medium.encoding) for step in finding.steps]
    margin = max(map(cells, places))
    room = medium.width - _INDENT - margin
    column = max(_COLUMN, min(_WIDEST, room // len(whole) - len(" | ")))
    names = _heads(whole, column)
    texts = [_cut_words(_words(step, medium), column) for step in finding.steps]
    width = max(map(cells, [*names, *texts]))
    if len(names) > _MOST_ACTORS or len(names) * (width + 3) > room:
        yield from _listed(finding.steps, whole, places, margin, medium, style)
        return
    head = "".join(f" | {_padded(name, width)}" for name in names)
    yield Line((Span(" " * margin), Span(head.rstrip(), Style.FAINT)), _INDENT)
    for step, place, text in zip(finding.steps, places, texts, strict=True):
        bars = [" | " + _padded(text if side == step.side else "", width) for side in range(len(names))]
        here = max(0, min(step.side, len(names) - 1))
        yield Line(
            (
                Span(_padded(place, margin), Style.PLACE),
                Span("".join(bars[:here]) + " | "),
                Span(_padded(text, width), style if step.harm else Style.NONE),
                Span("".join(bars[here + 1 :])),
            ),
            _INDENT,
        )
        if step.harm:
            below = _INDENT + margin + here * (width + 3) + 3
            yield _harm(step, max(0, min(below, medium.width - _ROOM)), medium, style)


def _listed(
    steps: tuple[Step, ...], names: list[str], places: list[str], margin: int, medium: Medium, style: Style
) -> Iterator[Line]:
    for step, place in zip(steps, places, strict=True):
        who = names[step.side] if 0 <= step.side < len(names) else ""
        words = Span(f"  {who}: {_words(step, medium)}", style if step.harm else Style.NONE)
        hang = margin + 4  # further lines begin behind the place, two columns in
        yield Line((Span(_padded(place, margin), Style.PLACE), words), _INDENT, prose=True, hang=hang)
        if step.harm:
            yield _harm(step, _INDENT + margin + 2, medium, style)


def _harm(step: Step, indent: int, medium: Medium, style: Style) -> Line:
    return Line((Span("^ ", style), Span(printable(step.harm, medium.encoding))), indent, prose=True, hang=2)


def _words(step: Step, medium: Medium) -> str:
    words = f"{step.operation} {step.value}" if step.value else step.operation
    return printable(words, medium.encoding)


def _cut_words(words: str, room: int) -> str:
    """Words for a column; the number that tells a lock from another of its name stays."""
    name, mark, number = words.rpartition(" #")
    if not (mark and number.isdigit()):
        return _cut(words, room)
    return _cut(name, room - len(mark + number)) + mark + number


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 3]}..."


def _heads(names: list[str], room: int) -> list[str]:
    """Names for the heads: of one that is too long what comes before its function, `Thread-6 (serve)`, else its
    beginning, else its end: the first of these that tells them apart."""
    without = [name if len(name) <= room else name.partition(" (")[0] for name in names]
    ways = [[_cut_name(name, room) for name in without], [_cut_name(name, room) for name in names]]
    ways += [[_end_of(name, room) for name in without], [_end_of(name, room) for name in names]]
    return next((heads for heads in ways if len(set(heads)) == len(set(names))), ways[1])


def _cut_name(name: str, room: int) -> str:
    """A name; the number that tells it from another of the same name stays."""
    number = name[-4:] if name.endswith((" (1)", " (2)")) else ""
    return _cut(name.removesuffix(number), room - len(number)) + number


def _end_of(name: str, room: int) -> str:
    return name if len(name) <= room else f"...{name[3 - room :]}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))
