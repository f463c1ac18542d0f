"""Tells that there are new races, for the pure core: a thread of ours lives for a moment after a race was noted."""

from __future__ import annotations

import time
from collections.abc import Callable

from raceway.originals import start_new_thread

PAUSE_S = 0.05
"""Races seldom come alone."""


class Notice:
    """Has `told` called some time after `race` was, once for all that came in between."""

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._coming = False

    def race(self) -> None:
        """A race was noted. Called by one thread at a time."""
        if not self._coming:
            self._coming = True
            try:
                start_new_thread(self._tell, ())
            except RuntimeError:  # no more threads here
                self._coming = False

    def after_fork(self) -> None:
        """In a forked child there is no thread that would come."""
        self._coming = False

    def _tell(self) -> None:
        time.sleep(PAUSE_S)
        self._coming = False
        self._told()
