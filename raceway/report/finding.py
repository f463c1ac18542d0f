"""The lines of one finding, for the text report: headline, message and fix first, then the evidence.

The evidence is each side with source and stack, the interleaving, how sure and how bad.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from raceway.model.findings import AccessSide, Finding
from raceway.report.excerpt import excerpt
from raceway.report.lines import BLANK, STYLES, Line, Medium, Span, Style, cells, printable
from raceway.report.stacks import Shown, shortened
from raceway.report.steps import step_lines
from raceway.report.wording import confidence, counted, explained, seen, verdicts

_INDENT = 2
_SIDE_INDENT = 4
_FEW, _MANY = 3, 20
_WIDEST = 60
_SEVERITY = len("WARNING")
_CALLED_FROM = "called from "


def finding_lines(finding: Finding, medium: Medium, *, gil: bool) -> Iterator[Line]:
    """Everything about one finding. `gil` says whether the run had one, so that its own verdict comes first."""
    style = STYLES[finding.severity]
    yield _headline(finding, style)
    yield _prose(Span(finding.message))
    if finding.fix and not explained(finding):
        yield _prose(Span("fix: ", Style.REMEDY), Span(finding.fix))
    digits = max((len(str(side.line)) for side in finding.accesses), default=0)
    for side in finding.accesses:
        yield BLANK
        yield from _side(side, medium, digits, style)
    yield from _also(finding)
    yield from step_lines(finding, medium, indent=_INDENT, style=style)
    yield BLANK
    yield _prose(Span("confidence: ", Style.STRONG), Span(confidence(finding)))
    yield _prose(Span("verdict: ", Style.STRONG), Span(verdicts(finding, gil)))
    if finding.reason and not explained(finding):
        yield _prose(Span("note: ", Style.STRONG), Span(finding.reason))
    if finding.related:
        others = ", ".join(f"{one.variable} [{one.fingerprint}]" for one in finding.related)
        yield _prose(Span("related: ", Style.STRONG), Span(others))
    if finding.state:
        yield _prose(Span("state: ", Style.STRONG), Span("of the test itself: both sides stand in code of the test"))


def _headline(finding: Finding, style: Style) -> Line:
    spans = [Span(finding.severity.name, style), Span(f" {finding.kind.value}", Style.STRONG)]
    if finding.variable:
        spans += [Span(" on "), Span(finding.variable, Style.STRONG)]
    spans.append(Span(f" [{finding.fingerprint}]", Style.FAINT))
    if finding.count > 1:
        spans.append(Span(f", {seen(finding)}"))
    return Line(tuple(spans))


def index_lines(findings: Sequence[Finding], medium: Medium) -> Iterator[Line]:
    """One line a finding, for the end of a long report: there the eye of who waited for the run rests."""
    if len(findings) < _FEW:
        return
    yield Line((Span("in short:", Style.STRONG),))
    shown = findings[:_MANY]
    rows = [(one, printable(f"{one.kind.value} on {one.variable}", medium.encoding)) for one in shown]
    width = min(_WIDEST, max(cells(words) for _one, words in rows))
    for one, words in rows:
        place = f"{one.accesses[0].file}:{one.accesses[0].line}" if one.accesses else ""
        severity = Span(f"{one.severity.name:<{_SEVERITY}}", STYLES[one.severity])
        padding = " " * max(1, width + 2 - cells(words))
        spans = (
            severity,
            Span(f" {words}{padding}"),
            Span(place, Style.PLACE),
            Span(f" [{one.fingerprint}]", Style.FAINT),
        )
        yield Line(spans, _INDENT)
    if len(findings) > _MANY:
        yield Line((Span(f"and {len(findings) - _MANY:,} more"),), _INDENT)


def _side(side: AccessSide, medium: Medium, digits: int, style: Style) -> Iterator[Line]:
    held = ", ".join(side.locks) or "no lock"
    actor = f"{side.actor.kind} {side.actor.name}"
    yield Line((Span(actor, Style.STRONG), Span(f": {side.operation}, holding {held}")), _INDENT)
    place = f"{side.file}:{side.line}:{side.column + 1}"
    yield Line((Span("--> ", Style.GUTTER), Span(place, Style.PLACE), *_in_function(side.function)), _SIDE_INDENT)
    yield from excerpt(side, medium, indent=_SIDE_INDENT, digits=digits, style=style)
    yield from _stack(side)


def _stack(side: AccessSide) -> Iterator[Line]:
    """The callers, innermost first."""
    margin = " " * len(_CALLED_FROM)
    for index, shown in enumerate(shortened(side)):
        yield Line((Span(margin if index else _CALLED_FROM, Style.FAINT), *_shown(shown)), _SIDE_INDENT)


def _shown(shown: Shown) -> tuple[Span, ...]:
    frame = shown.frame
    if shown.again:
        return (Span(f"... these {shown.again} again, {counted(shown.times, 'time')} ...", Style.FAINT),)
    if frame is None:
        return (Span(f"... {counted(shown.times, 'frame')} of {', '.join(shown.packages)} ...", Style.FAINT),)
    times = (Span(f", {shown.times} times", Style.FAINT),) if shown.times > 1 else ()
    return (Span(f"{frame.file}:{frame.line}"), *_in_function(frame.function), *times)


def _also(finding: Finding) -> Iterator[Line]:
    """Other places of the same functions that race in the same way, a pair a line."""
    if not finding.also:
        return
    yield BLANK
    yield Line((Span("also between:", Style.STRONG),), _INDENT)
    for pair in finding.also[:_MANY]:
        yield Line((Span(" and ".join(f"{place.file}:{place.line}" for place in pair), Style.PLACE),), _SIDE_INDENT)
    if len(finding.also) > _MANY:
        yield Line((Span(f"and {len(finding.also) - _MANY:,} more"),), _SIDE_INDENT)


def _in_function(function: str) -> tuple[Span, ...]:
    return (Span(f" in {function}"),) if function else ()


def _prose(*spans: Span) -> Line:
    """A line of words: whatever white space the words came with becomes single spaces."""
    *labels, words = spans
    text = Span(" ".join(words.text.split()), words.style)
    return Line((*labels, text), _INDENT, prose=True, hang=2 if labels else 0)
