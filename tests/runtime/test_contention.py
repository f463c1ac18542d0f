"""Contention of locks: what the session tells of a wait that was forced, on each core."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import TIMEOUT_S, clean_environ
from tests.fixture_format import FIXTURES

_WATCHED = """
import os, sys, threading
from raceway.config import Config
from raceway.session import Session
import hidden

session = Session(Config(core=sys.argv[1]), ())
session.start()
guard, taken = threading.Lock(), hidden.Gate()

def hold():
    with guard:
        taken.open()
        while not session._core.locks().waiting:
            os.sched_yield()

def wait():
    taken.wait()
    with guard:
        pass

threads = [threading.Thread(target=target) for target in (hold, wait)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
found = {one.function: one for one in session.locks.contention() if one.lock == "lock made at <string>:9"}
session.stop()
waited, free = found["wait"], found["hold"]
assert (free.acquisitions, free.waits, free.wait_ms, free.holds) == (1, 0, 0.0, 0), free
assert (waited.acquisitions, waited.waits, waited.holds) == (1, 1, 1), waited
assert waited.wait_ms == waited.longest_wait_ms > 0 and waited.held_ms > 0, waited
"""


def test_a_wait_is_counted_and_timed_where_it_was_waited(core: str) -> None:
    environ = clean_environ() | {"PYTHONPATH": str(FIXTURES)}
    command = [sys.executable, "-c", _WATCHED, core]
    ended = subprocess.run(
        command, env=environ, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT_S, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
