"""Who has read what, for the page's sidebar: kept in memory, by all threads that answer."""

from __future__ import annotations

import threading
from collections import Counter, deque


class Readers:
    """Counts what was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = 0
        self._by_message: Counter[int] = Counter()
        self._latest: deque[int] = deque(maxlen=5)

    def asked(self) -> None:
        """A request was answered."""
        with self._lock:
            self._requests += 1

    def read(self, number: int) -> None:
        """A message was read."""
        with self._lock:
            self._by_message[number] += 1
            self._latest.append(number)

    def sidebar(self) -> tuple[list[tuple[int, int]], list[int]]:
        """The messages read most, with how often; and those read last."""
        with self._lock:
            return self._by_message.most_common(5), list(self._latest)

    def requests(self) -> int:
        """All requests so far."""
        with self._lock:
            return self._requests
