"""Locks of anyio on loops of asyncio, which are anyio's own; all else of it is asyncio's and trio's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from tests.sync.recording import FakeRecorder


@pytest.mark.parametrize("make", [anyio.Lock, lambda: anyio.Semaphore(1), lambda: anyio.CapacityLimiter(1)])
def test_who_gives_back_a_lock_wakes_nobody(recorder: FakeRecorder, make: Callable[[], Any]) -> None:
    async def other(lock: Any) -> None:
        async with lock:
            pass

    async def main() -> None:
        lock = make()
        async with lock:
            task = asyncio.create_task(other(lock))
            await asyncio.sleep(0)
        recorder.tasks.log.append(("given back", 0, 0))
        await task

    asyncio.run(main())
    log = recorder.tasks.log
    assert ("wake", 2, 1) not in log[: log.index(("given back", 0, 0))]


def test_a_lock_is_held_by_who_has_it_and_passes_to_who_waits(recorder: FakeRecorder) -> None:
    holders: list[tuple[str, int]] = []

    def noting(verb: str) -> Callable[..., None]:
        return lambda _lock, _waits=True: holders.append((verb, recorder.tasks.current()))

    async def other(lock: anyio.Lock) -> None:
        async with lock:
            pass

    async def main() -> None:
        lock = anyio.Lock()
        assert list(recorder.places.values())[-1][0] == __file__
        recorder.lock_taken, recorder.lock_freed = noting("taken"), noting("freed")  # type: ignore[method-assign]
        async with lock:
            task = asyncio.create_task(other(lock))
            await asyncio.sleep(0)
        await task
        del recorder.lock_taken, recorder.lock_freed

    asyncio.run(main())
    assert holders == [("taken", 1), ("freed", 1), ("taken", 2), ("freed", 2)]
