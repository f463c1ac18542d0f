"""The native core without a GIL, on several threads at once: no crash, no hang, no false finding, the planted race."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap

import pytest

from tests.conftest import ROOT, TIMEOUT_S, RunRaceway, available_cores, clean_environ, has_gil

pytestmark = [
    pytest.mark.skipif(has_gil(), reason="where there is a GIL it guards the core"),
    pytest.mark.skipif("native" not in available_cores(), reason="no native core"),
]

PROGRAM = ROOT / "fixtures" / "programs" / "hammer.py"
ROUNDS = 2000


def test_only_the_planted_race_is_found(run_raceway: RunRaceway) -> None:
    shutil.copy(PROGRAM, run_raceway.directory / "program.py")
    for number in range(10):
        run_raceway.write(f"part{number}.py", "count = 0\n")
    run = run_raceway("--core", "native", "--fail-on", "never", "program.py", str(ROUNDS))
    assert (run.status, run.stdout.splitlines()[0]) == (0, "done"), run.stderr
    assert [(finding["kind"], finding["variable"]) for finding in run.findings] == [("lost-update", "Racy.hits")]


FORKS = """
    import os, threading
    class Box:
        value = 0
    stop = False
    def work():
        while not stop:
            box = Box()
            box.value += 1
            table = {1: box}
            table[1].value += 1
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        child = os.fork()
        if child == 0:
            box = Box()
            box.value += 1
            with threading.Lock():
                os._exit(box.value)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    stop = True
    for thread in threads:
        thread.join()
    print("done")
"""


def test_a_process_forks_while_others_are_in_the_core(run_raceway: RunRaceway) -> None:
    run_raceway.write("forks.py", textwrap.dedent(FORKS))
    run = run_raceway("--core", "native", "--fail-on", "never", "forks.py")
    assert (run.status, run.stdout.splitlines()[0]) == (0, "done"), run.stderr
    # A child whose parent's thread had half a change in the core is told of, and says nothing against the core.
    assert run.report["summary"]["self_check"] == "ok"
    assert {note["reason"] for note in run.report["not_seen"]} <= {"process-unwatched"}
    assert [process["ended"] for process in run.report["coverage"]["processes"]] == ["handed-in"] * 20


RUNS = """
    import threading
    from raceway import _native, sync
    from raceway.runtime import active
    from raceway.runtime.native import NativeCore
    stop = False
    def work():
        while not stop:
            kept = [threading.Lock() for _ in range(20)]
            for lock in kept:
                with lock:
                    [{}, []]
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        core = NativeCore()
        core.start()
        active.activate(core.recorder)
        sync.install(core.recorder)
        with threading.Lock():
            pass
        sync.uninstall()
        active.activate(None)
        core.stop()
        _native.forget()
    stop = True
    for thread in threads:
        thread.join()
    print("done")
"""


def test_runs_begin_and_end_while_threads_use_locks() -> None:
    finished = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(RUNS)],
        env=clean_environ(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert (finished.returncode, finished.stdout) == (0, "done\n"), finished.stderr
