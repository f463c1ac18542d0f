"""The automatic stream loses nothing that matters: from its events alone the detector finds what the run found."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from raceway.model.findings import Finding
from raceway.model.kinds import Verb
from raceway.model.told import Told, ToldEdge
from raceway.pipeline import new_uuid
from raceway.pipeline.calls import Function, Places
from raceway.pipeline.convert import AT_ONCE, Converter
from raceway.pipeline.flows import Origin
from raceway.pipeline.replay import records_of
from tests.conftest import RunRaceway, has_gil
from tests.fixture_format import FIXTURES
from tests.pipeline.protocol import check_body, check_flows
from tests.pipeline.replaying import findings_of, read_events, shown

PROGRAMS = [
    "race/check_stock_call", "race/clear_release_append", "race/condition", "race/counter_attribute",
    "race/dict_insert_pop", "race/identity_dicts", "race/list_negative", "race/publication", "norace/dict_pops",
    "norace/list_appends", "norace/setattr_write", "norace/thread_join_in_vain",
]  # fmt: skip


def form_of(core: str) -> str:
    """How programs are instrumented for this core: it decides which site has which number."""
    if core == "pure":
        return "hold"
    from raceway.runtime.native import can_peek

    return "peek" if can_peek() else "hold"


def as_json(finding: Finding) -> dict[str, Any]:
    """The part of a JSON report that `shown` looks at."""
    return {
        "kind": finding.kind.value,
        "variable": finding.variable,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "accesses": [
            {"line": side.line, "operation": side.operation, "actor": {"name": side.actor.name}, "locks": side.locks}
            for side in finding.accesses
        ],
    }


@pytest.mark.parametrize(
    ("name", "events"), [*((name, "shared") for name in PROGRAMS), *((name, "full") for name in PROGRAMS[::4])]
)
def test_the_events_of_a_run_show_the_same_races(run_raceway: RunRaceway, core: str, name: str, events: str) -> None:
    program = FIXTURES / f"{name}.py"
    trace = run_raceway.directory / "trace.jsonl"
    options = ("--core", core, "--show", "info", "--fail-on", "never", "--exclude", "hidden", "--events", events)
    run = run_raceway(*options, "--trace", trace, program, environ={"PYTHONPATH": str(FIXTURES)})
    assert run.status == 0, run.stderr
    found = findings_of(read_events(trace), program, run_raceway.directory, form_of(core), has_gil())
    assert sorted(map(repr, map(shown, map(as_json, found)))) == sorted(map(repr, map(shown, run.findings)))


WORKERS = """
import threading
class Account:
    def __init__(self):
        self.balance = 0
        self.lock = threading.Lock()
account = Account()
private = {}
def work():
    mine = Account()
    for number in range(20):
        mine.balance += 1
        private[threading.get_ident()] = number
        with account.lock:
            account.balance += 1
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(account.balance)
"""


def traced(run_raceway: RunRaceway, *options: str, source: str = WORKERS) -> Path:
    """The trace of a program."""
    trace = run_raceway.directory / "trace.jsonl"
    trace.unlink(missing_ok=True)
    run = run_raceway(*options, "--trace", trace, run_raceway.write("app.py", source), json_report=False)
    assert run.status == 0, run.stderr
    return trace


def test_events_keep_the_protocol_and_their_order(run_raceway: RunRaceway, core: str) -> None:
    lines = traced(run_raceway, "--core", core).read_bytes().splitlines()
    events = check_body(b'{"events":[' + b",".join(lines) + b"]}")
    check_flows(events)
    kinds = {name for event in events for name in event["kind"]}
    assert {"LockAcquire", "LockRelease", "AsyncSpawn", "AsyncAwait", "StateChange"} <= kinds
    assert len({event["trace_id"] for event in events}) == 1
    assert len({event["metadata"]["thread_id"] for event in events}) == 4, "main and three workers, no thread of ours"


def test_counts_of_a_flow_rise_but_for_what_is_told_late(run_raceway: RunRaceway, core: str) -> None:
    newest: dict[str, int] = {}
    for event in read_events(traced(run_raceway, "--core", core)):
        if not event.metadata.tags.get("access", "").endswith("late"):
            component, count = event.causality_vector[0]
            assert count > newest.get(component, -1)
            newest[component] = count


def test_what_one_actor_has_to_itself_stays_at_home(run_raceway: RunRaceway, core: str) -> None:
    def writes(*options: str) -> int:
        changes = [event.kind.StateChange for event in read_events(traced(run_raceway, "--core", core, *options))]
        return sum(change is not None and change.location == "app.py:12" for change in changes)

    assert writes() == 0
    assert writes("--events", "full") > 20


def test_everything_about_a_shared_access_is_said(run_raceway: RunRaceway, core: str) -> None:
    events = read_events(traced(run_raceway, "--core", core))
    where = ("Account.balance", "app.py:15", "Write")
    changes = [(event, event.kind.StateChange) for event in events if event.kind.StateChange]
    balance = [event for event, told in changes if (told.variable, told.location, told.access_type) == where]
    found = [told.old_value for event, told in changes if event in balance and told.old_value is not None]
    assert found == sorted(found)
    assert len(balance) > 40, "of what the first thread did before the second came, the last write"
    locks = {event.kind.LockAcquire.lock_id for event in events if event.kind.LockAcquire is not None}
    assert {event.lock_set for event in balance} == {(lock,) for lock in locks}
    actors = {event.metadata.tags["actor"] for event in balance}
    assert actors == {f"Thread-{number} (work)" for number in (1, 2, 3)}


def test_a_trace_is_read_back_whatever_hand_made_events_are_in_it(run_raceway: RunRaceway) -> None:
    events = read_events(traced(run_raceway))
    from tests.pipeline.samples import changes

    assert len(records_of([*changes(3), *events])) == len(records_of(events))


def test_a_program_sees_no_thread_of_ours(run_raceway: RunRaceway, core: str) -> None:
    program = run_raceway.write(
        "app.py",
        "import threading\nprint(threading.active_count(), threading.enumerate() == [threading.main_thread()])",
    )
    run = run_raceway("--core", core, "--trace", run_raceway.directory / "trace.jsonl", program)
    assert run.stdout == "1 True\n"
    assert run.report["summary"]["actors"] == 1


def test_without_the_options_nothing_of_it_is_imported(run_raceway: RunRaceway) -> None:
    source = "import sys\nprint([name for name in sys.modules if 'pipeline' in name or name in ('msgspec', 'httpx')])"
    assert run_raceway(run_raceway.write("app.py", source), json_report=False).stdout == "[]\n"


FORKING = """
import multiprocessing, os, sys, threading
shared = []
def work():
    shared.append(1)
def two():
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
two()
if (child := os.fork()) == 0:
    two()
    sys.exit(0)
os.waitpid(child, 0)
process = multiprocessing.get_context("fork").Process(target=two)
process.start()
process.join()
"""


def test_all_sides_of_a_fork_write_whole_events(run_raceway: RunRaceway, core: str) -> None:
    lines = traced(run_raceway, "--core", core, source=FORKING).read_bytes().splitlines()
    events = check_body(b'{"events":[' + b",".join(lines) + b"]}")
    per_process: dict[int, list[dict[str, Any]]] = {}
    for event in events:
        per_process.setdefault(event["metadata"]["process_id"], []).append(event)
    assert len(per_process) == 3
    for process, own in per_process.items():
        assert any("StateChange" in event["kind"] for event in own), process
        check_flows(own)
        assert len({event["trace_id"] for event in own}) == 1
    assert len({event["trace_id"] for event in events}) == 3


ENDING = """
import os, signal, sys, threading
lock = threading.Lock()
def work():
    with lock:
        pass
thread = threading.Thread(target=work)
thread.start()
thread.join()
{ending}
"""


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("sys.exit(3)", 3),
        ("os._exit(4)", 4),
        ("os.kill(os.getpid(), signal.SIGTERM); signal.pause()", -signal.SIGTERM),
        ("os.execv(sys.executable, [sys.executable, '-c', 'pass'])", 0),
    ],
)
def test_however_a_run_ends_its_events_are_written(
    run_raceway: RunRaceway, core: str, ending: str, status: int
) -> None:
    trace = run_raceway.directory / "trace.jsonl"
    program = run_raceway.write("app.py", ENDING.format(ending=ending))
    run = run_raceway("--core", core, "--trace", trace, program, json_report=False)
    assert run.status == status, run.stderr
    kinds = [event.kind.name for event in read_events(trace)]
    assert [kind for kind in kinds if kind in ("AsyncSpawn", "AsyncAwait")][:2] == ["AsyncSpawn", "AsyncAwait"]
    assert kinds.count("LockAcquire") == kinds.count("LockRelease") >= 1
    assert kinds[-1] == "Custom", "the facts of the run"


def test_a_turn_ends_with_the_last_row_that_was_told() -> None:
    names: list[Told] = [ToldEdge(Verb.NAME, 0, 0, 0, 7, "lock")]
    uses: list[Told] = [ToldEdge(verb, 0, 1, 0, 7) for verb in (Verb.TAKEN, Verb.FREED)]
    told = [names * (AT_ONCE + 1), uses * AT_ONCE, []]
    places = Places(str, lambda _site: Function("", "", "", 0), lambda _stack: ())
    converter = Converter(Origin(new_uuid(), "s", "i", "test", 1), lambda: told.pop(0), places)
    assert [len(converter()) for _ in range(3)] == [AT_ONCE, AT_ONCE, 0]
