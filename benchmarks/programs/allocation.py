"""Allocation-heavy: two threads make small objects, dicts and lists that are dropped at once, and share the totals."""

from __future__ import annotations

import threading

from benchmarks.programs.measuring import main

THREADS = 2
BATCH = 100
SIZES = {"tiny": 1, "small": 20, "full": 2_500}
"""Batches of each thread."""


class Point:
    """A small object with a dictionary."""

    def __init__(self, x: int, y: int) -> None:
        self.x = x
        self.y = y


class Pair:
    """A small object with slots."""

    __slots__ = ("left", "right")

    def __init__(self, left: Point, right: Point) -> None:
        self.left = left
        self.right = right


class Totals:
    """What all threads have made."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sum = 0
        self.made = 0

    def add(self, amount: int, made: int) -> None:
        """Add one batch."""
        with self.lock:
            self.sum += amount
            self.made += made


def batch() -> int:
    """Make and drop things; gives a number that depends on all of them."""
    amount = 0
    for number in range(BATCH):
        pair = Pair(Point(number, 1), Point(2, number))
        row = {"left": pair.left.x, "right": pair.right.y}
        row["both"] = row["left"] + row["right"]
        cells = [row["both"], pair.left.y]
        cells.append(pair.right.x)
        cells[0] += 1
        amount += cells[0] + cells[1] + cells[2]
    return amount


def make(totals: Totals, batches: int) -> None:
    """What one thread does."""
    for _ in range(batches):
        totals.add(batch(), BATCH)


def work(batches: int) -> None:
    """Run the threads."""
    totals = Totals()
    threads = [threading.Thread(target=make, args=(totals, batches)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals.made == THREADS * batches * BATCH


if __name__ == "__main__":
    main(work, SIZES, __doc__)
