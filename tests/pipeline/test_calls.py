"""Functions in the automatic stream (`--functions`): entered and left, and errors; the program sees nothing of it."""

from __future__ import annotations

import json
from typing import Any

from raceway.detector.teller import Teller
from raceway.model.records import Call
from raceway.model.told import CALLS_LIMIT
from raceway.transform import instrument
from tests.conftest import RunRaceway
from tests.pipeline.protocol import check_body, check_flows

PROGRAM = """
import asyncio, json, sys, threading, weakref

class Hostile(Exception):
    @property
    def __class__(self): raise RuntimeError("touched")
    def __getattribute__(self, name): raise RuntimeError("touched")
    __str__ = __repr__ = __getattribute__

class Account:
    def pay(self, amount, *rest, password=None, **more):
        if amount > 5:
            raise ValueError("too much")
        return amount

def fails(error):
    raise error

def passes_on(error):
    try:
        fails(error)
    except Exception:
        raise

def handles(error):
    try:
        passes_on(error)
    except Exception:
        return "handled"

def finds():
    return json.loads("{")

def ends_otherwise():
    try:
        return 1
    finally:
        return 2

def counts(up_to):
    yield from range(up_to)

def stops():
    raise StopIteration

def keeps(captured):
    return lambda: captured

async def waits(number):
    await asyncio.sleep(0)
    return number

async def is_cancelled():
    await asyncio.sleep(10)

async def main():
    await asyncio.gather(waits(1), waits(2))
    task = asyncio.create_task(is_cancelled())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass

def goes_down(left):
    return left and goes_down(left - 1)

account = Account()
account.pay(1, 2, 3, password="hunter2", more=1)
handles(Hostile())
handles(KeyError("name"))
assert ends_otherwise() == 2
assert list(counts(2)) == [0, 1]
left_alone = counts(3)
next(left_alone)
del left_alone
for function in (stops, finds):
    try:
        function()
    except (StopIteration, ValueError):
        pass
assert keeps(4)() == 4
asyncio.run(main())
try:
    goes_down(int(sys.argv[1]))
except RecursionError as error:
    assert sys.exc_info()[1] is error and error.__context__ is None
thread = threading.Thread(target=account.pay, args=(7,))
threading.excepthook = lambda given: None
thread.start()
thread.join()

class Held:
    pass

def holds(held):
    raise ValueError(held)

held = Held()
ref = weakref.ref(held)
try:
    holds(held)
except ValueError:
    pass
del held
assert ref() is None, "an argument or an exception is kept alive"
"""


def test_functions_and_errors_are_told(run_raceway: RunRaceway, core: str) -> None:
    trace = run_raceway.directory / "trace.jsonl"
    program = run_raceway.write("app.py", PROGRAM)
    seen = core == "native"  # the other core's taps see their operands only, and have no room near the limit of depth
    depth = 10_000 if seen else 100
    run = run_raceway("--core", core, "--functions", "--trace", trace, program, str(depth))
    assert run.status == 0, run.stderr
    assert b"hunter2" not in trace.read_bytes()
    events = check_body(b'{"events":[' + b",".join(trace.read_bytes().splitlines()) + b"]}")
    check_flows(events)
    assert all(event["metadata"]["duration_ns"] >= 0 for event in events if _is_end(event))

    told = [(_name(one), one["kind"]["FunctionCall"]["args"]) for one in events if "FunctionCall" in one["kind"]]
    calls = [(name, args) for name, args in told if not name.startswith("goes_down")]
    assert calls[0] == (
        "Account.pay",
        {"amount": 1, "password": "[REDACTED]", "rest": "<tuple of 2>", "more": "<dict of 1>"} if seen else None,
    )
    assert (calls[1][0], calls[1][1]["status"]) == ("Account.pay:return", "success")
    handled = ["handles", "passes_on", "fails", "fails:error", "passes_on:error", "handles:return"]
    others = ["ends_otherwise", "ends_otherwise:return", *["counts", "counts:return"] * 2, "stops", "stops:return"]
    others += ["finds", "finds:error", "keeps", "keeps:return", "main", "waits", "waits", "waits:return"]
    others += ["waits:return", "is_cancelled", "is_cancelled:error", "main:return", "Account.pay", "Account.pay:error"]
    names = [*handled, *handled, *others, "holds", "holds:error"]
    assert [name for name, _ in calls[2:]] == names
    assert [args["error"] for name, args in calls if name == "fails:error"] == ["Hostile", "KeyError"]
    assert not seen or [args for name, args in calls if name == "keeps"] == [{"captured": 4}]
    deep = [name for name, _ in told if name.startswith("goes_down")]
    assert deep.count("goes_down") == deep.count("goes_down:error" if seen else "goes_down:return") > 100

    errors = [event["kind"]["Error"] for event in events if "Error" in event["kind"]]
    assert [(one["error_type"], one["message"].partition(":")[0]) for one in errors] == [
        ("Hostile", ""), ("KeyError", "name"), ("JSONDecodeError", "Expecting property name enclosed in double quotes"),
        ("CancelledError", ""), *[("RecursionError", "maximum recursion depth exceeded")] * seen,
        ("ValueError", "too much"), ("ValueError", ""),
    ]  # fmt: skip
    assert errors[1]["stack_trace"] == [
        "app.py:17 in fails", "app.py:21 in passes_on", "app.py:27 in handles", "app.py:72 in <module>",
    ]  # fmt: skip
    inner, outer = errors[2]["stack_trace"][0], errors[2]["stack_trace"][-2:]
    assert "decoder.py" in inner
    assert outer == ["app.py:32 in finds", "app.py:80 in <module>"]


def _name(event: dict[str, Any]) -> str:
    call = event["kind"]["FunctionCall"]
    assert (call["file"], call["module"]) == ("app.py", "__main__")
    return str(call["function_name"])


def _is_end(event: dict[str, Any]) -> bool:
    return ":" in event["kind"].get("FunctionCall", {}).get("function_name", "")


def test_without_the_option_functions_are_as_they_were() -> None:
    source = b"def f(x):\n    return x\n"
    plain = compile(source, "app.py", "exec", dont_inherit=True).co_consts[0]
    assert instrument(source, "app.py", "app").code.co_consts[0].co_code == plain.co_code


def test_a_module_that_is_nested_as_deeply_as_can_be_runs_without() -> None:
    source, deeper = b"", _nested(1)
    while _compiles(deeper):
        source, deeper = deeper, _nested(deeper.count(b"for") + 1)
    with_functions, plain = (instrument(source, "app.py", "app", form) for form in ("peek+functions", "peek"))
    assert with_functions.sites == plain.sites


def _nested(depth: int) -> bytes:
    loops = [f"{' ' * level}for a{level} in ():" for level in range(1, depth + 1)]
    return "\n".join(["def f():", *loops, " " * (depth + 1) + "pass"]).encode()


def _compiles(source: bytes) -> bool:
    try:
        compile(source, "app.py", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def test_what_races_are_made_of_goes_before_calls() -> None:
    teller = Teller(full=False)
    for _ in range(CALLS_LIMIT):
        assert teller.has_room_for_calls()
        teller.call(Call(1, 0, 0, -1), None)
    assert not teller.has_room_for_calls()
    assert teller.dropped == 1


def test_calls_of_a_hurried_program_are_dropped_in_pairs(run_raceway: RunRaceway) -> None:
    trace = run_raceway.directory / "trace.jsonl"
    program = run_raceway.write("app.py", "def f(): pass\nfor _ in range(200_000): f()\n")
    run = run_raceway("--core", "native", "--functions", "--trace", trace, program)
    kinds = [json.loads(line)["kind"] for line in trace.read_bytes().splitlines()]
    names = [kind.get("FunctionCall", {}).get("function_name") for kind in kinds]
    assert names.count("f") == names.count("f:return") > 1000
    assert names.count("f") == 200_000 or "were dropped" in run.stderr
