"""What was judged of the findings in other people's suites, and what a run is compared with."""

from __future__ import annotations

from tests.suites.catalogue import load
from tests.suites.page import with_section
from tests.suites.precision import (
    CATALOGUE,
    PAGE,
    Access,
    Finding,
    Report,
    Verdict,
    Verdicts,
    judge,
    table,
    verdicts,
)


def finding(fingerprint: str, severity: str = "warning") -> Finding:
    return Finding(fingerprint, "read-write", severity, "Pool.size", (Access("pool.py", 1), Access("pool.py", 2)))


def test_what_nobody_judged_and_what_is_false_fails_a_run() -> None:
    one = Verdict("pool", "a", "read-write", "warning", "Pool.size", "true", "both count")
    other = Verdict("pool", "b", "read-write", "warning", "Pool.size", "false", "a lock orders them")
    report = Report((finding("a"), finding("b"), finding("c"), finding("d", "info")))
    unjudged, false = judge("pool", report, Verdicts({"pool": "1 test"}, (one, other)))
    assert [[found.fingerprint for found in group] for group in (unjudged, false)] == [["c"], ["b"]]
    assert judge("other", report, Verdicts({}, (one, other)))[1] == []


def test_the_page_has_the_verdicts_of_suites_that_there_are() -> None:
    known = verdicts()
    assert {verdict.suite for verdict in known.verdict} <= known.suites.keys() <= load(CATALOGUE).suite.keys()
    page = PAGE.read_text(encoding="utf-8")
    assert with_section(page, "verdicts", table(known)) == page
