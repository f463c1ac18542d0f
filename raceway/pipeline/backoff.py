"""Pauses between tries: growing, capped, and never the same for two senders."""

from __future__ import annotations

import os

FIRST = 0.25
"""Seconds before the second try."""

LONGEST = 30.0


class Backoff:
    """The pauses of one row of failures. Jitter does not come from `random`, whose state is the program's."""

    def __init__(self, first: float = FIRST, longest: float = LONGEST) -> None:
        self._first = first
        self._longest = longest
        self.failures = 0

    def pause(self, at_least: float = 0.0) -> float:
        """Count a failure; seconds to wait before the next try: half of the step to all of it."""
        step = min(self._longest, self._first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        jitter = int.from_bytes(os.urandom(2), "big") / 65536
        return max(step * (0.5 + jitter / 2), at_least)

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
