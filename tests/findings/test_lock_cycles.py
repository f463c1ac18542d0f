"""Cycles of locks: how many findings they are."""

from __future__ import annotations

from tests.conftest import RunRaceway

PROGRAM = """
import threading

first = threading.Lock()
second = threading.Lock()

def right():
    with first:
        with second:
            pass

def right_too():
    with first:
        with second:
            pass

def wrong():
    with second:
        with first:
            pass

def wrong_too():
    with second:
        with first:
            pass

threads = []
for job in (JOBS):
    thread = threading.Thread(target=job)
    thread.start()
    threads.append(thread)
for thread in threads:
    thread.join()
"""


def test_one_wrong_order_is_one_finding_with_all_that_it_can_meet(run_raceway: RunRaceway) -> None:
    run = run_raceway(run_raceway.write("app.py", PROGRAM.replace("JOBS", "right, right_too, wrong")))
    (finding,) = run.findings
    assert [side["line"] for side in finding["accesses"]] == [9, 19]
    assert [[place["line"] for place in pair] for pair in finding["also"]] == [[14, 19]]
    assert finding["count"] == 2


def test_all_sides_of_all_orders_are_told(run_raceway: RunRaceway) -> None:
    run = run_raceway(run_raceway.write("app.py", PROGRAM.replace("JOBS", "right, right_too, wrong, wrong_too")))
    (finding,) = run.findings
    pairs = [[side["line"] for side in finding["accesses"]]]
    pairs += [[place["line"] for place in pair] for pair in finding["also"]]
    assert sorted(pairs) == [[9, 19], [9, 24], [14, 19], [14, 24]]
