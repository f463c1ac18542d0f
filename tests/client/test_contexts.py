"""Concurrent flows are actors of their own, with clocks that say what they inherited and what they waited for."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from raceway import RacewayClient, create_context, get_context, raceway_context, set_context
from raceway.client.context import current
from tests.client.collecting import Captured, before, component
from tests.conftest import ROOT, clean_environ


def check_two_flows(captured: Captured) -> None:
    """Two flows between a start and an end told `first`, `flow` twice each, and `last`."""
    (first,), flows, (last,) = captured.changes("first"), captured.changes("flow"), captured.changes("last")
    assert len(flows) == 4
    actors = {component(event) for event in flows}
    assert len(actors) == 2
    assert all(name.startswith("svc#i1#") and name.rpartition("#")[2].isdigit() for name in actors)
    one, other = ([event for event in flows if component(event) == name] for name in actors)
    assert before(one[0], one[1])
    assert before(other[0], other[1])
    assert not any(before(a, b) or before(b, a) for a in one for b in other)
    assert all(before(first, event) and before(event, last) for event in flows)
    seen: set[str | None] = {None}
    for event in captured:
        assert event.parent_id in seen
        seen.add(event.id)


def tell(client: RacewayClient, name: str) -> None:
    client.track_state_change(name, None, 1, "Write")


def test_threads(client: RacewayClient, captured: Captured, trace: str) -> None:
    def flow() -> None:
        tell(client, "flow")
        tell(client, "flow")

    tell(client, "first")
    threads = [threading.Thread(target=flow) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell(client, "last")
    check_two_flows(captured)


def test_a_thread_begins_where_it_was_started(client: RacewayClient, captured: Captured, trace: str) -> None:
    go, done = threading.Event(), threading.Event()

    def flow() -> None:
        go.wait()
        tell(client, "child")
        done.set()

    thread = threading.Thread(target=flow)
    thread.start()
    tell(client, "parent")
    go.set()
    done.wait()
    thread.join()
    (child,), (parent,) = captured.changes("child"), captured.changes("parent")
    assert not before(parent, child)
    assert not before(child, parent)


def test_jobs_of_a_pool(client: RacewayClient, captured: Captured, trace: str) -> None:
    def flow() -> None:
        tell(client, "flow")
        tell(client, "flow")

    tell(client, "first")
    with ThreadPoolExecutor(1) as pool:
        for future in [pool.submit(flow), pool.submit(flow)]:
            future.result()
        with pytest.raises(ZeroDivisionError) as caught:
            pool.submit(lambda: 1 // 0).result()
    tell(client, "last")
    check_two_flows(captured)
    assert "inheritance" not in "".join(str(entry.path) for entry in caught.traceback)


def test_tasks_of_asyncio(client: RacewayClient, captured: Captured, trace: str) -> None:
    async def flow() -> None:
        tell(client, "flow")
        await asyncio.sleep(0)
        tell(client, "flow")

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(flow())
            group.create_task(flow())

    tell(client, "first")
    asyncio.run(main())
    tell(client, "last")
    check_two_flows(captured)


def test_to_thread(client: RacewayClient, captured: Captured, trace: str) -> None:
    async def main() -> None:
        tell(client, "task")
        await asyncio.to_thread(tell, client, "thread")
        tell(client, "after")

    asyncio.run(main())
    (task,), (thread,), (after,) = (captured.changes(name) for name in ("task", "thread", "after"))
    assert before(task, thread)
    assert component(task) != component(thread)
    assert before(thread, after)


@pytest.mark.parametrize("cancelled", [False, True])
def test_what_a_trace_held_goes_with_its_last_job(client: RacewayClient, cancelled: bool) -> None:
    """A job has the variables of who hands it over, and who hands it over knows of the job."""
    held: contextvars.ContextVar[object] = contextvars.ContextVar("held")
    gate = threading.Event()

    class Body:
        """Something large that a request keeps in a variable."""

    async def request() -> weakref.ref[Body]:
        client.start_trace()
        held.set(body := Body())
        tell(client, "before")
        if not cancelled:
            await asyncio.to_thread(tell, client, "thread")
            return weakref.ref(body)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as executor:
            busy = loop.run_in_executor(executor, gate.wait)
            waiting = loop.run_in_executor(executor, functools.partial(contextvars.copy_context().run, int))
            waiting.cancel()
            gate.set()
            await busy
        return weakref.ref(body)

    body = asyncio.run(request())
    assert client.flush(20)
    gc.collect()
    assert body() is None


def test_threads_that_tasks_wait_for(client: RacewayClient, captured: Captured) -> None:
    import anyio
    import trio

    async def main(run: Callable[..., Any]) -> None:
        client.start_trace()
        tell(client, "task")
        await run(tell, client, "thread")
        with pytest.raises(ZeroDivisionError) as caught:
            await run(failing)
        assert not [entry for entry in caught.traceback if "raceway/client" in str(entry.path)]
        tell(client, "after")

    def failing() -> None:
        tell(client, "failing")
        raise ZeroDivisionError

    client.start_trace()  # what is imported by now is followed
    ways: list[Callable[[], Any]] = [
        lambda: anyio.run(main, anyio.to_thread.run_sync),
        lambda: anyio.run(main, anyio.to_thread.run_sync, backend="trio"),
        lambda: trio.run(main, trio.to_thread.run_sync),
    ]
    if sys.version_info < (3, 12):
        import curio

        client.start_trace()
        ways.append(lambda: curio.run(main, curio.run_in_thread))
    for way in ways:
        way()
    names = ("task", "thread", "failing", "after")
    for events in zip(*(captured.changes(name) for name in names), strict=True):
        assert all(before(earlier, later) for earlier, later in pairwise(events))
        assert len({component(event) for event in events}) == 3
    assert len(captured.changes("task")) == len(ways)


def test_jobs_of_an_event_loop(client: RacewayClient, captured: Captured, trace: str) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def job() -> None:
        tell(client, "job")
        asked.set()
        assert go_on.wait(30)
        tell(client, "job")

    async def coroutine() -> None:
        raise AssertionError("not called")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_debug(True)
        running = loop.run_in_executor(None, job)
        assert asked.wait(30)
        tell(client, "meanwhile")
        go_on.set()
        await running
        tell(client, "after")
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, lambda: 1 // 0)
        with pytest.raises(TypeError, match="coroutines cannot be used"):
            loop.run_in_executor(None, coroutine)

    asyncio.run(main())
    (first, second), (meanwhile,), (after,) = map(captured.changes, ("job", "meanwhile", "after"))
    assert component(first) == component(second) != component(meanwhile) == component(after)
    assert not before(first, meanwhile)
    assert not before(meanwhile, second)
    assert before(second, after)


def test_tasks_of_trio(client: RacewayClient, captured: Captured, trace: str) -> None:
    import trio

    async def flow() -> None:
        tell(client, "flow")
        await trio.lowlevel.checkpoint()
        tell(client, "flow")

    async def main() -> None:
        tell(client, "first")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(flow)
            nursery.start_soon(flow)
        tell(client, "last")

    trio.run(main)
    check_two_flows(captured)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="curio asks for names of multiprocessing that 3.12 has not")
def test_tasks_of_curio(client: RacewayClient, captured: Captured) -> None:
    import curio

    async def flow() -> None:
        tell(client, "flow")
        await curio.sleep(0)
        tell(client, "flow")

    async def main() -> None:
        client.start_trace()
        tell(client, "first")
        tasks = [await curio.spawn(flow) for _ in range(2)]
        for task in tasks:
            await task.join()
        tell(client, "last")

    curio.run(main)
    check_two_flows(captured)


def test_clocks_are_monotonic_in_copies_of_the_variables(client: RacewayClient, captured: Captured, trace: str) -> None:
    for _ in range(3):
        contextvars.copy_context().run(tell, client, "a")
        tell(client, "a")
    assert [event.causality_vector[-1][1] for event in captured] == [1, 2, 3, 4, 5, 6]


def test_a_context_can_be_handed_over(client: RacewayClient, captured: Captured, trace: str) -> None:
    tell(client, "first")
    context = get_context()
    set_context(None)
    assert get_context() is None

    def flow() -> None:
        set_context(context)
        tell(client, "flow")

    thread = threading.Thread(target=flow)
    thread.start()
    thread.join()
    (first,), (flow_event,) = captured.changes("first"), captured.changes("flow")
    assert before(first, flow_event)
    assert component(first) != component(flow_event)
    assert context is not None
    assert context.trace_id == trace


def test_raceway_context_around_everything(client: RacewayClient) -> None:
    @raceway_context
    def plain() -> Any:
        return current()

    @raceway_context()
    async def coroutine() -> Any:
        return current()

    @raceway_context
    def generator() -> Any:
        yield current()

    outer = create_context()
    found = [plain(), asyncio.run(coroutine()), *generator()]
    with raceway_context() as inner:
        assert get_context() == inner
    assert len({one.trace_id for one in [outer, inner, *found]}) == 5
    assert get_context() is not None
    assert get_context().trace_id == outer.trace_id  # type: ignore[union-attr]


def test_a_forked_child_is_an_actor_of_its_own(tmp_path: Any) -> None:
    program = f"""
import os
from raceway import RacewayClient, Config
from raceway.pipeline.files import FileSink
settings = Config(service_name="svc", instance_id="i1")
client = RacewayClient(settings, sinks=[FileSink({str(tmp_path / "events.jsonl")!r})])
client.start_trace()
client.track_state_change("parent", None, 1, "Write")
child = os.fork()
client.track_state_change("child" if not child else "after", None, 1, "Write")
client.shutdown()
if child:
    os.waitpid(child, 0)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, cwd=ROOT, env=clean_environ())
    import msgspec

    from raceway.model.events import Event

    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    events = {e.kind.StateChange.variable: e for e in map(msgspec.json.Decoder(Event).decode, lines)}  # type: ignore[union-attr]
    assert events["parent"].metadata.process_id == events["after"].metadata.process_id != os.getpid()
    assert events["child"].metadata.process_id != events["parent"].metadata.process_id
    assert before(events["parent"], events["child"])
    assert component(events["child"]) != component(events["after"])
    assert len({event.id for event in events.values()}) == 3


def test_nothing_is_left_patched() -> None:
    program = """
import threading, asyncio
from concurrent.futures import Future, ThreadPoolExecutor
def seen():
    starts = getattr(threading, '_start_joinable_thread', None) or threading._start_new_thread
    return [threading.Thread.join, threading.Thread._delete, starts, Future.result,
            ThreadPoolExecutor.submit, asyncio.BaseEventLoop.create_task]
before = seen()
from raceway import RacewayClient
client = RacewayClient(sinks=[])
client.start_trace()
assert all(a is not b for a, b in zip(before, seen()))
client.shutdown()
assert all(a is b for a, b in zip(before, seen()))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, cwd=ROOT, env=clean_environ())
