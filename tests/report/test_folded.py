"""What is folded into a finding, and what is related to it, is told in every form."""

from __future__ import annotations

import io

import pytest

from raceway.findings.merge import merge_findings
from raceway.model.findings import Finding, Frame, Related
from raceway.model.kinds import Confidence, Severity
from raceway.model.struct import replace
from raceway.report import decode_json, encode_json, render_text
from raceway.report.markdown import pieces as markdown
from raceway.report.page import pieces as page
from tests.report import samples

PAIR = (Frame("bank.py", 31, "Account.withdraw"), Frame("bank.py", 40, "Account.reset"))
OTHER = samples.COUNTER
FOLDED = replace(
    samples.LOST_UPDATE, also=(PAIR,), related=(Related(OTHER.fingerprint, OTHER.variable), Related("0", "gone"))
)


def text(*findings: Finding) -> str:
    """The text report."""
    stream = io.StringIO()
    render_text(samples.report(*findings), stream, show=Severity.INFO, fail_on=None)
    return stream.getvalue()


def test_the_text_lists_further_places_and_related_findings() -> None:
    shown = text(FOLDED)
    assert "\n  also between:\n    bank.py:31 and bank.py:40\n\n" in shown
    assert "\n  related: stats.hits [90be11d2], gone [0]\n" in shown
    assert "also between" not in text(samples.LOST_UPDATE)


def test_very_many_places_are_cut() -> None:
    pairs = tuple((replace(PAIR[0], line=line), PAIR[1]) for line in range(100, 130))
    shown = text(replace(FOLDED, also=pairs))
    assert (shown.count("and bank.py:40"), "    and 10 more\n" in shown) == (20, True)


def test_the_page_links_to_related_findings_that_are_on_it() -> None:
    shown = "".join(page(samples.report(FOLDED, OTHER)))
    assert "Also between" in shown
    assert "bank.py:31" in shown
    assert '<a href="#finding-2"><code>stats.hits</code></a>' in shown
    assert "<code>gone</code></dd>" in shown


def test_markdown_has_both() -> None:
    shown = "".join(markdown(samples.report(FOLDED)))
    assert "- also between `bank.py:31` and `bank.py:40`\n" in shown
    assert "**Related:** `stats.hits` `90be11d2`, `gone` `0`\n" in shown


def test_json_has_both_where_there_are_any() -> None:
    report = samples.report(FOLDED, OTHER)
    assert decode_json(encode_json(report)) == report
    assert b"related" not in encode_json(samples.report(OTHER))


@pytest.mark.parametrize("turned", [False, True])
def test_one_fingerprint_is_one_finding_with_all_places(turned: bool) -> None:
    first, second = samples.LOST_UPDATE.accesses
    moved = replace(samples.LOST_UPDATE, accesses=(replace(first, line=31), replace(second, line=40)), count=2)
    moved = replace(moved, confidence=Confidence.UNORDERED, related=FOLDED.related[:1])
    parts = [moved, samples.LOST_UPDATE]
    (whole,) = merge_findings(parts[::-1] if turned else parts)
    assert whole == replace(samples.LOST_UPDATE, count=19, also=(PAIR,), related=FOLDED.related[:1])
    (again,) = merge_findings([whole, moved])
    assert (again.also, again.count) == ((PAIR,), 21)
