"""Which traces are told of: by their ids, by a rate, by the route of their request; and the switch for all of them.

A trace has a weight from its beginning on, made of its id, so that all services that take part come to the same. Told
of is what weighs less than `share`: 1 when all is well, less while the overhead budget is exceeded, 0 when the client
is off. A trace that was left out from the start weighs more than any share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import translate

from raceway.errors import ConfigError
from raceway.model.typing import Any
from raceway.originals import allocate_lock, monotonic

LEFT_OUT = 2.0
"""The weight of a trace that is never told of."""

Route = tuple[str, str]
"""Method and address of a request."""


class Sampling:
    """The decisions of one client. Any thread may ask and switch.

    `rate` is the share of traces that is told of, `per_second` how many may begin in a second, None for any number.
    `routes` has rates of its own for requests whose path, or method and path, it matches; `*` stands for anything, and
    the first that matches counts. Raises ConfigError for what cannot be meant.
    """

    def __init__(
        self,
        rate: float = 1.0,
        per_second: float | None = None,
        routes: Mapping[str, float] | None = None,
        *,
        on: bool = True,
    ) -> None:
        self._rate = checked_share("sample_rate", rate)
        if per_second is not None and not (_is_number(per_second) and per_second > 0):
            raise ConfigError(f"traces_per_second: expected a number above 0, not {per_second!r}")
        self._per_second = per_second
        self._routes = [
            (re.compile(translate(pattern)), checked_share(f"routes[{pattern!r}]", share))
            for pattern, share in (routes or {}).items()
        ]
        self._tokens = self._most = max(per_second or 0.0, 1.0)
        self._counted = monotonic()
        self._lock = allocate_lock()
        self._level = 1.0
        self._on = on
        self.share = 1.0 if on else 0.0
        self.kept = self.left_out = 0
        """Traces that began here."""

    def switch(self, *, on: bool) -> None:
        """Tell of traces, or of none; those that go on are cut and resumed."""
        self._on = on
        self.share = self._level if on else 0.0

    @property
    def is_on(self) -> bool:
        """Whether anything is told of."""
        return self._on

    @property
    def level(self) -> float:
        """The share of traces that the budget leaves."""
        return self._level

    def turn(self, level: float) -> None:
        """Tell of this share of the traces only."""
        self._level = level
        self.share = level if self._on else 0.0

    def weigh(self, trace_id: str, decided: bool | None = None, route: Route | None = None) -> float:
        """The weight of a trace that begins here. What a caller `decided` holds, but for routes that are never told."""
        rate = self._rate if route is None else self._rate_of(*route)
        fraction = _fraction(trace_id)
        if rate == 0 or decided is False:
            weight = LEFT_OUT
        elif decided:
            weight = fraction
        else:
            weight = fraction / rate if fraction < rate and self._may_begin() else LEFT_OUT
        if weight < LEFT_OUT:
            self.kept += 1
        else:
            self.left_out += 1
        return weight

    def _rate_of(self, method: str, address: str) -> float:
        if self._routes:
            path = address.partition("?")[0]
            for pattern, share in self._routes:
                if pattern.match(path) or pattern.match(f"{method} {path}"):
                    return share
        return self._rate

    def _may_begin(self) -> bool:
        if self._per_second is None:
            return True
        with self._lock:
            now = monotonic()
            self._tokens = min(self._tokens + (now - self._counted) * self._per_second, self._most)
            self._counted = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


def checked_share(name: str, value: Any) -> float:
    """A number from 0 to 1. Raises ConfigError."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise ConfigError(f"{name}: expected a number from 0 to 1, not {value!r}")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _fraction(trace_id: str) -> float:
    """A number from 0 up to 1 that the trace has in every process."""
    return int(trace_id[-8:], 16) / 2**32
