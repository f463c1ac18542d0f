"""Trio: the tasks of its loops, who made and who woke them, what locks they hold, and what its threads are handed."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import hypothesis  # noqa: F401  it takes trio's random numbers when both are there: while it can see whose they are
import pytest
import trio
import trio.testing

from raceway import sync
from raceway.sync import eventloops, triotasks
from tests.sync.recording import FakeRecorder, FakeTasks

Entry = tuple[str, int, int]


@pytest.fixture(autouse=True)
def no_threads_stay(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The threads that trio keeps for later end with each test."""
    monkeypatch.setattr(trio._core._thread_cache, "IDLE_TIMEOUT", 0.01)
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(20)


def ran(recorder: FakeRecorder, main: Callable[[], Awaitable[object]]) -> dict[str, int]:
    """Run `main`; the serials of its tasks by their names, without modules and `<locals>`."""
    recorder.tasks = FakeTasks(recorder)
    trio.run(main)
    assert recorder.tasks.current() == 0
    return {name.rpartition(".")[2]: serial for serial, name in recorder.tasks.names.items()}


async def after_others(work: Callable[[], object]) -> None:
    """Do something once everybody else waits."""
    await trio.testing.wait_all_tasks_blocked()
    work()


def test_a_task_is_made_by_a_task_and_runs_until_it_is_done(recorder: FakeRecorder) -> None:
    seen: list[int] = []

    async def child() -> None:
        seen.append(recorder.tasks.current())
        await trio.sleep(0)
        seen.append(recorder.tasks.current())

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)

    named = ran(recorder, main)
    log: list[Entry] = recorder.tasks.log
    assert seen == [named["child"]] * 2
    assert ("task", named["child"], named["main"]) in log
    assert [entry for entry in log if entry[1] == named["child"] and entry[0] != "wake"] == [
        ("task", named["child"], named["main"]),
        ("resume", named["child"], 0),
        ("suspend", named["child"], 0),
        ("resume", named["child"], 0),
        ("done", named["child"], 0),
    ]
    assert ("wake", named["main"], named["child"]) in log
    assert len(eventloops.tasks) == 0


def test_an_event_an_item_and_a_notification_wake(recorder: FakeRecorder) -> None:
    async def main() -> None:
        event, condition = trio.Event(), trio.Condition()
        sender, receiver = trio.open_memory_channel[int](0)

        async def of_event() -> None:
            await event.wait()

        async def of_item() -> None:
            await receiver.receive()

        async def of_condition() -> None:
            async with condition:
                await condition.wait()

        async with trio.open_nursery() as nursery:
            for waiter in (of_event, of_item, of_condition):
                nursery.start_soon(waiter)
            await after_others(event.set)
            await sender.send(1)
            async with condition:
                condition.notify_all()

    named = ran(recorder, main)
    for waiter in ("of_event", "of_item", "of_condition"):
        assert ("wake", named[waiter], named["main"]) in recorder.tasks.log


@pytest.mark.parametrize("make", [trio.Lock, lambda: trio.Semaphore(1), lambda: trio.CapacityLimiter(1)])
def test_who_gives_back_a_lock_wakes_nobody(recorder: FakeRecorder, make: Callable[[], Any]) -> None:
    async def main() -> None:
        lock = make()

        async def other() -> None:
            async with lock:
                pass

        async with trio.open_nursery() as nursery:
            async with lock:
                nursery.start_soon(other)
                await trio.testing.wait_all_tasks_blocked()
            recorder.tasks.log.append(("given back", 0, 0))

    named = ran(recorder, main)
    log: list[Entry] = recorder.tasks.log
    assert ("wake", named["other"], named["main"]) not in log[: log.index(("given back", 0, 0))]


def test_a_lock_is_held_by_who_has_it_and_passes_to_who_waits(recorder: FakeRecorder) -> None:
    holders: list[tuple[str, int]] = []

    def noting(verb: str) -> Callable[..., None]:
        return lambda _lock, _waits=True: holders.append((verb, recorder.tasks.current()))

    async def main() -> None:
        lock = trio.Lock()

        async def other() -> None:
            async with lock:
                pass

        recorder.lock_taken, recorder.lock_freed = noting("taken"), noting("freed")  # type: ignore[method-assign]
        async with trio.open_nursery() as nursery, lock:
            nursery.start_soon(other)
            await trio.testing.wait_all_tasks_blocked()
        del recorder.lock_taken, recorder.lock_freed

    named = ran(recorder, main)
    main_, other_ = named["main"], named["other"]
    assert holders == [("taken", main_), ("freed", main_), ("taken", other_), ("freed", other_)]


def test_a_lock_is_named_by_the_line_that_makes_it(recorder: FakeRecorder) -> None:
    condition = trio.Condition()  # the line
    assert condition.locked() is False
    line = next(iter(recorder.places.values()))
    assert line == (__file__, test_a_lock_is_named_by_the_line_that_makes_it.__code__.co_firstlineno + 1)


def test_jobs_and_calls_are_ordered_after_who_asks_for_them(recorder: FakeRecorder) -> None:
    def work() -> None:
        recorder.mark("work")
        trio.from_thread.run_sync(lambda: recorder.mark("called"))
        recorder.mark("worked")

    def outside(token: trio.lowlevel.TrioToken, done: trio.Event) -> None:
        recorder.mark("outside")
        token.run_sync_soon(done.set)

    async def main() -> None:
        recorder.mark("main")
        await trio.to_thread.run_sync(work)
        recorder.mark("end")
        done = trio.Event()
        thread = threading.Thread(target=outside, args=(trio.lowlevel.current_trio_token(), done))
        thread.start()
        await done.wait()
        recorder.mark("told")
        thread.join()

    ran(recorder, main)
    way = ["main", "work", "called", "worked", "end"]
    assert all(recorder.before(first, second) for first, second in itertools.pairwise(way))
    assert recorder.before("outside", "told")


def test_two_jobs_are_not_ordered_by_the_cache_of_threads(recorder: FakeRecorder) -> None:
    together = threading.Barrier(2)  # what it orders is before the marks

    def work(label: str) -> None:
        together.wait(20)
        recorder.mark(label)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for label in ("one", "two"):
                nursery.start_soon(trio.to_thread.run_sync, work, label)

    ran(recorder, main)
    assert not recorder.before("one", "two")
    assert not recorder.before("two", "one")


def test_a_failing_call_shows_no_frame_of_ours(recorder: FakeRecorder) -> None:
    def fails() -> None:
        raise LookupError("meant")

    async def in_thread() -> None:
        await trio.to_thread.run_sync(fails)

    async def in_loop() -> None:
        trio.lowlevel.current_trio_token().run_sync_soon(fails)
        await trio.sleep_forever()

    for main in (in_thread, in_loop):
        with pytest.raises((LookupError, trio.TrioInternalError)) as caught:
            ran(recorder, main)
        error: BaseException | None = caught.value
        while error is not None and not isinstance(error, LookupError):
            error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__
        assert error is not None
        trace, files = error.__traceback__, []
        while trace is not None:
            files.append(trace.tb_frame.f_code.co_filename)
            trace = trace.tb_next
        assert not [file for file in files if "raceway/sync" in file]


def test_calls_that_are_asked_for_twice_are_made_once(recorder: FakeRecorder) -> None:
    calls: list[int] = []

    async def main() -> None:
        token = trio.lowlevel.current_trio_token()
        for _ in range(3):
            token.run_sync_soon(calls.append, 1, idempotent=True)
        await trio.testing.wait_all_tasks_blocked()

    ran(recorder, main)
    assert calls == [1]


def test_a_loop_that_outlives_the_models_goes_on_without_them(recorder: FakeRecorder) -> None:
    async def main() -> None:
        sync.uninstall()
        await trio.sleep(0)
        assert recorder.tasks.current() == 0 or recorder.tasks.resume(0)
        assert not trio._core._run.GLOBAL_RUN_CONTEXT.runner.instruments.get("before_task_step")

    ran(recorder, main)


def test_a_loop_that_breaks_in_the_middle_of_a_step_leaves_no_task_behind(recorder: FakeRecorder) -> None:
    class Thing:
        name = "stepped"

    task, loop = Thing(), Thing()
    steps = triotasks.Steps()
    steps.before_task_step(task)
    assert recorder.tasks.current() == 1
    triotasks.loops.put(loop, (weakref.ref(loop), steps))
    for _ in range(2):
        triotasks.closing(recorder, loop)
    assert recorder.tasks.log == [("task", 1, 0), ("resume", 1, 0), ("resume", 0, 1), ("done", 1, 0)]
