"""`pytest --raceway` beside other plugins: xdist, asyncio, anyio, run-parallel, coverage; and tests that fork."""

from __future__ import annotations

import json
import re

import pytest

from tests.pytesting.running import BOTH, Project

RACING = """\
def test_race{number}():
    bank = Bank()
    both(lambda: bank.withdraw(1))

"""


def test_xdist_workers_watch_and_the_controller_tells(project: Project) -> None:
    pytest.importorskip("xdist")
    project.write("test_bank.py", BOTH + "".join(RACING.format(number=number) for number in range(4)))
    run = project.test("-n", "2", "--raceway-trace=trace.jsonl", plugins="xdist.plugin")
    events = list(map(json.loads, (project.directory / "trace.jsonl").read_text(encoding="utf-8").splitlines()))
    told = [event for event in events if "facts" in str(event["kind"])]
    assert len({event["trace_id"] for event in told}) == len(told) == 2  # one trace of each worker, whole
    assert run.out.count("\nFAILED test_bank.py::test_race") == 4
    assert run.found == {"Bank.balance": ["test_race0", "test_race1", "test_race2", "test_race3"]}
    assert run.report["coverage"]["tests"] == 4
    assert run.report["run"]["command"][0] == "pytest"
    assert (run.report["summary"]["self_check"], run.report["not_seen"]) == ("ok", [])
    assert run.out.count("raceway: 1 error") == 1


def test_a_worker_that_crashes_is_told(project: Project) -> None:
    pytest.importorskip("xdist")
    crash = "def test_crash():\n    import os\n    os.kill(os.getpid(), 9)\n"
    project.write("test_bank.py", BOTH + RACING.format(number="") + crash)
    run = project.test("-n", "1", "--max-worker-restart=1", plugins="xdist.plugin")
    assert "process-lost" in run.out


def test_asyncio_and_anyio_tests(project: Project) -> None:
    pytest.importorskip("pytest_asyncio")
    pytest.importorskip("anyio")
    source = """\
import asyncio

@pytest.mark.asyncio
async def test_asyncio():
    bank = Bank()
    await asyncio.to_thread(both, lambda: bank.withdraw(1))
    assert bank.balance < 100

@pytest.mark.anyio
async def test_anyio():
    await asyncio.sleep(0)
    assert Bank().balance == 100
"""
    project.write("test_bank.py", BOTH + source)
    project.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    project.write("conftest.py", "import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n")
    run = project.test(plugins="pytest_asyncio.plugin anyio.pytest_plugin")
    assert run.outcomes == {"test_asyncio": "failed", "test_anyio": "passed"}
    assert run.found == {"Bank.balance": ["test_asyncio"]}


def test_the_threads_of_run_parallel_are_watched(project: Project) -> None:
    pytest.importorskip("pytest_run_parallel")
    source = """\
bank = Bank()

def test_product():
    bank.withdraw(1)

@pytest.fixture
def box():
    return {"number": 0}

def test_own(box):
    number = box["number"]
    str(number)
    box["number"] = number + 1
"""
    project.write("test_bank.py", BOTH + source)
    run = project.test("--parallel-threads=2", plugins="pytest_run_parallel.plugin")
    assert "FAILED test_bank.py::test_product" in run.out
    assert "FAILED test_bank.py::test_own" not in run.out
    assert run.found["Bank.balance"] == ["test_product"]


def test_coverage_measures_the_same(project: Project) -> None:
    pytest.importorskip("pytest_cov")
    branches = "def test_branches():\n    for number in range(3):\n        if number == 5:\n            assert number\n"
    project.write("test_bank.py", BOTH + branches + "\ndef test_fine():\n    assert Bank().balance == 100\n")
    measured = []
    for raceway in (False, True):
        project.test(
            "--cov=.", "--cov-branch", "--cov-report=json:cov.json", plugins="pytest_cov.plugin", raceway=raceway
        )
        content = json.loads((project.directory / "cov.json").read_bytes())
        files = content["files"].items()
        measured.append({name: (file["executed_lines"], file["summary"]) for name, file in files})
    assert measured[0] == measured[1]
    assert {"bank.py", "test_bank.py"} <= measured[0].keys()


def test_processes_that_tests_start_are_followed(project: Project) -> None:
    source = """\
import multiprocessing
import subprocess
import sys

def race():
    bank = Bank()
    both(lambda: bank.withdraw(1))

def test_pool():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.apply(race)

def test_subprocess():
    subprocess.run([sys.executable, "-c", "import test_bank; test_bank.race()"], check=True)
"""
    project.write("test_bank.py", BOTH + source)
    run = project.test()
    assert run.found == {"Bank.balance": []}
    assert {process["ended"] for process in run.report["coverage"]["processes"]} == {"handed-in"}
    assert {process["started"] for process in run.report["coverage"]["processes"]} == {"fork", "exec"}
    assert re.search(r"processes: \d, of which \d were started", run.out)
    assert run.status == 66
