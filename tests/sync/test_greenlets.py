"""Greenlets of gevent: all of a thread are its actor, so nothing between them is a finding, and nothing breaks."""

from __future__ import annotations

import pytest

from tests.conftest import RunRaceway

pytest.importorskip("gevent", reason="gevent is not there for this interpreter")

SPAWNED = """
import gevent, gevent.event, gevent.lock, gevent.pool, gevent.queue
class Counter: pass
counter, lock, jobs = Counter(), gevent.lock.RLock(), gevent.queue.Queue()
counter.value, counter.seen = 0, []
def count(name):
    for _ in range(5):
        with lock:
            value = counter.value
            gevent.sleep(0)
            counter.value = value + 1
        counter.seen.append(name)
def take():
    while (job := jobs.get()) is not None:
        job["number"] += 1
        counter.seen.append(job["number"])
gevent.joinall([gevent.spawn(count, name) for name in range(4)])
taker = gevent.spawn(take)
for number in range(3):
    jobs.put({"number": number})
jobs.put(None)
taker.join()
answer = gevent.event.AsyncResult()
gevent.spawn(answer.set, 5)
print(answer.get(), gevent.pool.Pool(2).map(abs, range(4)), counter.value, len(counter.seen))
print(gevent.get_hub().threadpool.apply(len, ("four",)))
"""

PATCHED = """
from gevent import monkey
monkey.patch_all()
import queue, socket, threading, time
from concurrent.futures import ThreadPoolExecutor
class Counter: pass
counter, lock, jobs, table = Counter(), threading.Lock(), queue.Queue(), {}
counter.value = 0
def count():
    for _ in range(5):
        with lock:
            value = counter.value
            time.sleep(0)
            counter.value = value + 1
def put():
    for number in range(3):
        table[number] = [number]
        jobs.put(number)
def take():
    for _ in range(3):
        table[jobs.get()].append(1)
threads = [threading.Thread(target=target) for target in (count, count, take, put)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
left, right = socket.socketpair()
left.send(b"x")
with ThreadPoolExecutor(2) as pool:
    print(right.recv(1), list(pool.map(str, range(3))), counter.value, table)
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (SPAWNED, "5 [0, 1, 2, 3] 20 23\n4\n"),
        (PATCHED, "b'x' ['0', '1', '2'] 10 {0: [0, 1], 1: [1, 1], 2: [2, 1]}\n"),
    ],
    ids=["spawned", "patched"],
)
def test_greenlets_run_as_ever_and_give_no_finding(
    program: str, said: str, run_raceway: RunRaceway, request: pytest.FixtureRequest
) -> None:
    core = "native" if request.node.callspec.params["core_of_models"] == "native" else "pure"
    finished = run_raceway("--core", core, run_raceway.write("app.py", program))
    assert (finished.status, finished.stdout, finished.findings) == (0, said, []), finished.stderr
