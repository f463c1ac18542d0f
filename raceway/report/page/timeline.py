"""The timeline of actors on the page: a lane for each name, with bars from beginnings to ends, and its findings.

Findings know actors by their names, which programs may give twice. Serves the page.
"""

from __future__ import annotations

from raceway.model.findings import Life, Report
from raceway.report.page.markup import text
from raceway.report.wording import counted

_LANES = 24
_LINKS = 9
_TOLD = 4
"""Of so many threads of one name the times are told in words."""


def timeline(report: Report) -> str:
    """The lanes; those of actors in findings first when there are too many, and nothing for a report without lives."""
    if not report.lives:
        return ""
    involved = _involved(report)
    lives: dict[str, list[Life]] = {}
    for life in report.lives:
        lives.setdefault(life.actor.name, []).append(life)
    names = list(lives)
    if len(names) > _LANES:
        first = sorted(names, key=lambda name: name not in involved)[:_LANES]
        names = [name for name in names if name in set(first)]
    whole = max([report.run.duration_s, *(life.ended or life.began for life in report.lives)]) or 1.0
    rows = "".join(_lane(name, lives[name], whole, involved.get(name, [])) for name in names)
    left = sum(len(lives[name]) for name in lives.keys() - set(names))
    more = f'<p class="more">and {counted(left, "thread")} more</p>' if left else ""
    return (
        '<section id="timeline"><h2>Timeline of threads</h2><table class="timeline"><thead><tr>'
        f'<th scope="col">thread</th><th scope="col" class="scale"><span>0 s</span><span>{whole:,.3g} s</span></th>'
        '<th scope="col">findings</th></tr>'
        f"</thead><tbody>{rows}</tbody></table>{more}</section>"
    )


def _involved(report: Report) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for number, finding in enumerate(report.findings, 1):
        for name in dict.fromkeys(side.actor.name for side in finding.accesses):
            numbers.setdefault(name, []).append(number)
    return numbers


def _lane(name: str, lives: list[Life], whole: float, numbers: list[int]) -> str:
    words = ", ".join(map(_words, lives[:_TOLD])) + (", ..." if len(lives) > _TOLD else "")
    links = " ".join(f'<a href="#finding-{number}">{number}</a>' for number in numbers[:_LINKS])
    links += f" <small>and {len(numbers) - _LINKS:,} more</small>" if len(numbers) > _LINKS else ""
    bars = "".join(_bar(life, whole) for life in lives)
    several = f" <small>{counted(len(lives), 'thread')}</small>" if len(lives) > 1 else ""
    shown = text(name)
    return (
        f'<tr{" class=involved" if numbers else ""}><th scope="row" title="{shown}">{shown}{several}</th>'
        f'<td><svg class="lane" height="14" role="img" aria-label="{words}"><title>{words}</title>{bars}</svg></td>'
        f"<td>{links}</td></tr>"
    )


def _words(life: Life) -> str:
    return f"{life.began:.3f} s to {'the end' if life.ended is None else f'{life.ended:.3f} s'}"


def _bar(life: Life, whole: float) -> str:
    start = 100 * min(1.0, max(0.0, life.began / whole))
    end = 100 * min(1.0, max(0.0, (whole if life.ended is None else life.ended) / whole))
    return f'<rect x="{start:.2f}%" width="{max(0.4, end - start):.2f}%" y="3" height="8" rx="2"/>'
