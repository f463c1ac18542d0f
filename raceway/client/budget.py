"""The overhead budget: what telling may cost, as a share of a processor. While it costs more, fewer traces are told of.

    cost = marks x what one costs its caller + CPU time of the worker         every look, over the time since the last
    more than the budget: half as many traces; less than a quarter of it: twice as many, up to all

What a call costs that tells nothing is not counted: some tenths of a microsecond.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context

from raceway.client.actors import Service
from raceway.client.context import begin, enter
from raceway.client.sampling import Sampling
from raceway.client.tracking import Tracking
from raceway.model.typing import Any

LOOK = 0.5
"""Seconds between two looks."""

_TRIED = 200

LEAST = 1 / 4096
"""Share of traces below which it does not go."""


class Budget:
    """Turns the sampling of one client down and up. Only the worker calls it.

    `limit` is the share of a processor; `marks` counts those made so far, each of which costs its caller `cost` s.
    """

    def __init__(
        self,
        limit: float,
        cost: float,
        marks: Callable[[], int],
        sampling: Sampling,
        now: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.thread_time,
    ) -> None:
        self._limit = limit
        self._cost = cost
        self._marks = marks
        self._sampling = sampling
        self._now = now
        self._used = used
        self._last: tuple[float, int, float] | None = None

    def __call__(self) -> tuple[()]:
        """Look whether it is time; a source of events that never has any."""
        now, last = self._now(), self._last
        if last is not None and now - last[0] < LOOK:
            return ()
        marks, used = self._marks(), self._used()
        self._last = now, marks, used
        if last is not None:
            spent = (marks - last[1]) * self._cost + max(used - last[2], 0.0)
            self._weigh(spent / (now - last[0]))
        return ()

    def _weigh(self, share: float) -> None:
        level = self._sampling.level
        if share > self._limit:
            self._sampling.turn(max(level / 2, LEAST))
        elif share < self._limit / 4 and level < 1:
            self._sampling.turn(min(level * 2, 1.0))


class _Nowhere:
    """Takes marks and forgets them."""

    def put(self, _mark: Any) -> bool:
        return True

    def degrade(self, count: int = 1) -> None:
        pass


def cost_of_a_mark() -> float:
    """Seconds that a tracking call takes here and now."""
    tracking = Tracking(_Nowhere(), Sampling())

    def tell() -> float:
        enter(begin(Service()))
        began = time.thread_time()
        for number in range(_TRIED):
            tracking.track_state_change("raceway", None, number, "Write")
        return (time.thread_time() - began) / _TRIED

    return copy_context().run(tell)
