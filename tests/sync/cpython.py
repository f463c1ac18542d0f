"""Runs CPython's own tests of threads, queues and futures with the models in, and tells what came out differently.

    python tests/sync/cpython.py              all modules, each without and with the models
    python tests/sync/cpython.py NAME...      these test modules, classes or methods

The tests ship with the interpreter (package `test`), though not with every distribution of it.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

MODULES = (
    "test_thread",
    "test_threading",
    "test_threading_local",
    "test_threadsignals",
    "test_queue",
    "test_sched",
    "test_logging",
    "test_functools",
    "test_contextlib",
    "test_concurrent_futures.test_as_completed",
    "test_concurrent_futures.test_future",
    "test_concurrent_futures.test_init",
    "test_concurrent_futures.test_shutdown",
    "test_concurrent_futures.test_thread_pool",
    "test_concurrent_futures.test_wait",
)

KNOWN = {
    # A raw thread's function is wrapped, and until 3.12 `sys.unraisablehook` is given the wrapper.
    "test.test_thread.ThreadRunningTests.test_unraisable_exception",
    # Until 3.12 the type of a lock cannot be called; ours is what makes locks.
    "test.test_threading.ThreadTests.test_disallow_instantiation",
}

ROOT = Path(__file__).resolve().parents[2]

TIMEOUT_S = 600


def available(names: tuple[str, ...]) -> list[str]:
    """The test modules that this interpreter has, with their package."""
    found = []
    for name in names:
        full = name if name.startswith("test.") else f"test.{name}"
        try:
            module = ".".join(full.split(".")[: 3 if "test_concurrent_futures" in full else 2])
            if importlib.util.find_spec(module) is not None:
                found.append(full)
        except ModuleNotFoundError:
            continue
    return found


def outcomes(watched: bool, names: list[str]) -> tuple[int, dict[str, str]]:
    """How many tests ran in an interpreter of their own, and the last line of what each that failed said."""
    with tempfile.TemporaryDirectory() as directory:
        finished = subprocess.run(
            [sys.executable, __file__, "--inside", str(int(watched)), *names],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            cwd=directory,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        )
    last = finished.stdout.splitlines()[-1:] or [""]
    try:
        count, failed = json.loads(last[0])
    except ValueError:
        raise RuntimeError(f"the tests did not end: {finished.stdout[-2000:]}{finished.stderr[-4000:]}") from None
    return count, failed


def inside(watched: bool, names: list[str]) -> None:
    """Run the tests here, and print the outcomes as the last line."""
    sys.path.insert(0, str(ROOT))
    if watched:
        from raceway import sync
        from raceway.runtime import active
        from tests.sync.recording import FakeRecorder

        recorder = FakeRecorder()
        active.activate(recorder)
        sync.install(recorder)
    suite = unittest.TestLoader().loadTestsFromNames(names)
    result = unittest.TextTestRunner(io.StringIO(), verbosity=0).run(suite)
    failed = {test.id(): text.strip().splitlines()[-1] for test, text in result.failures + result.errors}
    if watched and sync.failures():
        failed["models"] = f"{sync.failures()} calls of a model went wrong"
    print()
    print(json.dumps([result.testsRun, failed]))


def main(names: tuple[str, ...]) -> int:
    """Compare both ways, module by module."""
    status = 0
    for name in available(names or MODULES):
        plain, ours = outcomes(False, [name]), outcomes(True, [name])
        different = {test: text for test, text in ours[1].items() if test not in plain[1]}
        unknown = different.keys() - KNOWN
        status |= bool(unknown) or plain[0] != ours[0]
        print(f"{name}: {plain[0]} without, {ours[0]} with; {len(different)} differ, {len(unknown)} unexpectedly")
        for test, text in sorted(different.items()):
            print(f"    {test}: {text}")
    return status


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(sys.argv[2] == "1", sys.argv[3:])
    else:
        sys.exit(main(tuple(sys.argv[1:])))
