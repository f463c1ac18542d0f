"""Hand-made calls and decorated functions as the local detector sees them."""

from __future__ import annotations

from tests.conftest import RunRaceway

MARKED = """
import threading
from raceway import RacewayClient

client = RacewayClient(sinks=[])
client.start_trace()

def work():
    {before}
    client.track_state_change("account.balance", None, 1, "Read")
    client.track_state_change("account.balance", 1, 2, "Write")
    {after}

threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
client.shutdown()
"""


def test_a_race_of_marked_variables_is_found(run_raceway: RunRaceway, core: str) -> None:
    run_raceway.write("app.py", MARKED.format(before="pass", after="pass"))
    run = run_raceway("--core", core, "app.py")
    assert run.findings, run.stderr
    assert {finding["variable"] for finding in run.findings} == {"account.balance"}
    sides = [side for finding in run.findings for side in finding["accesses"]]
    assert {(side["file"], side["function"]) for side in sides} == {("app.py", "work")}
    assert {side["line"] for side in sides} <= {10, 11}
    assert all(side["source"].startswith("client.track_state_change(") for side in sides)


def test_marked_locks_order(run_raceway: RunRaceway, core: str) -> None:
    locked = MARKED.format(
        before='real.acquire(); client.track_lock_acquire("l", "Mutex")',
        after='client.track_lock_release("l", "Mutex"); real.release()',
    )
    # A lock that the detector cannot see: only what is marked orders the two.
    hidden = "import os\nclass Hidden:\n"
    hidden += "    def __init__(self):\n        self.ends = os.pipe()\n        self.release()\n"
    hidden += "    def acquire(self): os.read(self.ends[0], 1)\n    def release(self): os.write(self.ends[1], b'x')\n"
    run_raceway.write("app.py", hidden + "real = Hidden()\n" + locked)
    run = run_raceway("--core", core, "app.py")
    assert run.findings == [], run.stderr


DECORATED = """
import sys
sys.path.insert(0, {path!r})
import outside, threading
account = outside.Account()
threads = [threading.Thread(target=outside.transfer, args=(account, 1)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""

OUTSIDE = """
import raceway

class Account:
    balance = 0

@raceway.track_state("account.balance")
def transfer(account, amount):
    account.balance = check(account.balance) + amount

def check(value):
    return value
"""


def test_a_decorated_function_of_a_module_that_is_not_watched(run_raceway: RunRaceway, core: str) -> None:
    path = run_raceway.report_file.parent / "elsewhere"
    path.mkdir()
    (path / "outside.py").write_text(OUTSIDE)
    run_raceway.write("app.py", DECORATED.format(path=str(path)))
    run = run_raceway("--core", core, "app.py")
    assert run.kinds == ["lost-update"], run.stderr
    assert run.findings[0]["variable"] == "Account.balance"
