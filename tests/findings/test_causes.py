"""Findings name the cause where it is known: locks that are not the same, defaults, what is read together."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conftest import RacewayRun, RunRaceway

RUN = """
threads = [threading.Thread(target=target, name=name) for name, target in JOBS.items()]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def found(run_raceway: RunRaceway, program: str, core: str = "auto") -> list[dict[str, Any]]:
    """What is found in a program, infos too."""
    run_raceway.write("app.py", f"import threading\n{program}{RUN}")
    finished: RacewayRun = run_raceway("--core", core, "--fail-on", "never", "app.py")
    assert finished.status == 0, finished.stderr
    return finished.findings


PRINTERS = """
class Printer:
    jobs = 0

    def __init__(self):
        self.lock = threading.Lock()

    def submit(self):
        with self.lock:
            Printer.jobs = next_of(Printer.jobs)

def next_of(number):
    return number + 1

JOBS = {"laser": Printer().submit, "ink": Printer().submit}
"""


def test_locks_of_two_objects_are_told_apart(run_raceway: RunRaceway) -> None:
    (finding,) = found(run_raceway, PRINTERS)
    held = {side["actor"]["name"]: side["locks"] for side in finding["accesses"]}
    assert held == {"laser": ["Printer.lock #1"], "ink": ["Printer.lock #2"]}
    assert "with no common lock to order them" in finding["message"]
    assert re.search(
        r"Both hold Printer\.lock, but each that of an object of its own: \w+ holds Printer\.lock #\d, \w+ Printer",
        finding["message"],
    )
    assert finding["fix"].startswith("Guard Printer.jobs with one lock for all instances, a class attribute or")


def test_a_lock_that_has_died_keeps_its_name(run_raceway: RunRaceway, core: str) -> None:
    program = PRINTERS.replace("JOBS =", "def once():\n    for _ in 'ab':\n        Printer().submit()\n\nJOBS =")
    (finding,) = found(
        run_raceway, program.replace("Printer().submit,", "once,").replace("Printer().submit}", "once}"), core
    )
    assert sorted(lock for side in finding["accesses"] for lock in side["locks"]) == [
        "Printer.lock #1",
        "Printer.lock #2",
    ]
    assert "Both hold Printer.lock, but each that of an object of its own" in finding["message"]


def test_locks_that_no_object_has_are_only_not_the_same(run_raceway: RunRaceway) -> None:
    program = PRINTERS.replace("with self.lock:", "with threading.Lock():")
    (finding,) = found(run_raceway, program)
    assert "Both hold a lock made at app.py:10, but not the same one: " in finding["message"]
    assert finding["fix"] == "Guard Printer.jobs with the same lock on both sides: here each takes another one."


def test_one_lock_that_both_sides_hold_has_no_number(run_raceway: RunRaceway) -> None:
    split = PRINTERS.replace(
        "            Printer.jobs = next_of",
        "            number = Printer.jobs\n        with self.lock:\n            Printer.jobs = next_of",
    )
    program = split.replace("next_of(Printer.jobs)", "next_of(number)").replace(
        "Printer().submit, ", "printer.submit, "
    )
    program = program.replace('"ink": Printer()', '"ink": printer').replace("JOBS =", "printer = Printer()\nJOBS =")
    for finding in found(run_raceway, program):
        assert [side["locks"] for side in finding["accesses"]] == [["Printer.lock"]] * 2


METRICS = """
class Metrics:
    def __init__(self):
        self.lock = threading.Lock()
        self.io_lock = threading.Lock()
        self.count = 0
        self.last = 0

    def incr(self):
        with self.lock:
            self.count = plus(self.count)
        with self.lock:
            self.last = self.count

    def flush(self):
        with self.io_lock:
            self.count = plus(self.count)

def plus(number):
    return number + 1

metrics = Metrics()
JOBS = {"web": metrics.incr, "emitter": metrics.flush}
"""


def test_other_locks_on_both_sides_are_the_cause_and_the_fix_chooses_one(run_raceway: RunRaceway) -> None:
    update = next(one for one in found(run_raceway, METRICS) if one["kind"] == "lost-update")
    assert "Each holds a lock, but not the same one: " in update["message"]
    assert {name for side in update["accesses"] for name in side["locks"]} == {"Metrics.lock", "Metrics.io_lock"}
    (wanted, lacking) = re.findall(r"Metrics\.\w+", update["fix"])
    assert {wanted, lacking} == {"Metrics.lock", "Metrics.io_lock"}
    who = "emitter" if lacking == "Metrics.io_lock" else "web"
    assert re.fullmatch(rf"Hold \S+ on both sides: {who} holds only \S+ at app\.py:\d+\.", update["fix"])


def test_a_lock_that_guards_the_variable_elsewhere_is_named(run_raceway: RunRaceway) -> None:
    quota = METRICS.replace("with self.io_lock:", "if True:").replace(
        '"emitter": metrics.flush', '"one": metrics.flush, "other": metrics.flush'
    )
    findings = found(run_raceway, quota)
    unlocked = next(one for one in findings if not any(side["locks"] for side in one["accesses"]))
    assert unlocked["kind"] == "lost-update"
    assert re.fullmatch(
        r"Hold Metrics\.lock around the whole update of Metrics\.count, from the read to the write, on both sides, "
        r"as Metrics\.incr does \(app\.py:\d+\)\.",
        unlocked["fix"],
    )


LINKS = """
def check(path, depth, *, report=[], seen=None):
    if path not in report:
        report.append(path)
    return report

def work():
    check(threading.current_thread().name, 0)

JOBS = {"docs": work, "blog": work}
"""


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("", "", "list"),
        ("report=[]", "report=list()", "list"),
        (
            "path, depth, *, report=[], seen=None",
            "path, depth=0, report=[]",
            "list",
        ),
        ("name, 0)", "name, 0, report=shared)", ""),
        ("name, 0)", "name, 0, **{})", ""),
        ("path, depth, *, report=[], seen=None", "path, report=[]", ""),
        ("    if path", "    report = report or shared\\n    if path", ""),
        ("*, report=[], seen=None", "report=shared, seen=None", ""),
    ],
    ids=range(8),
)
def test_a_default_that_all_calls_share_is_named(run_raceway: RunRaceway, old: str, new: str, kind: str) -> None:
    program = LINKS.replace(old, new.replace("\\n", "\n")) if old else LINKS
    program = f"shared = [0]\n{program}".replace(
        "name, 0)", "name, shared)" if "(path, report=[])" in program else "name, 0)"
    )
    findings = found(run_raceway, program)
    assert findings
    for finding in findings:
        told = "`report` is a default argument of check(): one list for all calls" in finding["message"]
        assert told is bool(kind)
        assert ("Make the list inside of check(), new for each call: `report=None`" in finding["fix"]) is told


INDEX = """
class Index:
    def __init__(self):
        self.ready, self.rows, self.size = False, None, 0

    def load(self):
        self.ready = True
        self.rows = {"a": 1}
        self.size = len(self.rows)

    def ask(self):
        if self.ready:
            print(self.size)
        return self.rows, self.size

index = Index()
JOBS = {"loader": index.load, "asker": index.ask}
"""


@pytest.mark.parametrize("flag", ["True", "1.5"])
def test_what_is_read_together_is_related(run_raceway: RunRaceway, flag: str) -> None:
    findings = found(run_raceway, INDEX.replace("self.ready = True", f"self.ready = {flag}"))
    names = {one["variable"]: one["fingerprint"] for one in findings}
    assert {"Index.ready", "Index.rows", "Index.size"} == set(names)
    for finding in findings:
        others = {one["variable"]: one["fingerprint"] for one in finding["related"]}
        assert others == {name: print for name, print in names.items() if name != finding["variable"]}
        if flag == "True":
            assert "but Index.load sets Index.ready first: who finds it set" in finding["message"]
            assert finding["fix"].startswith("Make Index.ready an Event that is set after ")
        else:
            assert "together, which Index.load writes one after the other: they can be" in finding["message"]
            assert finding["fix"].endswith("or hand over one object that has them all.")


def test_who_reads_together_without_the_lock_is_told_to_hold_it_around_all(run_raceway: RunRaceway) -> None:
    locked = INDEX.replace("        self.ready = True\n", "        with LOCK:\n            self.ready = 1.5\n")
    locked = locked.replace("        self.rows = {", "            self.rows = {").replace(
        "        self.size = len", "            self.size = len"
    )
    for finding in found(run_raceway, f"LOCK = threading.Lock()\n{locked}"):
        assert finding["fix"].startswith("Hold LOCK in Index.ask around all reads of Index.ready, Index.")
        assert finding["fix"].endswith(": Index.load holds it.")


TWICE = """
class Latency:
    def __init__(self):
        self.count = 1

    def add(self):
        self.count = 2

    def ask(self):
        if self.count > 5:
            return 0
        return self.count

latency = Latency()
JOBS = {"adder": latency.add, "asker": latency.ask}
"""


def test_places_in_the_same_functions_are_one_finding(run_raceway: RunRaceway) -> None:
    (finding,) = found(run_raceway, TWICE)
    (also,) = finding["also"]
    lines = {tuple(sorted(side["line"] for side in finding["accesses"])), tuple(place["line"] for place in also)}
    assert lines == {(8, 11), (8, 13)}
    assert finding["count"] == 2


def test_a_comment_at_one_of_them_does_not_hide_the_others(run_raceway: RunRaceway) -> None:
    program = TWICE.replace("> 5:", "> 5:  # raceway: ignore[read-write] asks only")
    (finding,) = found(run_raceway, program)
    assert len(finding["also"]) == 1
    both = program.replace("return self.count", "return self.count  # raceway: ignore[read-write] asks only")
    assert found(run_raceway, both) == []
    assert found(run_raceway, TWICE.replace("self.count = 2", "self.count = 2  # raceway: ignore[*] known")) == []


ALIASES = """
class Workspace:
    def __init__(self):
        self._kept = {}; self._rows = []
        self.name = ""

    def store(self):
        kept = self._kept
        if "folder" not in kept:
            kept["folder"] = next_of(1)

def keep(owner):
    rows = owner._rows
    def inner():
        rows.append(next_of(len(rows)))
    return inner

def twice(owner):
    kept = owner._kept
    kept = dict.get({}, "", kept)
    if "folder" not in kept:
        kept["folder"] = next_of(1)

def next_of(number):
    return number + 1

workspace = Workspace()
JOBS = {"one": METHOD, "other": METHOD}
"""


@pytest.mark.parametrize(
    ("method", "variable"),
    [
        ("workspace.store", "Workspace._kept['folder']"),
        ("keep(workspace)", "Workspace._rows"),
        ("lambda: twice(workspace)", "twice.kept['folder']"),
    ],
)
def test_a_local_that_stands_for_an_attribute_is_called_by_it(
    run_raceway: RunRaceway, method: str, variable: str
) -> None:
    (finding, *_) = found(run_raceway, ALIASES.replace("METHOD", method))
    assert finding["variable"] == variable
    assert variable in finding["message"]


def test_an_attribute_that_two_classes_have_is_none_to_call_a_local_by(run_raceway: RunRaceway) -> None:
    other = "class Other:\n    _rows: list\n\nworkspace ="
    (finding, *_) = found(run_raceway, ALIASES.replace("workspace =", other).replace("METHOD", "keep(workspace)"))
    assert finding["variable"] == "keep.rows"


HANDED = """
import asyncio

class Feed:
    def __init__(self):
        self.rows = asyncio.Queue()

async def read(feed, how):
    taken = asyncio.create_task(feed.rows.get())
    await asyncio.sleep(0)
    thread = threading.Thread(target=how, args=(feed, feed.rows.put_nowait))
    thread.start()
    thread.join()
    await taken

def callback(feed, put):
    put(1)

def direct(feed, put):
    feed.rows.put_nowait(1)

asyncio.run(read(Feed(), METHOD))
JOBS = {}
"""


@pytest.mark.parametrize(("method", "handed"), [("callback", True), ("direct", False)])
def test_a_method_that_strays_as_a_callback_is_told_with_who_handed_it_on(
    run_raceway: RunRaceway, method: str, handed: bool
) -> None:
    (finding,) = found(run_raceway, HANDED.replace("METHOD", method))
    assert finding["variable"] == "asyncio.Queue.put_nowait"
    assert finding["message"].endswith(" It was handed on as feed.rows.put_nowait in app.py:12.") is handed
