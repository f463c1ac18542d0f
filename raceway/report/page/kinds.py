"""What the kinds in a report mean, once each, for the end of the page, as `raceway explain` says it."""

from __future__ import annotations

import textwrap

from raceway.model.findings import Report
from raceway.model.kinds import FindingKind
from raceway.report.explanations import EXPLANATIONS
from raceway.report.page.markup import highlighted, prose


def kinds(report: Report) -> str:
    """A section with the kinds that the report has."""
    present = {finding.kind for finding in report.findings}
    parts = "".join(_about(kind) for kind in FindingKind if kind in present)
    return f'<section id="kinds"><h2>What the kinds mean</h2>{parts}</section>' if parts else ""


def _about(kind: FindingKind) -> str:
    about = EXPLANATIONS[kind]
    example, fixed = (_block(textwrap.dedent(part)) for part in (about.example, about.fixed))
    return (
        f'<article class="about" id="about-{kind.value}"><h3>{kind.value}</h3>'
        f"<p>{prose(about.what)} {prose(about.why)}</p>"
        f'<div class="pair"><div><h4>Like this</h4>{example}</div><div><h4>Better</h4>{fixed}</div></div>'
        f"<p>{prose(about.remedy)}</p></article>"
    )


def _block(source: str) -> str:
    lines = "".join(f'<span class="line">{highlighted(line)}\n</span>' for line in source.splitlines())
    return f'<pre class="source" tabindex="0"><code>{lines}</code></pre>'
