"""Tasks in turn: many workers that share counters, a bounded queue between two tasks, and a lock that all want."""

from __future__ import annotations

import asyncio

from benchmarks.programs.measuring import main

WORKERS = 100
SIZES = {"tiny": 1, "small": 10, "full": 1500}
"""Rounds of each worker."""


class Office:
    """What the tasks share."""

    def __init__(self) -> None:
        self.done = 0
        self.stock: dict[int, int] = {}
        self.lock = asyncio.Lock()

    async def work(self, number: int, rounds: int) -> None:
        """Count rounds, with others in between."""
        for _ in range(rounds):
            self.done += 1
            self.stock[number] = self.stock.get(number, 0) + 1
            await asyncio.sleep(0)

    async def move(self, rounds: int) -> None:
        """Change two entries together, over an await, under the lock."""
        for _ in range(rounds):
            async with self.lock:
                moved = self.stock.get(-1, 0)
                await asyncio.sleep(0)
                self.stock[-1] = moved + 1


async def produce(orders: asyncio.Queue[int | None], count: int) -> None:
    """Make orders, then say that there are no more."""
    for number in range(count):
        await orders.put(number)
    await orders.put(None)


async def consume(orders: asyncio.Queue[int | None]) -> int:
    """Add up the orders."""
    total = 0
    while (number := await orders.get()) is not None:
        total += number
    return total


async def run(rounds: int) -> None:
    """Run all tasks."""
    office, orders = Office(), asyncio.Queue[int | None](16)
    await asyncio.gather(*(office.work(number, rounds) for number in range(WORKERS)))
    await asyncio.gather(*(office.move(rounds) for _ in range(4)))
    _, total = await asyncio.gather(produce(orders, 20 * rounds), consume(orders))
    assert office.done == WORKERS * rounds
    assert office.stock[-1] == 4 * rounds
    assert total == sum(range(20 * rounds))


def work(rounds: int) -> None:
    """Run a loop."""
    asyncio.run(run(rounds))


if __name__ == "__main__":
    main(work, SIZES, __doc__)
