"""One finding on the page: headline, message, fix, interleaving, both sides with source, locks. Serves the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from raceway.model.findings import AccessSide, Finding, Frame, Verdicts
from raceway.model.kinds import FindingKind, Verdict
from raceway.report.page.graph import edges_of, lock_order
from raceway.report.page.markup import code, highlighted, marked, place, text
from raceway.report.stacks import is_foreign
from raceway.report.wording import confidence, explained, schedule, seen

_TAB = 4
_FEW = 2
"""So many columns fit on a narrow screen."""


def article(finding: Finding, number: int, places: Mapping[str, int], *, unfolded: bool) -> str:
    """The whole finding; `number` is its place in the report and its anchor, `places` has those of all."""
    severity, kind = finding.severity.value, finding.kind.value
    first = finding.accesses[0] if finding.accesses else None
    where = place(first.file, first.line) if first else ""
    times = f'<span class="times" title="so many racing pairs are folded into it">{seen(finding)}</span>'
    return (
        f'<article class="finding {severity}" id="finding-{number}" data-severity="{severity}" data-kind="{kind}" '
        f'data-text="{text(_searched(finding))}"><details{" open" if unfolded else ""}><summary>'
        f'<span class="severity">{severity}</span><h2><span class="kind">{kind}</span> '
        f"{code(finding.variable) if finding.variable else ''}</h2>{where}"
        f"{times if finding.count > 1 else ''}</summary>"
        f'<div class="body"><p class="message">{text(finding.message)}</p>{_fix(finding)}{_steps(finding)}'
        f'{_graph(finding)}<div class="sides">{"".join(_side(side, finding) for side in finding.accesses)}</div>'
        f"{_also(finding)}{_locks(finding)}{_judgement(finding, places)}</div></details></article>"
    )


def _searched(finding: Finding) -> str:
    """What the search looks in, in small letters."""
    words = [finding.kind.value, finding.variable, finding.fingerprint, finding.guard]
    for side in finding.accesses:
        words += [f"{side.file}:{side.line}", side.function, side.actor.name, side.operation, *side.locks]
        words += [frame.function for frame in side.stack]
    words += [f"{place.file}:{place.line}" for pair in finding.also for place in pair]
    return " ".join(dict.fromkeys(word for word in words if word)).lower()


def _fix(finding: Finding) -> str:
    told = finding.fix and not explained(finding)
    return f'<p class="fix"><b>What to change</b> {text(finding.fix)}</p>' if told else ""


def _steps(finding: Finding) -> str:
    """The interleaving: one column per actor, time downwards, the bad moment marked."""
    if not finding.steps or not finding.accesses:
        return ""
    heads = "".join(f'<th scope="col">{text(side.actor.name)}</th>' for side in finding.accesses)
    rows = "".join(_rows(finding))
    caption = schedule(finding).capitalize()
    many = " many" if len(finding.accesses) > _FEW else ""
    return (
        f'<div class="scroll"><table class="steps{many}"><caption>{caption}</caption>'
        f'<thead><tr><th scope="col" class="time" aria-label="time">time</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _rows(finding: Finding) -> Iterator[str]:
    for number, step in enumerate(finding.steps, 1):
        stores = f' <span class="value">stores {code(step.value)}</span>' if step.value else ""
        harm = f'<p class="harm">{text(step.harm)}</p>' if step.harm else ""
        source = f'<code class="source">{highlighted(step.source.strip())}</code>' if step.source else ""
        where = f" {place(step.file, step.line)}" if step.file else ""
        words = f"<b>{text(step.operation)}</b>{stores}{where}{source}{harm}"
        cells = "".join(
            f'<td class="acts">{words}</td>' if index == step.side else "<td></td>"
            for index in range(len(finding.accesses))
        )
        yield f'<tr{" class=bad" if step.harm else ""}><td class="time">{number}</td>{cells}</tr>'


def _graph(finding: Finding) -> str:
    edges = edges_of(finding)
    return (
        f"<figure>{lock_order(edges)}<figcaption>Who takes which lock while holding which</figcaption></figure>"
        if edges
        else ""
    )


def _side(side: AccessSide, finding: Finding) -> str:
    held = ", ".join(map(code, side.locks)) or "no lock"
    missing = finding.guard and finding.guard not in side.locks and not explained(finding)
    lacks = f' <span class="lacks">lacks {code(finding.guard)}</span>' if missing else ""
    function = f" in {code(side.function)}" if side.function else ""
    return (
        f'<section class="side"><h3>{text(side.actor.kind)} <b>{text(side.actor.name)}</b></h3>'
        f'<p class="does">{text(side.operation)}, holding {held}{lacks}</p>'
        f'<p class="place">{place(side.file, side.line)}{function}</p>{_source(side)}{_stack(side)}</section>'
    )


def _source(side: AccessSide) -> str:
    """The lines around the access; only its own line when the report has no more."""
    lines = side.context or ((" " * side.indent + side.source,) if side.source else ())
    first = side.context_line if side.context else side.line
    if not lines:
        return ""
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    rows = []
    for number, line in enumerate(lines, first):
        here = number == side.line
        shown = (
            marked(line[margin:], side.column - margin, side.end_column - margin)
            if here
            else highlighted(line[margin:])
        )
        sort = "line here" if here else "line"
        rows.append(f'<span class="{sort}"><span class="no">{number}</span>{shown.expandtabs(_TAB)}\n</span>')
    return f'<pre class="source" tabindex="0"><code>{"".join(rows)}</code></pre>'


def _stack(side: AccessSide) -> str:
    if len(side.stack) < 2:
        return ""
    frames = "".join(
        f"<li{' class=foreign' if is_foreign(frame, side) else ''}>"
        f"{place(frame.file, frame.line)} {code(frame.function)}</li>"
        for frame in side.stack
    )
    return f'<details class="stack"><summary>Stack, {len(side.stack)} frames</summary><ol>{frames}</ol></details>'


def _place(frame: Frame) -> str:
    return place(frame.file, frame.line)


def _also(finding: Finding) -> str:
    """Other places of the same functions that race in the same way."""
    pairs = "".join(f"<li>{' and '.join(map(_place, pair))}</li>" for pair in finding.also)
    return f'<section class="also"><h3>Also between</h3><ul>{pairs}</ul></section>' if pairs else ""


def _locks(finding: Finding) -> str:
    if finding.kind is FindingKind.LOCK_ORDER_CYCLE or not any(side.locks for side in finding.accesses):
        return ""
    rows = "".join(
        f"<tr><th scope=row>{text(side.actor.name)}</th><td>{', '.join(map(code, side.locks)) or 'none'}</td></tr>"
        for side in finding.accesses
    )
    helps = (
        ""
        if explained(finding)
        else f"<p>{code(finding.guard)} would have helped: one side holds it, the other does not.</p>"
        if finding.guard
        else "<p>No lock is held on both sides.</p>"
        if not _common(finding)
        else ""
    )
    return f'<section class="locks"><h3>Locks held</h3><table>{rows}</table>{helps}</section>'


def _common(finding: Finding) -> set[str]:
    held = [set(side.locks) for side in finding.accesses]
    return set.intersection(*held) if held else set()


def _judgement(finding: Finding, places: Mapping[str, int]) -> str:
    benign = explained(finding)
    note = f"<dt>Note</dt><dd>{text(finding.reason)}</dd>" if finding.reason and not benign else ""
    return (
        f'<dl class="judgement"><dt>Confidence</dt><dd>{text(confidence(finding))}</dd>'
        f"{_BENIGN if benign else _verdicts(finding.verdict)}{note}"
        f"{_related(finding, places)}<dt>Fingerprint</dt><dd>{code(finding.fingerprint)}</dd>"
        f'<dt>Kind</dt><dd><a href="#about-{finding.kind.value}">what {finding.kind.value} means</a></dd></dl>'
    )


def _related(finding: Finding, places: Mapping[str, int]) -> str:
    """The other findings, with links to those that are on the page."""
    others = ", ".join(
        f'<a href="#finding-{places[one.fingerprint]}">{code(one.variable)}</a>'
        if one.fingerprint in places
        else code(one.variable)
        for one in finding.related
    )
    return f"<dt>Related</dt><dd>{others}</dd>" if others else ""


_BENIGN = "<dt>Verdict</dt><dd class=safe>benign: nothing to change</dd>"
_MEANS = {
    Verdict.HARMFUL: "harmful",
    Verdict.LATENT: "latent: safe only by an implementation detail",
    Verdict.LUCK: "a matter of luck: nothing says which of the two comes first",
    Verdict.SAFE: "safe",
}


def _verdicts(verdict: Verdicts) -> str:
    rows = [("With the GIL", verdict.gil), ("Free-threaded", verdict.free_threaded), ("Between tasks", verdict.asyncio)]
    return "".join(
        f'<dt>{label}</dt><dd class="{value.value}">{_MEANS[value]}</dd>' for label, value in rows if value is not None
    )
