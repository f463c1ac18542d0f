"""The HTML report: one page that needs nothing else, no network and no server. Serves the report stage.

Every text of the program passes `markup.text`, so that a hostile name or line of source stays text; and the page's
content policy lets only its own style and script run, by their digests. Without scripts all is shown, only the filter
is missing.
"""

from __future__ import annotations

import base64
import hashlib
import pkgutil
from collections.abc import Iterator

from raceway.model.findings import Report
from raceway.model.kinds import FindingKind, Severity
from raceway.report.page.finding import article
from raceway.report.page.graph import edges_of, lock_order
from raceway.report.page.kinds import kinds
from raceway.report.page.markup import text
from raceway.report.page.sections import facts, not_seen, outline, suppressions
from raceway.report.page.timeline import timeline
from raceway.report.turns import took_turns
from raceway.report.wording import counted

_OPEN = 5
"""So many findings are unfolded to begin with."""

_NO_MATCH = (
    '<p class="empty" id="empty" hidden>No finding matches. <button type="button" id="reset">Show all</button></p>'
)


def pieces(report: Report) -> Iterator[str]:
    """The page, piece by piece, one for each finding."""
    style, script = _asset("style.css"), _asset("script.js")
    yield _head(report, style, script)
    yield _top(report)
    yield f'<main>{_toolbar(report)}<div class="columns">{outline(report.findings)}<div class="findings">'
    if not report.findings:
        yield _nothing(report)
    places = {finding.fingerprint: number for number, finding in enumerate(report.findings, 1)}
    for number, finding in enumerate(report.findings, 1):
        yield article(finding, number, places, unfolded=number <= _OPEN)
    yield _NO_MATCH
    yield "</div></div>"
    yield _rest(report)
    yield f"</main>{_foot(report)}<script>{script}</script></body></html>\n"


def _asset(name: str) -> str:
    content = pkgutil.get_data(__name__, name)
    assert content is not None
    return content.decode("utf-8")


def _digest(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


def _head(report: Report, style: str, script: str) -> str:
    policy = f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; base-uri 'none'"
    title = text(f"{_verdict(report)} - {_program(report)} - Raceway")
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}; form-action \'none\'">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f'<link rel="icon" href="data:,"><title>{title}</title><style>{style}</style></head><body>'
    ).replace("default-src 'none';", "default-src 'none'; img-src data:;")


def _verdict(report: Report) -> str:
    summary = report.summary
    found = [(summary.error, "error"), (summary.warning, "warning"), (summary.info, "info")]
    return ", ".join(counted(number, noun) for number, noun in found if number) or "No races found"


def _program(report: Report) -> str:
    """What people call the program: its file without the folder, or its module."""
    first, *rest = report.run.command or ("a program",)
    return rest[0] if first == "-m" and rest else first.rstrip("/").rpartition("/")[2] or first


def _top(report: Report) -> str:
    failed = report.summary.self_check == "failed"
    invalid = (
        '<p class="alarm">The race that Raceway plants to check itself was not found: do not rely on this report.</p>'
        if failed
        else ""
    )
    return (
        '<header class="top"><div class="bar"><span class="brand">Raceway</span>'
        '<button type="button" id="theme" class="quiet" hidden>Theme: auto</button></div>'
        f'<h1>{text(_verdict(report))} <span class="in">in <code>{text(_program(report))}</code></span></h1>'
        f"{invalid}{facts(report)}"
        "</header>"
    )


def _toolbar(report: Report) -> str:
    """The filter; the script shows it, for without one it could do nothing."""
    if not report.findings:
        return ""
    chips = "".join(
        f'<label class="chip {severity.value}"><input type="checkbox" name="severity" value="{severity.value}" checked>'
        f'<span class="dot"></span>{severity.value} <span class="number">{number}</span></label>'
        for severity in Severity
        if (number := sum(one.severity is severity for one in report.findings))
    )
    present = {finding.kind for finding in report.findings}
    options = "".join(f'<option value="{kind.value}">{kind.value}</option>' for kind in FindingKind if kind in present)
    return (
        '<form class="toolbar" id="filter" role="search" hidden>'
        '<input type="search" id="query" aria-label="Search" '
        'placeholder="Search variable, file, function, lock, thread">'
        f'<div class="chips">{chips}</div>'
        f'<select id="kind" aria-label="Kind"><option value="">all kinds</option>{options}</select>'
        '<button type="button" id="fold" class="quiet">Fold all</button>'
        '<output id="shown" aria-live="polite"></output></form>'
    )


def _nothing(report: Report) -> str:
    summary = report.summary
    if not summary.modules:
        words = "Nothing was watched: no module was instrumented. <code>--include</code> adds modules by name."
    elif summary.actors < 2:
        words = "Nothing ran concurrently in this run, so no race could show itself."
    else:
        words = "Its threads ran one after the other: <code>--switching often</code> may have threads meet. "
        words *= took_turns(report)
        words += "A race is found when both sides run. What this run did not execute is not judged."
    return f'<p class="nothing">{words}</p>'


def _rest(report: Report) -> str:
    edges = [edge for finding in report.findings for edge in edges_of(finding)]
    cycles = sum(finding.kind is FindingKind.LOCK_ORDER_CYCLE for finding in report.findings)
    whole = f'<section id="locks"><h2>Lock order</h2>{lock_order(edges)}</section>' if cycles > 1 else ""
    return whole + timeline(report) + kinds(report) + suppressions(report) + not_seen(report)


def _foot(report: Report) -> str:
    tool = report.tool
    return (
        f"<footer>{text(tool.name)} {text(tool.version)}, {text(tool.core)} core. "
        "This page is one file and loads nothing.</footer>"
    )
