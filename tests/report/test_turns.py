"""What a silent run says whose threads never ran beside each other."""

from __future__ import annotations

import io

import pytest

from raceway.model.findings import Actor, Coverage, Life, Report, Summary
from raceway.model.kinds import Severity
from raceway.model.struct import replace
from raceway.report import render_text
from raceway.report.page import pieces
from tests.report import samples

HINT = "by 3 actors, which ran one after the other: `--switching often` may have threads meet\n"
COUNTS = Summary(modules=1, sites=5, accesses=9, actors=3)


def lives(*times: tuple[float, float | None]) -> tuple[Life, ...]:
    """The main thread, and threads of these lives."""
    threads = [Life(Actor("thread", f"Thread-{at}"), *life) for at, life in enumerate(times, start=1)]
    return (Life(Actor("thread", "MainThread"), 0.0), *threads)


def silent(*times: tuple[float, float | None]) -> Report:
    """A run in which nothing was found."""
    return replace(samples.report(), summary=COUNTS, lives=lives(*times))


def said(report: Report, often: bool = False) -> str:
    """The text of a report."""
    stream = io.StringIO()
    render_text(report, stream, show=Severity.WARNING, fail_on=Severity.ERROR, often=often)
    return stream.getvalue()


TURNS = silent((0.1, 0.2), (0.2, 0.3))


def test_threads_that_ran_one_after_the_other_may_be_made_to_meet() -> None:
    assert said(TURNS).endswith(HINT)
    assert "<code>--switching often</code>" in "".join(pieces(TURNS))


@pytest.mark.parametrize(
    "report",
    [
        silent((0.1, 0.2)),
        silent((0.1, 0.21), (0.2, 0.3)),
        silent((0.1, None), (0.2, 0.3)),
        silent(),
        replace(TURNS, summary=replace(COUNTS, warning=1)),
        replace(TURNS, summary=replace(COUNTS, suppressed=1)),
        replace(TURNS, lives=(*TURNS.lives, *lives())),
        replace(TURNS, coverage=Coverage((), (), (), tests=4)),
    ],
    ids=["one", "beside", "to-the-end", "none", "found", "suppressed", "processes", "tests"],
)
def test_nothing_is_said_where_they_met_or_that_is_no_wonder(report: Report) -> None:
    assert "one after the other" not in said(report) + "".join(pieces(report))


def test_nothing_is_said_of_a_run_that_was_made_to_switch_often() -> None:
    assert said(TURNS, often=True).endswith("by 3 actors\n")
