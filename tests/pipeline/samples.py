"""Events to send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from raceway.model import eventkinds as of
from raceway.model.events import Event, EventKind, Metadata
from raceway.pipeline import Clock, Ids, new_uuid

METADATA = Metadata("thread-1", 812, "shop", "test", {"sdk_language": "python"}, instance_id="shop-1")


class Flow:
    """Makes the events of one flow of control, chained and counted as they should be."""

    def __init__(self) -> None:
        self._ids = Ids()
        self._clock = Clock("shop#shop-1#1")
        self._trace = new_uuid()
        self._parent: str | None = None

    def event(self, kind: EventKind, metadata: Metadata = METADATA) -> Event:
        """The next event."""
        parent, self._parent = self._parent, self._ids.new()
        now = datetime.now(UTC)
        return Event(
            id=self._parent,
            parent_id=parent,
            timestamp=now,
            causality_vector=self._clock.tick(),
            kind=kind,
            metadata=metadata,
            lock_set=(),
            trace_id=self._trace,
        )

    def change(self, variable: str, value: Any = None) -> Event:
        """A write."""
        return self.event(EventKind(StateChange=of.StateChange(variable, value, "cart.py:31", "Write")))


def changes(count: int) -> list[Event]:
    """So many writes, of v0, v1, ..."""
    flow = Flow()
    return [flow.change(f"v{number}") for number in range(count)]


def names(count: int) -> list[str]:
    """The variables of `changes`."""
    return [f"v{number}" for number in range(count)]
