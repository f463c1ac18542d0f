"""The canary: every run finds the race that it plants, nobody sees it, and a run that does not find it is invalid."""

from __future__ import annotations

import pytest

from raceway.runtime import selfcheck
from raceway.runtime.core import make_core
from raceway.transform import instrument
from tests.conftest import RunRaceway

LOOKS = """\
import _thread
import threading

class Counter:
    def __init__(self):
        self.value = 0

counter = Counter()
names = []

def work():
    names.append(threading.current_thread().name)
    counter.value += 1

threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(names), len(threading.enumerate()), _thread._count())
"""


def test_the_site_is_what_the_transform_says_of_the_statement() -> None:
    source = selfcheck.SOURCE.format(base="", value="").replace("[canary]", "canary").replace(" @ 1", "1")
    made = instrument(source.encode(), selfcheck.FILE, "canary")
    assert tuple(made.sites) == (selfcheck.SITE,)


def test_a_core_finds_its_canary_and_shows_nothing_of_it(core: str) -> None:
    watching = make_core(core)
    watching.start()
    before, caller = watching.counters(), watching.recorder.current()
    try:
        assert watching.passes_self_check()
        assert watching.passes_self_check()
        assert watching.races() == []
        assert watching.counters() == before
        assert watching.recorder.current() == caller
    finally:
        watching.stop()
    assert watching.races() == []


def test_a_core_finds_its_canary_when_a_task_asks(core: str) -> None:
    watching = make_core(core)
    watching.start()
    tasks = watching.recorder.tasks
    task = tasks.spawn("asks", 0)
    try:
        assert tasks.resume(task) == 0
        assert watching.passes_self_check()
        assert tasks.current() == task
        assert tasks.resume(0) == task
        assert watching.races() == []
    finally:
        watching.stop()


def test_the_report_says_that_it_was_found(run_raceway: RunRaceway, core: str) -> None:
    program = run_raceway.write("app.py", LOOKS)
    run = run_raceway("--core", core, program)
    assert run.stdout == "['Thread-1 (work)', 'Thread-2 (work)'] 1 0\n"
    summary = run.report["summary"]
    assert (summary["self_check"], summary["actors"]) == ("ok", 3)
    assert [finding["variable"] for finding in run.findings] == ["Counter.value"]
    assert {side["actor"]["name"] for side in run.findings[0]["accesses"]} == {"Thread-1 (work)", "Thread-2 (work)"}
    assert "self-check" not in run.stderr


@pytest.mark.parametrize(
    ("last", "status"),
    [("", 70), ("raise SystemExit(3)", 3)],
    ids=["ends", "fails"],
)
def test_a_run_that_does_not_find_it_is_invalid(run_raceway: RunRaceway, core: str, last: str, status: int) -> None:
    blind = {"pure": "from raceway.runtime.log import Log\nLog.access = lambda *_: None\n",
             "native": "from raceway import _native\n_native.stop()\n"}  # fmt: skip
    run = run_raceway("--core", core, run_raceway.write("app.py", f"{blind[core]}{last}\n"))
    assert run.status == status
    assert run.report["summary"]["self_check"] == "failed"
    assert "self-check failed: the race that Raceway plants to check itself was not found" in run.stderr


def test_a_child_that_does_not_find_it_makes_the_run_invalid(run_raceway: RunRaceway) -> None:
    blind = "import os\nif os.fork() == 0:\n    from raceway import _native\n    _native.stop()\nelse:\n    os.wait()\n"
    run = run_raceway("--core", "native", run_raceway.write("app.py", blind))
    assert (run.status, run.report["summary"]["self_check"]) == (70, "failed")
