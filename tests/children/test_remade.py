"""Locks that a module's own handler of forks makes anew in a child, as that of `logging` does."""

from __future__ import annotations

from tests.conftest import RunRaceway

PROGRAM = """\
import os
import threading

import logging  # its handler is registered after ours

count = 0

def work():
    global count
    count = int(count) + 1

child = os.fork()
if child == 0:
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_child_does_not_hold_them(run_raceway: RunRaceway, core: str) -> None:
    run = run_raceway("--core", core, run_raceway.write("app.py", PROGRAM))
    assert run.findings
    assert {name for finding in run.findings for access in finding["accesses"] for name in access["locks"]} == set()
