"""Tasks of event loops in the automatic stream: events say for which task they were, and tasks are told of as such."""

from __future__ import annotations

from tests.conftest import RunRaceway
from tests.pipeline.protocol import check_body, check_flows
from tests.pipeline.replaying import read_events

PROGRAM = """
import asyncio

class Shared:
    level = 0

shared = Shared()

async def child(number):
    shared.level = number
    await asyncio.sleep(0)
    shared.level += 1

async def idle():
    await asyncio.sleep(0)

async def main():
    shared.level = 1
    first = asyncio.create_task(child(10), name="first \\"quoted\\"")
    await first
    async with asyncio.TaskGroup() as group:
        group.create_task(child(20), name="second")
        group.create_task(idle(), name="idle")
    shared.level = 2

asyncio.run(main())
shared.level = 3
"""


def test_events_say_for_which_task_they_were(run_raceway: RunRaceway, core: str) -> None:
    trace = run_raceway.directory / "trace.jsonl"
    program = run_raceway.write("app.py", PROGRAM)
    run = run_raceway("--core", core, "--events", "full", "--fail-on", "never", "--trace", trace, program)
    assert run.status == 0, run.stderr
    check_flows(check_body(b'{"events":[' + b",".join(trace.read_bytes().splitlines()) + b"]}"))
    events = [event for event in read_events(trace) if event.metadata.tags["actor"] == "MainThread"]
    assert len({event.metadata.thread_id for event in events}) == 1, "one thread does it all"

    stores = [
        (event.metadata.tags.get("task"), event.kind.StateChange.location)
        for event in events
        if event.kind.StateChange and event.kind.StateChange.variable == "Shared.level"
        and event.kind.StateChange.access_type == "Write"
    ]  # fmt: skip
    quoted = 'first "quoted"'
    assert [place.partition(":")[2] for _, place in stores] == ["18", "10", "12", "10", "12", "24", "27"]
    assert [task for task, _ in stores] == ["Task-1", quoted, quoted, "second", "second", "Task-1", None]

    tags = [event.metadata.tags for event in events]
    names = {one["task_id"]: one["task"] for one in tags if "task" in one}
    assert sorted(names.values()) == ["Task-1", quoted, "second"]
    spawned = [event.kind.AsyncSpawn for event in events if event.kind.AsyncSpawn and "starts" in event.metadata.tags]
    assert [(names[one.task_id], one.spawned_by) for one in spawned] == [
        ("Task-1", "MainThread"), (quoted, "Task-1"), ("second", "Task-1"),
    ]  # fmt: skip
    awaited = [event.kind.AsyncAwait for event in events if event.kind.AsyncAwait and "starts" in event.metadata.tags]
    assert [(names[one.future_id], one.awaited_at) for one in awaited] == [
        (quoted, "Task-1"), ("second", "Task-1"), ("Task-1", "MainThread"),
    ]  # fmt: skip
