"""A cache that four threads share: an ordered dictionary under a reentrant lock, the oldest entry goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict

from benchmarks.programs.measuring import main

THREADS = 4
SIZES = {"tiny": 20, "small": 1_000, "full": 120_000}
"""Questions of each thread."""


class Entry:
    """A cached answer and how often it was asked for."""

    def __init__(self, answer: int) -> None:
        self.answer = answer
        self.hits = 0


class Cache:
    """The answers to the most recent questions; the lock guards all of it."""

    def __init__(self, size: int) -> None:
        self.lock = threading.RLock()
        self.size = size
        self.entries: OrderedDict[int, Entry] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def ask(self, question: int) -> int:
        """The answer, from the cache when it is there."""
        with self.lock:
            entry = self.entries.get(question)
            if entry is None:
                entry = self._learn(question)
            else:
                self.hits += 1
                entry.hits += 1
                self.entries.move_to_end(question)
            return entry.answer

    def _learn(self, question: int) -> Entry:
        with self.lock:
            self.misses += 1
            entry = self.entries[question] = Entry(question * question)
            if len(self.entries) > self.size:
                self.entries.popitem(last=False)
            return entry


def ask(cache: Cache, start: int, questions: int) -> None:
    """What one thread does: mostly it asks what others have just asked."""
    for number in range(questions):
        question = (start + number * 7) % (96 if number % 8 else 4096)
        assert cache.ask(question) == question * question


def work(questions: int) -> None:
    """Run the threads."""
    cache = Cache(128)
    threads = [threading.Thread(target=ask, args=(cache, start, questions)) for start in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.hits + cache.misses == THREADS * questions


if __name__ == "__main__":
    main(work, SIZES, __doc__)
