"""For people who look for something: `EventInspector` shows events as they are made, `trace_replay` a trace.

EventInspector(client).watch(variable="account.balance")
trace_replay("trace-id-12345", step_by_step=True, source="events.jsonl")
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from raceway.client import Plugin
from raceway.client.default import get_client
from raceway.client.replay import events_of, vector_order
from raceway.errors import RacewayError
from raceway.model.events import Event
from raceway.model.typing import TYPE_CHECKING, Any, Self, TextIO

if TYPE_CHECKING:
    from raceway.client import RacewayClient

KEPT = 10_000
"""Events that an inspector keeps; the oldest go first."""


def line_of(event: Event) -> str:
    """An event as one line for people."""
    fields = event.kind.fields
    told = ", ".join(f"{name}={getattr(fields, name)!r}" for name in getattr(fields, "__struct_fields__", ()))
    clock = ", ".join(f"{component}:{count}" for component, count in event.causality_vector)
    moment = event.timestamp.time().isoformat("milliseconds")
    return f"{moment} {event.metadata.thread_id} {event.kind.name}({told}) [{clock}]"


class _Watch:
    """What is looked for: fields of the kind by name, and the kind itself."""

    def __init__(self, kind: str | None, wanted: Mapping[str, object], tell: Callable[[Event], object]) -> None:
        self._kind = kind
        self._wanted = wanted
        self.tell = tell

    def matches(self, event: Event) -> bool:
        """Whether the event is one of those."""
        if self._kind is not None and event.kind.name != self._kind:
            return False
        fields = event.kind.fields
        return all(getattr(fields, name, None) == value for name, value in self._wanted.items())


class EventInspector(Plugin):
    """Shows a client's events while they are sent. `events` holds those that matched, the latest `KEPT` of them."""

    def __init__(self, client: RacewayClient | None = None, file: TextIO | None = None) -> None:
        found = client or get_client()
        if found is None:
            raise RacewayError("EventInspector needs a client: none was given, and none has been made")
        self._client = found
        self._file = file
        self._watches: list[_Watch] = []
        self.events: deque[Event] = deque(maxlen=KEPT)
        found.add_plugin(self)

    def watch(
        self,
        variable: str | None = None,
        *,
        kind: str | None = None,
        callback: Callable[[Event], object] | None = None,
        **fields: object,
    ) -> Self:
        """Show events of this variable, of this kind, or whose fields are these; all of them when nothing is asked.

        `callback` is called, in the worker, instead of printing a line.
        """
        wanted = dict(fields) if variable is None else {"variable": variable, **fields}
        self._watches.append(_Watch(kind, wanted, callback or self._print))
        return self

    def on_event(self, event: Event) -> None:
        """Look at an event."""
        matching = [watch for watch in self._watches if watch.matches(event)]
        if matching:
            self.events.append(event)
        for watch in matching:
            watch.tell(event)

    def close(self) -> None:
        """Look no longer."""
        self._client.remove_plugin(self)

    def _print(self, event: Event) -> None:
        stream = self._file or sys.stderr
        if stream is not None:
            print(line_of(event), file=stream, flush=True)


def trace_replay(
    trace_id: str,
    step_by_step: bool = False,
    *,
    source: Any = None,
    file: TextIO | None = None,
    pause: Callable[[], object] | None = None,
) -> list[Event]:
    """Print a trace in an order that its clocks allow, and give its events.

    `source` is a file of events (JSONL or msgpack), a client, or the address of a collector; by default the default
    client. `step_by_step` waits after each event: for Enter on a terminal, or as `pause` does. An id that is no UUID
    means the UUID that is sent for it.
    """
    stream = sys.stdout if file is None else file
    events = vector_order(events_of(trace_id, source))
    if not events:
        print(f"no events of trace {trace_id}", file=stream)
    wait = (pause or _wait_for_enter) if step_by_step else None
    for number, (event, concurrent) in enumerate(_with_concurrent(events), 1):
        beside = f" (not ordered with {concurrent} before it)" if concurrent else ""
        print(f"{number}/{len(events)} {line_of(event)}{beside}", file=stream)
        if wait is not None and number < len(events):
            wait()
    return events


def _with_concurrent(events: Iterable[Event]) -> Iterator[tuple[Event, int]]:
    """Each event with the number of accesses to its variable before it that nothing orders before it."""
    seen: dict[str, list[dict[str, int]]] = {}
    for event in events:
        change = event.kind.StateChange
        clock = dict(event.causality_vector)
        before = seen.setdefault(change.variable, []) if change is not None else []
        yield event, sum(1 for one in before if any(count > clock.get(name, 0) for name, count in one.items()))
        before.append(clock)


def _wait_for_enter() -> None:
    if sys.stdin is not None and sys.stdin.isatty():
        input()
