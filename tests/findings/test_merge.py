"""One report of what several processes found: nothing is told twice, and nothing that any of them found gets lost."""

from __future__ import annotations

import pytest

from raceway.findings import merge, merge_reports
from raceway.findings.known import EXPIRED, UNUSED
from raceway.model.findings import (
    Actor,
    Coverage,
    Finding,
    Life,
    Note,
    NotSeen,
    Part,
    Process,
    Report,
    Unwatched,
    WatchedModule,
)
from raceway.model.kinds import Confidence, Severity
from raceway.model.struct import replace
from tests.report import samples


def report(*findings: Finding, **fields: object) -> Report:
    return replace(samples.EVERYTHING, **{"findings": findings, "suppressed": (), "notes": (), "lives": ()} | fields)


def process(ended: str, *command: str) -> Process:
    return Process(7, 1, "exec", ended, command)


def test_equal_findings_are_one_with_what_all_count() -> None:
    first = replace(samples.COUNTER, tests=("a", "b"), count=2)
    second = replace(samples.COUNTER, tests=("b", "c"), count=3, confidence=Confidence.OBSERVED, message="seen")
    whole = merge_reports([report(first, samples.STOP_FLAG), report(second, samples.LOST_UPDATE)])
    assert [one.fingerprint for one in whole.findings] == ["3f2a90c1", "90be11d2", "77aa01f0"]  # worst first
    counter = whole.findings[1]
    assert (counter.count, counter.tests, counter.message) == (5, ("a", "b", "c"), "seen")
    assert (whole.summary.error, whole.summary.warning, whole.summary.info) == (1, 1, 1)


@pytest.mark.parametrize("turned", [False, True])
def test_the_worst_of_equal_findings_is_told(turned: bool) -> None:
    mild = replace(samples.COUNTER, severity=Severity.INFO, confidence=Confidence.OBSERVED)
    bad = replace(samples.COUNTER, severity=Severity.ERROR)
    reports = [report(mild), report(bad)]
    whole = merge_reports(reports[::-1] if turned else reports)
    assert [(one.severity, one.count) for one in whole.findings] == [(Severity.ERROR, 2)]


def test_state_of_tests_is_such_only_when_all_say_so() -> None:
    own, other = replace(samples.COUNTER, state="test"), samples.COUNTER
    assert merge_reports([report(own), report(own)]).findings[0].state == "test"
    assert merge_reports([report(own), report(other)]).findings[0].state == ""


def test_one_failed_self_check_is_that_of_the_run() -> None:
    summary = replace(samples.EVERYTHING.summary, self_check="ok", accesses=3, dropped=1)
    failed = replace(summary, self_check="failed")
    whole = merge_reports([report(summary=summary), report(summary=failed)])
    assert (whole.summary.self_check, whole.summary.accesses, whole.summary.dropped) == ("failed", 6, 2)
    unchecked = replace(summary, self_check="not-run")
    assert merge_reports([report(summary=summary), report(summary=unchecked)]).summary.self_check == "ok"


def test_a_suppression_that_one_process_used_is_not_unused() -> None:
    unused, expired = Note(UNUSED, "app.py:3", "kind"), Note(EXPIRED, "app.py:9", "kind")
    kept_out = replace(samples.COUNTER, suppressed="app.py:3: known")
    whole = merge_reports([report(notes=(unused, expired)), report(suppressed=(kept_out,), notes=(expired,))])
    assert (whole.notes, whole.summary.suppressed) == ((expired,), 1)
    assert merge_reports([report(notes=(unused,)), report(notes=(unused,))]).notes == (unused,)


def test_processes_of_which_not_all_is_known_are_named() -> None:
    forkserver = process("running", "-c", "from multiprocessing.forkserver import main; main(3)")
    ended = [process("handed-in", "a.py"), process("lost", "b.py", "x"), process("running", "c.py"), forkserver]
    whole = merge(report(not_seen=()), [Part(one, None, False) for one in ended])
    assert whole.not_seen == (
        NotSeen("process-lost", "b.py x", "process 7"),
        NotSeen("process-running", "c.py", "process 7"),
    )
    assert whole.coverage is not None
    assert whole.coverage.processes == tuple(ended)


def test_coverage_is_that_of_all() -> None:
    first = Coverage(
        (WatchedModule("__main__", "app.py", 3), WatchedModule("bank", "bank.py", 5)),
        (Unwatched("installed", 4, ("rich",)),),
        ("gevent.Lock",),
        tests=2,
        alone=("a",),
    )
    second = Coverage(
        (WatchedModule("app", "app.py", 3),),
        (Unwatched("installed", 6, ("rich", "httpx")), Unwatched("excluded", 1)),
        ("gevent.Lock",),
        tests=1,
    )
    whole = merge_reports([report(coverage=first), report(coverage=second), report(coverage=None)])
    assert whole.coverage == Coverage(
        first.watched,
        (Unwatched("installed", 6, ("rich", "httpx")), Unwatched("excluded", 1)),
        ("gevent.Lock",),
        tests=3,
        alone=("a",),
    )
    assert (whole.summary.modules, whole.summary.sites) == (2, 8)


def test_lives_are_in_the_order_of_their_beginnings() -> None:
    lives = [Life(Actor("thread", name), began) for name, began in (("a", 0.0), ("b", 2.0), ("c", 1.0))]
    whole = merge_reports([report(lives=tuple(lives[:2])), report(lives=tuple(lives[2:]))])
    assert [life.actor.name for life in whole.lives] == ["a", "c", "b"]
