"""Queue-heavy: two producers hand orders to two consumers through a bounded queue, another brings answers back."""

from __future__ import annotations

import queue
import threading

from benchmarks.programs.measuring import main

PAIRS = 2
SIZES = {"tiny": 10, "small": 500, "full": 60_000}
"""Orders of each producer."""


class Order:
    """What is handed over: made by one thread, filled in by another, read by a third."""

    def __init__(self, number: int, lines: list[int]) -> None:
        self.number = number
        self.lines = lines
        self.total = 0


def produce(orders: queue.Queue[Order | None], count: int) -> None:
    """Make orders, then say that there are no more."""
    for number in range(count):
        orders.put(Order(number, [number, number + 1, number + 2]))
    orders.put(None)


def consume(orders: queue.Queue[Order | None], answers: queue.Queue[Order | None]) -> None:
    """Fill in each order and hand it on."""
    while (order := orders.get()) is not None:
        for line in order.lines:
            order.total += line
        answers.put(order)
    answers.put(None)


def work(count: int) -> None:
    """Run all threads and add up what they did."""
    orders: queue.Queue[Order | None] = queue.Queue(maxsize=64)
    answers: queue.Queue[Order | None] = queue.Queue()
    threads = [threading.Thread(target=produce, args=(orders, count)) for _ in range(PAIRS)]
    threads += [threading.Thread(target=consume, args=(orders, answers)) for _ in range(PAIRS)]
    for thread in threads:
        thread.start()
    total = ended = 0
    while ended < PAIRS:
        answer = answers.get()
        if answer is None:
            ended += 1
        else:
            total += answer.total
    for thread in threads:
        thread.join()
    assert total == PAIRS * sum(3 * number + 3 for number in range(count))


if __name__ == "__main__":
    main(work, SIZES, __doc__)
