"""Map and reduce on a thread pool: words of many texts are counted in jobs, and the counts are put together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from benchmarks.programs.measuring import main

WORKERS = 4
WORDS = "the quick brown fox jumps over the lazy dog and runs away from the angry bear".split()
SIZES = {"tiny": 4, "small": 40, "full": 5_000}
"""Texts, a job each."""


class Count:
    """How often each word came in one text or several."""

    def __init__(self) -> None:
        self.words = 0
        self.by_word: dict[str, int] = {}

    def add(self, word: str, times: int = 1) -> None:
        """Count a word."""
        self.words += times
        self.by_word[word] = self.by_word.get(word, 0) + times

    def merge(self, other: Count) -> None:
        """Add what another has counted."""
        for word, times in other.by_word.items():
            self.add(word, times)


def text(number: int) -> list[str]:
    """A text of some 300 words."""
    return [WORDS[(number * position) % len(WORDS)] for position in range(300)]


def count(words: list[str]) -> Count:
    """The job."""
    result = Count()
    for word in words:
        result.add(word)
    return result


def work(texts: int) -> None:
    """Hand out all jobs and put their results together."""
    total = Count()
    with ThreadPoolExecutor(WORKERS) as pool:
        for part in pool.map(count, [text(number) for number in range(texts)]):
            total.merge(part)
    assert total.words == texts * 300


if __name__ == "__main__":
    main(work, SIZES, __doc__)
