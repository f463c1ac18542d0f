"""A probe must not add a switch point inside a segment: counts the updates that instrumented programs lose.

The pure core's taps are Python calls, after which CPython may switch threads, so it cannot keep this: the second test
shows what it perturbs, and fails when that is no longer so and the documentation must change.
"""

from __future__ import annotations

import json

import pytest

from tests.conftest import RunRaceway, has_gil

pytestmark = pytest.mark.skipif(not has_gil(), reason="without a GIL updates are lost anyhow")

THREADS, ROUNDS = 4, 20_000

PROGRAM = """
import json, sys, threading
sys.setswitchinterval(1e-6)
class Box:
    value = 0
box, items, table, total = Box(), [0], {"k": 0}, 0
def attribute():
    for _ in range(ROUNDS):
        box.value += 1
def item():
    for _ in range(ROUNDS):
        items[0] += 1
def keyed(key="k"):
    for _ in range(ROUNDS):
        table[key] += 1
def name():
    global total
    for _ in range(ROUNDS):
        total += 1
def captured():
    count = 0
    def work():
        nonlocal count
        for _ in range(ROUNDS):
            count += 1
    run(work)
    return count
def run(work):
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
for work in (attribute, item, keyed, name):
    run(work)
got = {"attribute": box.value, "item": items[0], "keyed": table["k"], "name": total, "captured": captured()}
print(json.dumps({form: THREADS * ROUNDS - count for form, count in got.items()}))
"""

SEGMENT_KEEPING_CORES = {"native"}


def lost(run_raceway: RunRaceway, core: str) -> dict[str, int]:
    """Updates lost per form of augmented assignment."""
    source = PROGRAM.replace("THREADS", str(THREADS)).replace("ROUNDS", str(ROUNDS))
    path = run_raceway.write("program.py", source)
    run = run_raceway("--core", core, "--fail-on", "never", "--quiet", path)
    assert run.status == 0, run.stderr
    found: dict[str, int] = json.loads(run.stdout)
    return found


def test_no_update_is_lost_to_probes(run_raceway: RunRaceway, core: str) -> None:
    if core not in SEGMENT_KEEPING_CORES:
        pytest.skip(f"the {core} core's taps are calls: see the other test")
    assert lost(run_raceway, core) == dict.fromkeys(("attribute", "item", "keyed", "name", "captured"), 0)


def test_the_pure_core_adds_switch_points(run_raceway: RunRaceway) -> None:
    assert sum(lost(run_raceway, "pure").values()) > 0
