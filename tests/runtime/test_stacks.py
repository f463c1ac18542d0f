"""Call stacks of accesses: who called, also where one function is entered again at the same place of the stack."""

from __future__ import annotations

from tests.conftest import RunRaceway

PROGRAM = """
import threading


class Box:
    pass


box = Box()


def helper():
    box.in_helper = 1


def called_back(number):
    box.in_callback = number
    return number


def work(which):
    if which == 1:
        box.first = 1
        helper()
        box.after_call = 1
        sorted([1], key=called_back)
        box.after_callback = 1
    else:
        box.second = 1
        sorted([1], key=again)
        box.after_again = 1


def again(number):
    box.in_again = number
    return number


def one():
    work(1)


def two():
    work(2)


def resumed():
    box.started = 1
    yield
    box.resumed = 1
    yield


def start(steps):
    next(steps)


def resume(steps):
    next(steps)


def run():
    one()
    two()
    steps = resumed()
    start(steps)
    resume(steps)


threads = [threading.Thread(target=run) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""

CALLERS = {
    "first": "work one run",
    "in_helper": "helper work one run",
    "after_call": "work one run",
    "in_callback": "called_back work one run",
    "after_callback": "work one run",
    "second": "work two run",
    "in_again": "again work two run",
    "after_again": "work two run",
    "started": "resumed start run",
    "resumed": "resumed resume run",
}


def test_each_access_has_the_callers_it_had(run_raceway: RunRaceway, core: str) -> None:
    run_raceway.write("app.py", PROGRAM)
    done = run_raceway("--core", core, "--fail-on", "never", "app.py")
    told = {
        finding["variable"].removeprefix("Box."): {
            " ".join(frame["function"] for frame in access["stack"]) for access in finding["accesses"]
        }
        for finding in done.report["findings"]
    }
    assert told == {name: {callers} for name, callers in CALLERS.items()}
