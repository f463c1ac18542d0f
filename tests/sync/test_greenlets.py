"""Greenlets of a program that is not the corpus: it runs as ever, its own trace function is called, and gevent may have
come before Raceway."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.conftest import TIMEOUT_S, RunRaceway, clean_environ

pytestmark = pytest.mark.skipif(find_spec("gevent") is None, reason="gevent is not there for this interpreter")

RAN = """
import gevent, gevent.event, gevent.lock, gevent.pool, gevent.queue, greenlet
seen, hub = [], gevent.get_hub()
print(greenlet.settrace(lambda event, args: seen.append((event, args[1] is hub))), callable(greenlet.gettrace()))
jobs, answer = gevent.queue.Queue(), gevent.event.AsyncResult()
def take():
    while (job := jobs.get()) is not None:
        job["number"] += 1
taker = gevent.spawn(take)
for number in range(3):
    jobs.put({"number": number})
jobs.put(None)
taker.join()
print(("switch", True) in seen, ("switch", False) in seen, greenlet.settrace(None) is not None, greenlet.gettrace())
gevent.spawn(answer.set, 5)
print(answer.get(), gevent.pool.Pool(2).map(abs, range(4)), gevent.get_hub().threadpool.apply(len, ("four",)))
callback = hub.loop.run_callback(print, "run")
print(callback.callback.__name__, callback.args)
gevent.sleep(0)
def failing(*args):
    raise RuntimeError(args)
greenlet.settrace(failing)
try:
    gevent.sleep(0)
except RuntimeError as error:
    print(len(error.args[0]), greenlet.gettrace() in (None, failing))
"""

BEFORE = """
from gevent import monkey
monkey.patch_all()
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
import raceway.autoinstrument
handle = raceway.autoinstrument.install()
import counting
print(counting.account.total)
with ThreadPoolExecutor(2) as pool:
    print(list(pool.map(str, range(3))))
handle.uninstall()
print([(finding.kind, finding.variable, finding.accesses[0].actor) for finding in handle.findings()])
"""

COUNTING = """
import threading, time
class Account:
    def __init__(self):
        self.total, self.lock = 0, threading.Lock()
    def add(self):
        with self.lock:
            self.total += 1
        total = self.total
        time.sleep(0.001)
        self.total = total
account = Account()
threads = [threading.Thread(target=account.add, name=f"adder {number}") for number in range(2)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
"""


def test_greenlets_run_as_ever_and_the_programs_trace_function_is_called(
    run_raceway: RunRaceway, request: pytest.FixtureRequest
) -> None:
    core = "native" if request.node.callspec.params["core_of_models"] == "native" else "pure"
    script = run_raceway.write("app.py", RAN)
    plain = subprocess.run([sys.executable, script], env=clean_environ(), capture_output=True, text=True, check=True)
    finished = run_raceway("--core", core, script)
    assert (finished.status, finished.stdout, finished.findings) == (0, plain.stdout, []), finished.stderr


def test_gevent_may_have_patched_everything_before_raceway_comes(
    run_raceway: RunRaceway, request: pytest.FixtureRequest
) -> None:
    core = "native" if request.node.callspec.params["core_of_models"] == "native" else "pure"
    script = run_raceway.write("app.py", BEFORE)
    run_raceway.write("counting.py", COUNTING)
    finished = subprocess.run(
        [sys.executable, script],
        env=clean_environ() | {"RACEWAY_CORE": core},
        cwd=run_raceway.directory,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    total, mapped, found = finished.stdout.splitlines()
    assert (int(total) in (1, 2), mapped) == (True, "['0', '1', '2']"), finished.stderr
    assert re.search(r"^\[\(<FindingKind.AWAIT_GAP.*'Account.total', Actor\(kind='greenlet', name='adder \d'", found)
