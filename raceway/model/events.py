"""Events: what leaves the process, as frozen structs in the shape of the wire protocol. Serves pipeline and client.

`msgspec.json.encode(event)` is the protocol's JSON; `docs/events.md` describes it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from raceway.model import eventkinds as of
from raceway.model.eventkinds import U32, U64, UUID

Vector = tuple[tuple[str, int], ...]
"""A vector clock: pairs of component and value; the order has no meaning."""


class EventKind(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """What an event tells: exactly one field is set, under the name of its kind.

    `event.kind.StateChange.variable` is the variable when it is a state change; `event.kind.StateChange` is None when
    it is something else.
    """

    FunctionCall: of.FunctionCall | None = None
    AsyncSpawn: of.AsyncSpawn | None = None
    AsyncAwait: of.AsyncAwait | None = None
    StateChange: of.StateChange | None = None
    LockAcquire: of.LockAcquire | None = None
    LockRelease: of.LockRelease | None = None
    MemoryFence: of.MemoryFence | None = None
    HttpRequest: of.HttpRequest | None = None
    HttpResponse: of.HttpResponse | None = None
    DatabaseQuery: of.DatabaseQuery | None = None
    DatabaseResult: of.DatabaseResult | None = None
    Error: of.Error | None = None
    Custom: of.Custom | None = None

    @property
    def name(self) -> str:
        """The name of the kind that is set; empty when none is."""
        return next((name for name in KINDS if getattr(self, name) is not None), "")

    @property
    def fields(self) -> Any:
        """The struct of the kind that is set; None when none is."""
        return next((value for name in KINDS if (value := getattr(self, name)) is not None), None)


KINDS = EventKind.__struct_fields__
"""The names of the thirteen kinds."""


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Where an event comes from. One value serves all events of a flow that have the same tags and no duration.

    `thread_id` names one sequential flow of control, not a thread of the operating system.
    """

    thread_id: str
    process_id: U32
    service_name: str
    environment: str
    tags: dict[str, str]
    duration_ns: U64 | None = None
    instance_id: str | None = None
    distributed_span_id: str | None = None
    upstream_span_id: str | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """One event. `timestamp` has a time zone; `causality_vector` is the clock of its flow, this event counted.

    What differs from event to event stands together: that is worth a few bytes of each when a batch is compressed.
    """

    id: UUID
    parent_id: UUID | None = None
    timestamp: datetime
    causality_vector: Vector
    kind: EventKind
    metadata: Metadata
    lock_set: tuple[str, ...]
    trace_id: UUID
