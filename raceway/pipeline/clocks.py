"""Vector clocks on the wire: what an event of one flow knows of all the others.

The model: each flow counts its own events under a component of its own, `<service>#<instance>#<serial>`. What a flow
learns from another (it was started by it, waited for it, took over from it, was called by it) raises the other
components. Event a comes before event b when b's clock has at least a's own count under a's component.
"""

from __future__ import annotations

from collections.abc import Iterable

from raceway.model.events import Vector

COUNT_LIMIT = 2**63 - 1
"""Largest count that is believed when it comes from outside."""


class Clock:
    """The clock of one flow. Only the flow itself may use it; `known` may be handed to anybody."""

    __slots__ = ("_others", "_vector", "component", "count")

    def __init__(self, component: str, others: Iterable[tuple[str, int]] = ()) -> None:
        self.component = component
        self.count = 0
        self._others: dict[str, int] = {}
        self._vector: Vector = ()
        self.learn(others)

    def tick(self) -> Vector:
        """Count one event or one message sent; the clock as it then is."""
        self.count += 1
        return ((self.component, self.count), *self._vector)

    def known(self) -> Vector:
        """The clock as it is, for others to learn from."""
        return ((self.component, self.count), *self._vector) if self.count else self._vector

    def learn(self, vector: Iterable[tuple[str, int]]) -> None:
        """What happened before this point elsewhere."""
        others, news = self._others, False
        for component, count in vector:
            if component == self.component:
                self.count = max(self.count, count)
            elif count > others.get(component, 0):
                others[component] = count
                news = True
        if news:
            self._vector = tuple(others.items())
