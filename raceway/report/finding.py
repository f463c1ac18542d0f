"""The lines of one finding: headline, message, each side with source and stack, verdict, fix. For the text report."""

from __future__ import annotations

from collections.abc import Iterator

from raceway.model.findings import AccessSide, Finding, Verdicts
from raceway.model.kinds import Confidence, FindingKind, Severity, Verdict
from raceway.report.excerpt import excerpt
from raceway.report.lines import BLANK, Line, Medium, Span, Style

_FRAMES = 8
_INDENT = 2
_SIDE_INDENT = 4
_CALLED_FROM = "called from "

STYLES = {Severity.ERROR: Style.ERROR, Severity.WARNING: Style.WARNING, Severity.INFO: Style.INFO}

_CONFIDENCE = {
    Confidence.OBSERVED: "the harmful interleaving happened in this run",
    Confidence.UNORDERED: "nothing ordered these accesses in this run",
    Confidence.PREDICTED: "only the accident of who took a lock first kept them apart in this run",
    Confidence.CONFIRMED: "a replay forced the harmful interleaving",
}
_CONFIDENCE_OF_CYCLE = {
    Confidence.OBSERVED: "the locks were taken in both orders in this run",
    Confidence.UNORDERED: "nothing in this run keeps these acquisitions apart",
    Confidence.PREDICTED: "no deadlock in this run, but another schedule can reach it",
    Confidence.CONFIRMED: "a replay forced the deadlock",
}
_CONFIDENCE_OF_CALL = {
    Confidence.OBSERVED: "the call happened in this run",
    Confidence.UNORDERED: "nothing hands this call to the loop of the object",
    Confidence.PREDICTED: "no harm in this run, but another schedule can reach it",
    Confidence.CONFIRMED: "a replay forced the harm",
}
_VERDICT = {
    Verdict.HARMFUL: "harmful",
    Verdict.LATENT: "latent, safe only by an implementation detail",
    Verdict.SAFE: "safe",
}


def finding_lines(finding: Finding, medium: Medium, *, gil: bool) -> Iterator[Line]:
    """Everything about one finding. `gil` says whether the run had one, so that its own verdict comes first."""
    style = STYLES[finding.severity]
    yield _headline(finding, style)
    yield _prose(Span(finding.message))
    digits = max((len(str(side.line)) for side in finding.accesses), default=0)
    for side in finding.accesses:
        yield BLANK
        yield from _side(side, medium, digits, style)
    yield BLANK
    yield _prose(Span("confidence: ", Style.STRONG), Span(_confidence(finding)))
    yield _prose(Span("verdict: ", Style.STRONG), Span(_verdicts(finding.verdict, gil)))
    if finding.reason:
        yield _prose(Span("note: ", Style.STRONG), Span(finding.reason))
    if finding.state:
        yield _prose(Span("state: ", Style.STRONG), Span("of the test itself: both sides stand in code of the test"))
    if finding.fix:
        yield _prose(Span("fix: ", Style.REMEDY), Span(finding.fix))


def _headline(finding: Finding, style: Style) -> Line:
    spans = [Span(finding.severity.name, style), Span(f" {finding.kind.value}", Style.STRONG)]
    if finding.variable:
        spans += [Span(" on "), Span(finding.variable, Style.STRONG)]
    spans.append(Span(f" [{finding.fingerprint}]", Style.FAINT))
    if finding.count > 1:
        spans.append(Span(f" x{finding.count}"))
    return Line(tuple(spans))


def _side(side: AccessSide, medium: Medium, digits: int, style: Style) -> Iterator[Line]:
    held = ", ".join(side.locks) or "no lock"
    actor = f"{side.actor.kind} {side.actor.name}"
    yield Line((Span(actor, Style.STRONG), Span(f": {side.operation}, holding {held}")), _INDENT)
    place = f"{side.file}:{side.line}:{side.column + 1}"
    yield Line((Span("--> ", Style.GUTTER), Span(place, Style.PLACE), *_in_function(side.function)), _SIDE_INDENT)
    yield from excerpt(side, medium, indent=_SIDE_INDENT, digits=digits, style=style)
    yield from _stack(side)


def _stack(side: AccessSide) -> Iterator[Line]:
    """The callers, innermost first. The frame of the access itself is already shown as the place."""
    frames = side.stack[:_FRAMES]
    more = len(side.stack) - len(frames)
    if frames and (frames[0].file, frames[0].function) == (side.file, side.function):
        frames = frames[1:]
    margin = " " * len(_CALLED_FROM)
    for index, frame in enumerate(frames):
        label = margin if index else _CALLED_FROM
        place = Span(f"{frame.file}:{frame.line}")
        yield Line((Span(label, Style.FAINT), place, *_in_function(frame.function)), _SIDE_INDENT)
    if more > 0:
        yield Line((Span(f"{margin}... {more} more", Style.FAINT),), _SIDE_INDENT)


def _in_function(function: str) -> tuple[Span, ...]:
    return (Span(f" in {function}"),) if function else ()


def _confidence(finding: Finding) -> str:
    match finding.kind:
        case FindingKind.LOCK_ORDER_CYCLE:
            words = _CONFIDENCE_OF_CYCLE
        case FindingKind.WRONG_THREAD:
            words = _CONFIDENCE_OF_CALL
        case _:
            words = _CONFIDENCE
    return f"{finding.confidence.value}, {words[finding.confidence]}"


def _verdicts(verdict: Verdicts, gil: bool) -> str:
    with_gil, without = _VERDICT[verdict.gil], _VERDICT[verdict.free_threaded]
    if gil:
        parts = [f"on this interpreter: {with_gil}", f"free-threaded: {without}"]
    else:
        parts = [f"on this interpreter: {without}", f"with the GIL: {with_gil}"]
    if verdict.asyncio is not None:
        parts.append(f"between asyncio tasks: {_VERDICT[verdict.asyncio]}")
    return "; ".join(parts)


def _prose(*spans: Span) -> Line:
    """A line of words: whatever white space the words came with becomes single spaces."""
    *labels, words = spans
    text = Span(" ".join(words.text.split()), words.style)
    return Line((*labels, text), _INDENT, prose=True, hang=2 if labels else 0)
