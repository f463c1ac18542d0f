"""Event loops of asyncio: which tasks and callbacks they run, who made them, and who woke whom."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.sync.recording import FakeRecorder, FakeTasks


def ran(recorder: FakeRecorder, main: Coroutine[Any, Any, object]) -> list[tuple[str, int, int]]:
    """What the tasks did while a loop ran `main`, as task 1, without what the loop does at its end."""
    asyncio.run(main)
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
    assert recorder.tasks.current() == 0


def test_who_sets_a_result_wakes_the_task(recorder: FakeRecorder) -> None:
    async def setter(future: asyncio.Future[None]) -> None:
        future.set_result(None)

    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(setter(future))
        await future
        await task

    assert ("wake", 1, 2) in ran(recorder, main())


def test_who_frees_a_lock_wakes_nobody(recorder: FakeRecorder) -> None:
    async def other(lock: asyncio.Lock | asyncio.Semaphore) -> None:
        async with lock:
            await asyncio.sleep(0)

    async def main(lock: asyncio.Lock | asyncio.Semaphore) -> None:
        task = asyncio.create_task(other(lock))
        await asyncio.sleep(0)
        async with lock:
            pass
        await task

    for lock in (asyncio.Lock(), asyncio.Semaphore(1)):
        assert ("wake", 1, 2) not in ran(recorder, main(lock))
        recorder.tasks = FakeTasks(recorder)


def test_a_callback_is_made_by_a_task_and_wakes_for_it(recorder: FakeRecorder) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_later(0.001, future.set_result, None)
        await future

    log = ran(recorder, main())
    callback = next(task for verb, task, parent in log if (verb, parent) == ("callback", 1))
    assert ("wake", 1, callback) in log
    assert recorder.tasks.names[callback] == "callback set_result"


def test_a_step_that_raises_out_of_the_loop_ends_like_any(recorder: FakeRecorder) -> None:
    async def main() -> None:
        raise KeyboardInterrupt

    try:
        asyncio.run(main())
    except KeyboardInterrupt as error:
        frames = []
        trace = error.__traceback__
        while trace is not None:
            frames.append(trace.tb_frame.f_code.co_filename)
            trace = trace.tb_next
        assert not any("raceway/sync" in name for name in frames)
    assert ("done", 1, 0) in recorder.tasks.log
    assert recorder.tasks.current() == 0


def test_a_lock_is_held_by_who_took_it(recorder: FakeRecorder) -> None:
    lock = asyncio.Lock()

    async def main() -> None:
        async with lock:
            assert lock.locked()
        assert not lock.locked()

    asyncio.run(main())
    verbs = [(verb, recorder.kinds[arguments[0]]) for verb, _actor, arguments in recorder.log if "lock" in verb]
    assert verbs == [("lock_taken", "lock"), ("lock_freed", "lock")]
