"""Lock-heavy: four threads count in shared objects, every step under a lock.

Nine steps of ten take a lock of their thread's own, as most locks are mostly taken; one of ten takes a shared one.
"""

from __future__ import annotations

import threading

from benchmarks.programs.measuring import main

THREADS = 4
SIZES = {"tiny": 20, "small": 2_000, "full": 300_000}
"""Steps of each thread."""


class Counter:
    """A count that its lock guards."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.value = 0
        self.by_remainder = dict.fromkeys(range(16), 0)

    def add(self, step: int) -> None:
        """Count one step."""
        with self.lock:
            self.value += 1
            self.by_remainder[step % 16] += 1


def count(own: Counter, shared: Counter, steps: int) -> None:
    """What one thread does."""
    for step in range(steps):
        if step % 10:
            own.add(step)
        else:
            shared.add(step)


def work(steps: int) -> None:
    """Run the threads; what they counted must add up."""
    shared = Counter()
    counters = [Counter() for _ in range(THREADS)]
    threads = [threading.Thread(target=count, args=(own, shared, steps)) for own in counters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.value + sum(own.value for own in counters) == THREADS * steps


if __name__ == "__main__":
    main(work, SIZES, __doc__)
