"""Values in the automatic stream: what is written travels, nothing of the program is touched or kept, secrets stay."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import RunRaceway
from tests.pipeline.replaying import read_events

PROGRAM = """
import gc, sys, threading, weakref

class Shared:
    pass

class Hostile:
    __slots__ = ("__weakref__",)
    def __getattribute__(self, name): raise RuntimeError("touched")
    __repr__ = __str__ = __len__ = __bool__ = __hash__ = __reduce__ = __getattribute__

class Rows(list):
    def __len__(self): raise RuntimeError("touched")

shared, items, row = Shared(), {}, [0, 0]
total = 0
name, secret, one = "first", "token", 1
lock = threading.Lock()
refs = []

def work():
    global total
    with lock:
        shared.whole = 5
        shared.large = 2**70
        shared.real = 1.5
        shared.nan = float("nan")
        shared.text = "t\\u00e4xt"
        shared.surrogate = "\\ud800"
        shared.long = "x" * 5000
        shared.nothing = None
        shared.flag = True
        shared.rows = [1, 2, 3]
        shared.own = Rows()
        hostile = Hostile()
        refs.append(weakref.ref(hostile))
        shared.hostile = hostile
        shared.hostile = hostile = None
        shared.password = "hunter2"
        items["constant"] = 1
        items[name] = 2
        items[secret] = "hunter2"
        items["api_key"] = "hunter2"
        row[one] = 3
        total = 4
        setattr(shared, "by_name", 6)
        shared.first, (shared.second, *shared.rest) = 7, (8, 9)
        local = shared.chained = 10
        for shared.target in (11,):
            pass
        shared.whole += 1
        items["constant"] += 1
        row[one] += 1
        total += 1
        del shared.whole

def two():
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

two()
assert all(ref() is None for ref in refs), "values are kept alive"
"""

WRITTEN: list[tuple[str, Any]] = [
    ("Shared.whole", 5), ("Shared.large", "<int>"), ("Shared.real", 1.5), ("Shared.nan", "NaN"),
    ("Shared.text", "täxt"), ("Shared.surrogate", "\\ud800"), ("Shared.long", "x" * 4096 + "... (5000 characters)"),
    ("Shared.nothing", None), ("Shared.flag", True), ("Shared.rows", "<list of 3>"), ("Shared.own", "<Rows>"),
    ("Shared.hostile", "<Hostile>"), ("Shared.hostile", None), ("Shared.password", "[REDACTED]"),
    ("items[...]", 1), ("items[...]", 2), ("items[...]", "[REDACTED]"), ("items[...]", "[REDACTED]"),
    ("row[...]", 3), ("total", 4), ("Shared.by_name", 6), ("Shared.first", 7), ("Shared.second", 8),
    ("Shared.rest", "<list of 1>"), ("Shared.chained", 10), ("Shared.target", 11),
]  # fmt: skip
FOUND = [("Shared.whole", 5), ("items[...]", 1), ("row[...]", 3), ("total", 4)]


@pytest.mark.parametrize("pass_on", ["shared", "full"])
def test_what_is_written_travels(run_raceway: RunRaceway, core: str, pass_on: str) -> None:
    trace = run_raceway.directory / "trace.jsonl"
    program = run_raceway.write("app.py", PROGRAM)
    run = run_raceway("--core", core, "--events", pass_on, "--fail-on", "never", "--trace", trace, program)
    assert run.status == 0, run.stderr
    assert b"hunter2" not in trace.read_bytes()
    changes = [(event.metadata.thread_id, event.kind.StateChange) for event in read_events(trace)]
    # The thread that has the lock second: all that it does is told in time.
    last = next(flow for flow, change in reversed(changes) if change and change.variable == "Shared.target")
    told = [change for flow, change in changes if flow == last]
    written = [(one.variable, one.new_value) for one in told if one and one.new_value is not None]
    found = [(one.variable, one.old_value) for one in told if one and one.old_value is not None]
    if core == "pure":  # its taps do not see the value stack
        assert (written, found) == ([], [])
        return
    assert written == [(variable, value) for variable, value in WRITTEN if value is not None]
    assert found == FOUND
