"""Loops of uvloop: their tasks and callbacks are told as those of asyncio, and handed on functions look as they did."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.sync.recording import FakeRecorder

uvloop = pytest.importorskip("uvloop", reason="uvloop is not there for this interpreter")


def ran(recorder: FakeRecorder, main: Coroutine[Any, Any, object]) -> list[tuple[str, int, int]]:
    """What the tasks did while a loop ran `main`, as task 1, without what the loop does at its end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
    assert recorder.tasks.current() == 0
    log: list[tuple[str, int, int]] = recorder.tasks.log
    return log[: log.index(("done", 1, 0)) + 1]


def test_a_task_is_made_by_a_task_and_runs_until_it_is_done(recorder: FakeRecorder) -> None:
    async def child() -> int:
        return int(recorder.tasks.current())

    async def main() -> None:
        assert recorder.tasks.current() == 1
        assert await asyncio.create_task(child(), name="child") == 2
        assert recorder.tasks.current() == 1

    log = ran(recorder, main())
    assert log[:6] == [
        ("task", 1, 0),
        ("resume", 1, 0),
        ("task", 2, 1),
        ("resume", 0, 1),
        ("suspend", 1, 0),
        ("resume", 2, 0),
    ]
    assert ("done", 2, 0) in log
    assert recorder.tasks.names[2] == "task"
    assert recorder.names[2] == "child"


def test_who_sets_a_result_wakes_and_who_frees_a_lock_does_not(recorder: FakeRecorder) -> None:
    async def setter(future: asyncio.Future[None]) -> None:
        future.set_result(None)

    async def other(lock: asyncio.Lock) -> None:
        async with lock:
            await asyncio.sleep(0)

    async def main() -> None:
        future, lock = asyncio.get_running_loop().create_future(), asyncio.Lock()
        task = asyncio.create_task(setter(future))
        await future
        await task
        task = asyncio.create_task(other(lock))
        await asyncio.sleep(0)
        async with lock:
            pass
        await task

    log = ran(recorder, main())
    assert ("wake", 1, 2) in log
    assert ("wake", 1, 3) not in log[: log.index(("done", 3, 0))]


def test_timers_and_readers_are_callbacks_of_who_asked_for_them(recorder: FakeRecorder) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for wait in (loop.call_later, loop.call_at):
            future = loop.create_future()
            wait(0.001, future.set_result, None)
            await future

    log = ran(recorder, main())
    callbacks = [serial for verb, serial, by in log if (verb, by) == ("callback", 1)]
    assert [recorder.tasks.names[serial] for serial in callbacks] == ["callback set_result"] * 2
    assert all(("wake", 1, serial) in log for serial in callbacks)


def test_a_call_from_another_thread_comes_after_what_was_before_it(recorder: FakeRecorder) -> None:
    def outside(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
        recorder.mark("outside")
        loop.call_soon_threadsafe(done.set)

    async def main() -> None:
        done = asyncio.Event()
        thread = threading.Thread(target=outside, args=(asyncio.get_running_loop(), done))
        thread.start()
        await done.wait()
        recorder.mark("told")
        thread.join()

    ran(recorder, main())
    assert recorder.before("outside", "told")


def test_a_failing_callback_is_reported_as_it_would_be(recorder: FakeRecorder) -> None:
    told: list[dict[str, Any]] = []

    def fails() -> None:
        raise LookupError("meant")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: told.append(context))
        loop.call_soon(fails)
        with pytest.raises(TypeError, match="positional argument"):
            loop.call_soon()  # type: ignore[call-arg]
        await asyncio.sleep(0)

    ran(recorder, main())
    assert told[0]["message"] == f"Exception in callback {fails!r}"
    trace = traceback.extract_tb(told[0]["exception"].__traceback__)
    assert trace[-1].name == "fails"
    assert not any("raceway/sync" in frame.filename for frame in trace)


def test_the_methods_of_loops_are_put_back() -> None:
    from tests.sync.recording import watched

    before = dict(vars(uvloop.Loop))
    with watched():
        assert vars(uvloop.Loop)["call_soon"].__doc__ == uvloop.loop.Loop.call_soon.__doc__
    assert dict(vars(uvloop.Loop)) == before
