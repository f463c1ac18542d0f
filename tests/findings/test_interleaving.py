"""The interleaving of a finding: the steps that do harm, in order, from real runs of the corpus."""

from __future__ import annotations

from pathlib import Path

from raceway.findings import completed
from raceway.findings.interleaving import cycle
from raceway.model.struct import replace
from tests.conftest import ROOT, RunRaceway
from tests.report import samples

RACES = ROOT / "fixtures" / "race"


def steps(run_raceway: RunRaceway, core: str, source: str, kind: str) -> list[tuple[int, str, int, str, str]]:
    """Side, operation, line, value and harm of each step of the one finding of that kind."""
    run_raceway.write("app.py", source)
    run = run_raceway("--show", "info", "--core", core, "app.py")
    (finding,) = (one for one in run.findings if one["kind"] == kind)
    return [
        (step["side"], step["operation"], step["line"], step.get("value", ""), step.get("harm", ""))
        for step in finding.get("steps", [])
    ]


THREADS = """
import threading
a, b = threading.Thread(target=one), threading.Thread(target=two)
a.start(); b.start(); a.join(); b.join()
"""


def test_a_lost_update_reads_on_both_sides_before_either_writes(run_raceway: RunRaceway, core: str) -> None:
    source = "x = 0\ndef f(): return 1\ndef one():\n    global x\n    y = x\n    x = y + f()\ntwo = one\n"
    found = steps(run_raceway, core, source + THREADS, "lost-update")
    assert [(operation, line) for _, operation, line, _, _ in found] == [
        ("read", 5),
        ("read", 5),
        ("write", 6),
        ("write", 6),
    ]
    victim, other = found[0][0], found[1][0]
    assert [side for side, *_ in found] == [victim, other, other, victim]
    assert {victim, other} == {0, 1}
    assert [harm != "" for *_, harm in found] == [False, False, False, True]
    assert found[-1][-1].startswith("from the value read before: the write of Thread-")


def test_a_lost_update_is_told_by_the_side_that_works_on_the_value(run_raceway: RunRaceway, core: str) -> None:
    source = (
        "import io, os; r, w = map(io.FileIO, os.pipe(), 'rw')\n\ns = {'a': 1}\ndef f(y): return y + 1\n"
        "def one():\n    if s['a'] > 0:\n        s['a'] -= 1\n    w.write(b'.')\n"
        "def two():\n    r.read(1)\n    y = s.get('a')\n    s['a'] = f(y)\n"
    )
    found = steps(run_raceway, core, source + THREADS, "lost-update")
    assert [(operation, line) for _, operation, line, _, _ in found] == [
        ("read", 11),
        ("test", 6),
        ("write", 7),
        ("write", 12),
    ]
    assert found[-1][-1] == "from the value read before: the write of Thread-1 (one) is lost"


def test_a_test_is_told_by_the_side_that_holds_no_lock(run_raceway: RunRaceway, core: str) -> None:
    source = (
        "import io, os, threading; r, w = map(io.FileIO, os.pipe(), 'rw')\n"
        "lock, s = threading.Lock(), {'a': False}\ndef f(): print()\n"
        "def one():\n    with lock:\n        if 'a' in s:\n            s['a'] = True\n    w.write(b'.')\n"
        "def two():\n    r.read(1)\n    if not s['a']: f()\n    f()\n    with lock:\n        del s['a']\n"
    )
    source = source.replace("    if not s['a']: f()\n    f()\n", "    if s['a']:\n        f()\n")
    source = source.replace("    with lock:\n        del s['a']\n", "        with lock:\n            del s['a']\n")
    found = steps(run_raceway, core, source + THREADS, "check-then-act")
    assert [(operation, line) for _, operation, line, _, _ in found][-1] == ("write", 14)


def test_tasks_of_one_name_are_told_apart(run_raceway: RunRaceway) -> None:
    source = (
        "import asyncio\nx, NAME = 0, 'package.of.a.very.long.name.of.a.task.one'\n"
        "async def one():\n    global x\n    y = x\n    await asyncio.sleep(0)\n    x = y + 1\n"
        "async def main():\n    await asyncio.gather(*(asyncio.create_task(one(), name=NAME) for _ in '12'))\n"
        "asyncio.run(main())\n"
    )
    run_raceway.write("app.py", source)
    run = run_raceway("app.py")
    (finding,) = run.findings
    names = [side["actor"]["name"] for side in finding["accesses"]]
    assert names == ["package.of.a.very.long.name.of.a.task.one (1)", "package.of.a.very.long.name.of.a.task.one (2)"]
    assert " | package.of.a.very.long.name.of.a.... (1) | package.of.a.very.long.name.of.a.... (2)" in run.stderr
    assert finding["steps"][-1]["harm"].endswith("the write of package.of.a.very.long.name.of.a.task.one (1) is lost")


def test_threads_of_one_name_are_told_apart(run_raceway: RunRaceway) -> None:
    source = (
        "import threading\n"
        "class Box:\n    number = 0\n"
        "def following(number):\n    return number + 1\n"
        "def work():\n    for _ in range(50):\n        Box.number = following(Box.number)\n"
        "threads = [threading.Thread(target=work, name='worker') for _ in range(2)]\n"
        "for thread in threads:\n    thread.start()\nfor thread in threads:\n    thread.join()\n"
    )
    run = run_raceway(run_raceway.write("app.py", source))
    for finding in run.report["findings"]:
        assert {side["actor"]["name"] for side in finding["accesses"]} == {"worker (1)", "worker (2)"}
    assert run.report["findings"]


TASKS = """
import asyncio
async def main():
    await asyncio.gather(one(), one())
asyncio.run(main())
"""


def test_the_await_between_a_read_and_its_write_is_a_step(run_raceway: RunRaceway) -> None:
    source = (
        "import asyncio\nx = 0\nasync def f():\n    await asyncio.sleep(0)\n    return 1\n"
        "async def one():\n    global x\n    await f()\n    y = x\n    def g(): return asyncio.sleep(0)\n"
        "    async with asyncio.Lock():\n        await g()\n    x = y + await f()\n"
    )
    found = steps(run_raceway, "auto", source + TASKS, "await-gap")
    assert [(operation, line) for _, operation, line, _, _ in found] == [
        ("read", 9),
        ("await", 11),
        ("write", 13),
        ("write", 13),
    ]
    assert [side for side, *_ in found[:2]] == [found[3][0]] * 2


def test_an_await_in_the_statement_of_the_write_is_a_step(run_raceway: RunRaceway) -> None:
    source = (
        "import asyncio\nx = 0\nasync def f():\n    await asyncio.sleep(0)\n    return 1\n"
        "async def one():\n    global x\n    await f()\n    x = x + await f()\n    await f()\n"
    )
    found = steps(run_raceway, "auto", source + TASKS, "await-gap")
    assert [(operation, line) for _, operation, line, _, _ in found][:2] == [("read", 9), ("await", 9)]


def test_a_literal_that_is_stored_is_shown(run_raceway: RunRaceway, core: str) -> None:
    source = (
        "x = 0\ndef f(): return 1\n"
        "def one():\n    global x\n    y = x\n    x = y + f()\n"
        "def two():\n    global x\n    x = 7\n"
    )
    found = steps(run_raceway, core, source + THREADS, "lost-update")
    assert [(operation, line, value) for _, operation, line, value, _ in found] == [
        ("read", 5, ""),
        ("write", 9, "7"),
        ("write", 6, ""),
    ]


def test_a_test_is_called_a_test_and_a_second_initialisation_one(run_raceway: RunRaceway, core: str) -> None:
    source = "x = None\ndef f(): return [1]\ndef one():\n    global x\n    if x is None:\n        x = f()\ntwo = one\n"
    found = steps(run_raceway, core, source + THREADS, "double-init")
    assert [operation for _, operation, *_ in found] == ["test", "test", "write", "write"]
    assert found[-1][-1].startswith("a second time: what Thread-")


def test_a_walk_is_begun_and_goes_on_after_the_change(run_raceway: RunRaceway, core: str) -> None:
    source = "x = [1, 2]\ndef f(y): return y\ndef one():\n    for y in x:\n        f(y)\ndef two():\n    x.sort()\n"
    found = steps(run_raceway, core, source + THREADS, "iteration-mutation")
    assert [(operation, line) for _, operation, line, _, _ in found] == [
        ("begin to iterate", 4),
        ("sort()", 7),
        ("go on to the next item", 4),
    ]


def test_plain_writes_come_in_the_order_of_the_run(run_raceway: RunRaceway, core: str) -> None:
    source = (
        "x = 0\ndef one():\n    global x\n    x = f(1)\ndef two():\n    global x\n    x = f(2)\ndef f(y): return y\n"
    )
    found = steps(run_raceway, core, source + THREADS + "print(x)\n", "write-write")
    assert [(side, operation) for side, operation, *_ in found] == [(0, "write"), (1, "write")]
    assert "is gone; in the other order this one would be" in found[-1][-1]


def test_of_a_generator_the_second_step_comes_while_the_first_runs(run_raceway: RunRaceway, core: str) -> None:
    source = (
        "def f():\n    while True:\n        yield 1\nx = f()\ndef one():\n    next(x)\ndef two():\n    x.send(None)\n"
    )
    found = steps(run_raceway, core, source + THREADS, "write-write")
    assert {operation for _, operation, *_ in found} in ({"next() begins", "send()"}, {"send() begins", "next()"})
    assert found[-1][-1].startswith("ValueError: generator already executing")


def test_a_value_is_stored_over_before_it_is_read_back(run_raceway: RunRaceway, core: str) -> None:
    source = (
        "class A: pass\no = A()\ndef f(): pass\n"
        "def one(y='1'):\n    o.x = y + '.'\n    f()\n    print(o.x)\ntwo = one\n"
    )
    found = steps(run_raceway, core, source + THREADS, "read-write")
    assert [(operation, line) for _, operation, line, *_ in found] == [("write", 5), ("write", 5), ("read", 7)]
    assert found[0][0] == found[2][0] != found[1][0]
    assert "not what it stored" in found[-1][-1]


def test_what_is_put_into_a_list_that_is_replaced_is_lost(run_raceway: RunRaceway, core: str) -> None:
    source = (
        "class A: pass\no = A()\no.x = [1]\ndef f(): pass\n"
        "def one():\n    if o.x:\n        f()\n        o.x = []\ndef two():\n    o.x.append(2)\n"
    )
    run_raceway.write("app.py", source + THREADS)
    (finding,) = (one for one in run_raceway("--core", core, "app.py").findings if one["severity"] == "error")
    assert [(step["operation"], step["line"]) for step in finding["steps"]] == [
        ("test", 6),
        ("append()", 10),
        ("write", 8),
    ]
    assert finding["fix"] == "Hold one lock from the look at A.x to the write, and around the append()."


def test_a_read_beside_an_update_sees_either_value(run_raceway: RunRaceway, core: str) -> None:
    source = "x = 0\ndef f(): return 1\ndef one():\n    global x\n    x = x + f()\ndef two():\n    print(x)\n"
    found = steps(run_raceway, core, source + THREADS, "read-write")
    assert {(operation, line) for _, operation, line, _, _ in found} == {("write", 5), ("read", 7)}
    assert found[-1][-1]


def test_benign_findings_have_no_steps(run_raceway: RunRaceway, core: str) -> None:
    source = "x = 0\ndef one():\n    global x\n    x = 1\ntwo = one\n"
    assert steps(run_raceway, core, source + THREADS, "write-write") == []


def test_a_harm_that_was_seen_is_told_as_it_happened(run_raceway: RunRaceway, core: str) -> None:
    environ = {"PYTHONPATH": str(RACES.parent), "RACEWAY_CORE": core}
    run = run_raceway("--exclude", "hidden", RACES / "rmw_local_call.py", environ=environ)
    (finding,) = run.findings
    assert finding["confidence"] == "observed"
    assert [(step["side"], step["operation"], step["line"]) for step in finding["steps"]] == [
        (1, "read", 25),
        (0, "write", 27),
        (1, "write", 27),
    ]
    assert finding["accesses"][1]["actor"]["name"] == "Thread-1 (work)"


def test_a_cycle_is_held_all_around_and_then_waited_for() -> None:
    found = cycle(samples.LOCK_CYCLE.accesses)
    assert [(step.side, step.operation) for step in found] == [
        (0, "hold Bank.lock"),
        (1, "hold Audit.lock"),
        (2, "hold Log.lock"),
        (0, "wait for Audit.lock"),
        (1, "wait for Log.lock"),
        (2, "wait for Bank.lock"),
    ]
    assert [bool(step.harm) for step in found] == [False] * 5 + [True]
    assert all((step.file == "") == step.operation.startswith("hold") for step in found)
    assert cycle(()) == ()


def test_of_several_locks_the_one_that_the_other_side_wants_is_held() -> None:
    sides = samples.LOCK_CYCLE.accesses
    wide = (replace(sides[0], locks=("Bank.lock", "Cache.lock")), *sides[1:])
    assert cycle(wide)[0].operation == "hold Bank.lock"


def test_a_lock_that_is_taken_twice_is_waited_for_alone() -> None:
    side = replace(samples.LOCK_CYCLE.accesses[0], operation="acquire Bank.lock")
    assert [(step.operation, step.harm) for step in cycle((side,))] == [
        ("hold Bank.lock", ""),
        ("wait for Bank.lock", "it waits for ever"),
    ]


def test_a_finding_gets_its_source_and_a_cycle_its_steps(tmp_path: Path) -> None:
    (tmp_path / "bank.py").write_text("".join(f"line {n}\n" for n in range(1, 200)), encoding="utf-8")
    bare = replace(samples.LOCK_CYCLE, steps=())
    found = completed(bare, str(tmp_path))
    assert found.steps == cycle(bare.accesses)
    assert found.accesses[0].context == tuple(f"line {n}" for n in range(56, 65))
    assert found.accesses[0].context_line == 56
    assert completed(found, "/elsewhere") == found
    assert completed(bare, "/elsewhere").accesses == bare.accesses
