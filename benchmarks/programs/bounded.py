"""Memory: very many accesses to a bounded set of live objects by two threads; memory must stay where it is.

`--accesses` says how many reads and writes there are in all. The resident set is sampled 20 times on the way.
"""

from __future__ import annotations

import math
import threading
import time

from benchmarks.programs.measuring import parser, peak_mb, tell

OBJECTS = 1_000
SAMPLES = 20
SIZES = {"tiny": 480_000, "small": 960_000, "full": 100_000_000}
PER_OBJECT = 9
"""The least number of accesses that a visit of an object counts for; the pure core counts 12."""


class Cell:
    """One of the live objects: attributes, a list and a dictionary, guarded by the lock of its block."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.visits = 0
        self.row = [0, 0]
        self.marks = {"odd": 0}

    def turn(self) -> None:
        """Updates and stores of attributes and items."""
        self.visits += 1
        self.row[0] += self.number
        self.row[1] = self.visits
        self.marks["odd"] += 1


class Block:
    """Objects that are visited under one lock."""

    def __init__(self, cells: list[Cell]) -> None:
        self.lock = threading.Lock()
        self.cells = cells

    def turn(self) -> None:
        """Visit every object once."""
        with self.lock:
            for cell in self.cells:
                cell.turn()


def resident_mb() -> float:
    """Memory that is resident now; its peak where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
    except OSError:
        return peak_mb()


def visit(blocks: list[Block], turns: int) -> None:
    """What the second thread does."""
    for _ in range(turns):
        for block in blocks:
            block.turn()


def run(accesses: int) -> list[float]:
    """Make the accesses, in steps; gives memory after each step."""
    blocks = [Block([Cell(number) for number in range(100)]) for _ in range(OBJECTS // 100)]
    turns = math.ceil(accesses / (2 * SAMPLES * OBJECTS * PER_OBJECT))
    samples = []
    for _ in range(SAMPLES):
        other = threading.Thread(target=visit, args=(blocks, turns))
        other.start()
        visit(blocks, turns)
        other.join()
        samples.append(resident_mb())
    return samples


def main() -> None:
    """The whole program."""
    command = parser(__doc__)
    command.add_argument("--accesses", type=int, help="how many; by default as many as the size says")
    options = command.parse_args()
    began, cpu = time.perf_counter(), time.process_time()
    samples = [] if options.dry else run(options.accesses or SIZES[options.size])
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - began
    tell({"cpu_s": cpu_s, "wall_s": wall_s, "peak_mb": peak_mb(), "samples": samples})


if __name__ == "__main__":
    main()
