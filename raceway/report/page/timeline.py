"""The timeline of actors on the page: a lane for each, from its beginning to its end, with its findings. Serves the
page.
"""

from __future__ import annotations

from raceway.model.findings import Life, Report
from raceway.report.page.markup import text
from raceway.report.wording import counted

_LANES = 24


def timeline(report: Report) -> str:
    """The lanes; those of actors in findings first when there are too many, and nothing for a report without lives."""
    if not report.lives:
        return ""
    involved = _involved(report)
    lives = list(report.lives)
    if len(lives) > _LANES:
        wanted = [life for life in lives if life.actor.name in involved][:_LANES]
        spare = [life for life in lives if life.actor.name not in involved][: _LANES - len(wanted)]
        kept = {id(life) for life in (*wanted, *spare)}
        lives = [life for life in lives if id(life) in kept]
    whole = max([report.run.duration_s, *(life.ended or life.began for life in report.lives)]) or 1.0
    rows = "".join(_lane(life, whole, involved.get(life.actor.name, [])) for life in lives)
    left = len(report.lives) - len(lives)
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


def _lane(life: Life, whole: float, numbers: list[int]) -> str:
    start = 100 * min(1.0, max(0.0, life.began / whole))
    end = 100 * min(1.0, max(0.0, (whole if life.ended is None else life.ended) / whole))
    words = f"{life.began:.3f} s to {'the end' if life.ended is None else f'{life.ended:.3f} s'}"
    links = " ".join(f'<a href="#finding-{number}">{number}</a>' for number in numbers)
    bar = f'<rect x="{start:.2f}%" width="{max(0.4, end - start):.2f}%" y="3" height="8" rx="2"/>'
    name = text(life.actor.name)
    return (
        f'<tr{" class=involved" if numbers else ""}><th scope="row" title="{name}">{name}</th>'
        f'<td><svg class="lane" height="14" role="img" aria-label="{words}"><title>{words}</title>{bar}</svg></td>'
        f"<td>{links}</td></tr>"
    )
