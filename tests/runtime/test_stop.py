"""The end of a run while other threads of the program still run."""

from __future__ import annotations

from tests.conftest import ROOT, RunRaceway

DAEMONS = """\
import threading
import hidden

lock = threading.Lock()
count = 0
going = [hidden.Gate(), hidden.Gate()]
gone = hidden.Gate()

def work(gate):
    global count
    while True:
        gate.wait()
        with lock:
            count = int(count) + 1
        gone.open()

def both():
    for gate in going:
        gate.open()
        gone.wait()

for gate in going:
    threading.Thread(target=work, args=(gate,), daemon=True).start()
both()

from raceway import sync
take_out = sync.uninstall

def uninstall():
    take_out()
    both()

sync.uninstall = uninstall
"""


def test_what_goes_on_without_the_models_is_not_recorded(run_raceway: RunRaceway, core: str) -> None:
    environ = {"PYTHONPATH": str(ROOT / "fixtures")}
    program = run_raceway.write("app.py", DAEMONS)
    run = run_raceway("--core", core, "--exclude", "hidden", program, environ=environ)
    assert (run.status, run.stderr.count("no races found")) == (0, 1)
