"""Many runs in one process, one after the other: nothing of a run stays when it has ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, available_cores, clean_environ, has_gil

CYCLES = ROOT / "tests" / "sanitized" / "cycles.py"

pytestmark = pytest.mark.skipif("native" not in available_cores(), reason="no native core")


@pytest.mark.skipif(not has_gil(), reason="free-threaded 3.13 keeps every function once a thread was started")
def test_hundreds_of_runs_leave_nothing(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, CYCLES, "400"],
        cwd=tmp_path,
        env=clean_environ() | {"XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    early, late = (json.loads(line) for line in finished.stdout.splitlines()[:2])
    assert late["tracked"] - early["tracked"] < 100
    assert late["blocks"] - early["blocks"] < 40  # less than one for nine runs
    assert late["kib"] - early["kib"] < 4096


def test_findings_of_a_run_outlive_it_and_the_next_one(tmp_path: Path) -> None:
    program = """
import raceway, sys
first = raceway.autoinstrument.install(include=["racy"], core="native", quiet=True)
import racy
live = first.findings()
first.uninstall()
second = raceway.autoinstrument.install(include=["racy"], core="native", quiet=True)
during = first.findings()
racy.again()  # code of the first run
del sys.modules["racy"]
second.uninstall()
print(live == during == first.findings(), len(live), len(second.findings()))
"""
    racy = """
import threading
class Box: pass
box = Box()
box.value = 0
def again():
    for _ in range(2):
        box.value += 1
threads = [threading.Thread(target=again) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    (tmp_path / "program.py").write_text(program)
    (tmp_path / "racy.py").write_text(racy)
    finished = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=clean_environ() | {"XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.stdout, finished.stderr) == ("True 1 0\n", "")
