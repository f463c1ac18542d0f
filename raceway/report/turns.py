"""Whether the threads of a run ever ran beside each other, as the times of their lives tell. Serves the reports.

The main thread, which starts them, is beside all of them. What threads do that each ended before the next one began is
ordered by locks and luck in one way: little is found in such a run, and another one may go otherwise.
"""

from __future__ import annotations

from itertools import pairwise

from raceway.model.findings import Report

_MAIN = "MainThread"


def took_turns(report: Report) -> bool:
    """Whether a run in which nothing was found had several threads, each of which was through before the next began."""
    tests = 0 if report.coverage is None else report.coverage.tests
    mains = sum(life.actor.name == _MAIN for life in report.lives)
    if report.summary.error or report.summary.warning or report.summary.suppressed or tests or mains != 1:
        return False  # several processes, or tests that take turns
    threads = [life for life in report.lives if life.actor.name != _MAIN]
    over = (one.ended is not None and one.ended <= later.began for one, later in pairwise(threads))
    return len(threads) > 1 and all(over)
