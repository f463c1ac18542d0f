"""Findings say where one object serves all calls or all instances, and which locks cannot be held by all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from raceway.findings.lostwakes import lost_wake
from raceway.transform import instrument
from tests.conftest import RunRaceway

RUN = """
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def found(run_raceway: RunRaceway, program: str) -> list[dict[str, Any]]:
    """What is found in a program that makes `threads`."""
    run_raceway.write("app.py", f"import asyncio, threading\nfrom concurrent.futures import *\n{program}")
    finished = run_raceway("--fail-on", "never", "app.py")
    assert finished.status == 0, finished.stderr
    assert finished.findings
    return finished.findings


COLLECT = """
def collect(items, found=[]):
    found.clear()
    for item in items:
        found.append(item)
    return list(found)

shared = []
given, more = ([1], shared), {"found": shared}
"""


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        ("threads = [threading.Thread(target=collect, args=([1],)) for _ in range(2)]" + RUN, True),
        ("threads = [threading.Thread(None, collect, args=[[1]]) for _ in range(2)]" + RUN, True),
        ("threads = [threading.Thread(target=collect, kwargs={'items': [1]}) for _ in range(2)]" + RUN, True),
        ("threads = [threading.Thread(target=collect, args=([1], shared)) for _ in range(2)]" + RUN, False),
        ("threads = [threading.Thread(target=collect, args=given) for _ in range(2)]" + RUN, False),
        ("threads = [threading.Thread(None, collect, None, ([1],), {'found': shared}) for _ in '12']" + RUN, False),
        ("threads = [threading.Thread(target=collect, args=([1],), kwargs=more) for _ in '12']" + RUN, False),
        ("with ThreadPoolExecutor(2) as pool: list(pool.map(collect, [[1], [2]]))", True),
        ("with ThreadPoolExecutor(2) as pool: [pool.submit(collect, [1]) for _ in range(2)]", True),
        ("with ThreadPoolExecutor(2) as pool: [pool.submit(collect, [1], found=shared) for _ in range(2)]", False),
        ("with ThreadPoolExecutor(2) as pool: [pool.submit(collect, *given) for _ in range(2)]", False),
    ],
    ids=range(11),
)
def test_a_default_of_a_function_that_is_handed_on(run_raceway: RunRaceway, calls: str, told: bool) -> None:
    for finding in found(run_raceway, f"{COLLECT}{calls}\n"):
        assert ("is a default argument of collect(): one list for all calls" in finding["message"]) is told
        if told and finding["kind"] == "write-write":
            assert finding["severity"] == "error"


PARSER = """
class Base:
    chunks = []

class Parser(Base):
    def __init__(self):
        self.lines = 0

    def feed(self, data):
        self.chunks.append(data)
        self.lines += len(b"".join(self.chunks))
        self.chunks.clear()

threads = [threading.Thread(target=Parser().feed, args=(b"a",)) for _ in range(2)]
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "", True),
        ("chunks = []", "chunks: list = list()", True),
        ("chunks = []", "chunks: 'ClassVar[list]' = []", False),
        ("self.chunks", "Parser.chunks", False),
        ("self.lines = 0", "self.lines = 0; Base.chunks = shared", False),
    ],
    ids=range(5),
)
def test_a_container_in_the_body_of_a_class(run_raceway: RunRaceway, old: str, new: str, told: bool) -> None:
    program = f"shared = []\n{PARSER.replace(old, new) if old else PARSER}{RUN}"
    findings = [one for one in found(run_raceway, program) if one["variable"].endswith("chunks")]
    assert findings
    for finding in findings:
        assert ("`chunks` is made in the body of Base: one list for all instances." in finding["message"]) is told
        assert ("If each Base is to have its own, make it in __init__(): `self.chunks = " in finding["fix"]) is told


QUOTA = """
class Quota:
    def __init__(self):
        self.left = 5
        self.thread_lock = threading.Lock()
        self.task_lock = MAKE

    def take(self):
        with self.thread_lock:
            self.left = more(self.left)

    async def take_here(self):
        async with self.task_lock:
            self.left = more(self.left)

def more(number):
    return number - 1

async def main():
    quota = Quota()
    await asyncio.gather(asyncio.to_thread(quota.take), quota.take_here())

asyncio.run(main())
"""


@pytest.mark.parametrize("make", ["asyncio.Lock()", "asyncio.Condition()"])
def test_a_lock_of_the_loop_is_no_advice_for_a_thread(run_raceway: RunRaceway, make: str) -> None:
    (finding,) = found(run_raceway, QUOTA.replace("MAKE", make))
    assert finding["fix"].startswith("Hold Quota.thread_lock on both sides, in the coroutine with no await inside")
    assert finding["fix"].endswith("Quota.task_lock is a lock of the event loop, which a thread cannot hold.")


CACHE = """
class Prices:
    def __init__(self):
        self.known = {}

    async def price(self, article):
        if article not in self.known:
            await asyncio.sleep(0)
            self.known[article] = 5
        return self.known.get(article)

    async def change(self, article):
        self.known.setdefault(article, 4)
        del self.known[article]

async def main():
    prices = Prices()
    await asyncio.gather(prices.price("a"), prices.change("a"))

asyncio.run(main())
"""


def test_a_second_look_is_no_advice_for_what_was_taken_out(run_raceway: RunRaceway) -> None:
    fixes = {one["fix"] for one in found(run_raceway, CACHE) if one["accesses"][0]["operation"] == "delete"}
    (fix,) = fixes
    assert fix.startswith("Hold one lock for tasks from the look at Prices.known[")
    assert "a second look finds nothing, as the first one did." in fix


BOXES = """
class Boxes:
    def put(self, item):
        self.boxes[1].append(item)
        self.flag.set()

    def take(self):
        self.flag.wait()
        while self.boxes[1]:
            self.boxes[1].pop()
        self.flag.clear()
"""


@pytest.mark.parametrize("late", [True, False])
def test_an_event_that_is_cleared_late_may_announce_a_box_of_several(tmp_path: Path, late: bool) -> None:
    early = BOXES.replace("        self.flag.clear()\n", "").replace("flag.wait()", "flag.wait(); self.flag.clear()")
    path = tmp_path / "boxes.py"
    path.write_text(BOXES if late else early, encoding="utf-8")
    sites = instrument(path.read_bytes(), str(path), "boxes").sites
    looks = next(one for one in sites if one.base == "self.boxes[...]" and one.function == "Boxes.take")
    puts = next(one for one in sites if one.name == "append")
    assert lost_wake((str(path), looks), (str(path), puts)) == ("self.flag" if late else "")


def test_a_call_by_another_name_gives_what_it_says(run_raceway: RunRaceway) -> None:
    calls = "def call(f): f([1], shared)\nthreads = [threading.Thread(target=call, args=(collect,)) for _ in range(2)]"
    for finding in found(run_raceway, f"{COLLECT}{calls}{RUN}"):
        assert "default argument" not in finding["message"]
