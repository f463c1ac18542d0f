"""How often each page was asked for and how long answers took."""

from __future__ import annotations

import threading
import time
from collections import deque


class Visits:
    """Counts requests; all threads that answer write to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_page: dict[str, int] = {}
        self._recent: deque[float] = deque(maxlen=100)

    def begin(self) -> float:
        """The moment a request came."""
        return time.perf_counter()

    def end(self, page: str, began: float) -> None:
        """Note that a request was answered."""
        took = time.perf_counter() - began
        with self._lock:
            self._by_page[page] = self._by_page.get(page, 0) + 1
            self._recent.append(took)

    def total(self) -> int:
        """All requests so far."""
        with self._lock:
            return sum(self._by_page.values())
