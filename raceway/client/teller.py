"""How the worker makes events of marks, or at once their lines: names, numbers, texts and secrets are seen to here."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from raceway.client.actors import Context
from raceway.client.keeping import SCALARS, Few, snapshot
from raceway.client.marks import Mark, Place, spelled_out, state_change
from raceway.model.events import Event, Metadata, Vector
from raceway.model.typing import Any
from raceway.model.values import TEXT_LIMIT, Cut, scalar, text
from raceway.pipeline.encode import kind_text, metadata_text
from raceway.pipeline.ids import FIRST
from raceway.pipeline.lines import event_line, json_text, moment, rest_of_clock
from raceway.pipeline.redactor import HIDDEN, NOTHING_HIDDEN, SMALL, Redactor

_FEW = frozenset({Few, tuple})
"""What is left of small values to be made JSON."""

_CHANGES_REMEMBERED = 4096
_LIKELY_AGAIN = 128
"""Characters of a text that may well be a name."""


class Origin(msgspec.Struct, frozen=True):
    """What all events of one client say of where they come from."""

    service_name: str
    environment: str
    tags: dict[str, str]


class _Change:
    """What all state changes of one variable at one place say."""

    __slots__ = ("_place", "after", "between", "is_plain")

    def __init__(self, teller: Teller, place: Place, name: str, access: str) -> None:
        told = state_change(teller, place, (name, None, None, access)).StateChange
        assert told is not None
        self._place = place  # keeps alive the code by whose address it is found again
        self.between = f',"access_type":{json_text(told.access_type)},"old_value":'
        self.after = f',"variable":{json_text(told.variable)},"location":{json_text(told.location)}}}}}'
        self.is_plain = not teller.hide.hides(name)


class _Told:
    """What the events of one actor say of it, as JSON, and which was its last: kept with the actor."""

    __slots__ = ("metadata", "origin", "own", "rest", "vector")

    def __init__(self, origin: Origin, component: str, metadata: str | None) -> None:
        self.origin = origin
        self.metadata = metadata
        self.own = f"[[{json_text(component)},"
        self.learn(())

    def learn(self, others: Vector) -> None:
        """The next event has these in its clock."""
        self.vector, self.rest = others, rest_of_clock(others)


class Teller:
    """Makes events of marks, or at once their lines. Only the worker uses it.

    `lossy`: something of the last event had to be left out. Of lines it counts that itself, by `degrade`.
    """

    def __init__(self, origin: Origin, redactor: Redactor | None, degrade: Callable[[], None]) -> None:
        self.origin = origin
        self.hide = redactor or NOTHING_HIDDEN
        self.lock_types: dict[str, str] = {}
        self.lossy = False
        self._degrade = degrade
        self._changes: dict[tuple[object, ...], _Change] = {}

    def event(self, mark: Mark | Event) -> Event:
        """The event."""
        self.lossy = False
        if type(mark) is Event:
            return mark
        assert isinstance(mark, Mark)
        actor = mark.actor
        return Event(
            id=actor.event_id(mark.count),
            trace_id=actor.trace.trace_id,
            timestamp=moment(mark.time_ns),
            kind=mark.kind(self, mark.place, mark.values),
            metadata=self._metadata(mark, mark.duration_ns),
            causality_vector=((actor.component, mark.count), *mark.others),
            lock_set=(),
            parent_id=mark.parent_id,
        )

    def line(self, mark: Mark | Event) -> bytes | None:
        """The line of its event; None when what was told does not fit as it is."""
        if type(mark) is not Mark:
            return None
        self.lossy = False
        try:
            actor = mark.actor
            told = actor.told
            if type(told) is not _Told or told.origin is not self.origin:
                told = actor.told = _Told(self.origin, actor.component, metadata_text(self._metadata(mark, None)))
            metadata = told.metadata
            if mark.duration_ns is not None:
                metadata = metadata_text(self._metadata(mark, mark.duration_ns))
            if metadata is None:
                return None
            if mark.kind is state_change:
                kind = self._state_change(mark.place, mark.values)
            else:
                kind = (kind_text(mark.kind(self, mark.place, mark.values)),)
            if kind[0] is None:
                return None
            if mark.others is not told.vector:
                told.learn(mark.others)
            before = mark.before
            if self.lossy:
                self._degrade()
            return event_line(
                actor.trace.trace_id, told.own, mark.count, told.rest, metadata, "[]",
                FIRST + before if before else actor.parent, actor.ids, FIRST + mark.count, mark.time_ns, *kind,
            )  # fmt: skip
        except Exception:  # whatever there is in it
            return None

    def _state_change(self, place: Place, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """What `state_change` tells, by far the commonest kind, as pieces of JSON: only the values have to be looked
        at."""
        name, old, new, access = values
        what = (name, access, id(place[0]), place[1]) if type(place) is tuple else (name, access, place)
        known = self._changes.get(what)
        if known is None:
            if kind_text(state_change(self, place, (name, None, None, access))) is None:
                return (None,)
            if len(self._changes) >= _CHANGES_REMEMBERED:
                self._changes.clear()
            known = _Change(self, place, name, access)
            if not self.lossy:  # else it is told again each time
                self._changes[what] = known
        if not (known.is_plain and type(new) is int and -SMALL < new < SMALL):
            new = json_text(self.value(new, name))
        if not (known.is_plain and type(old) is int and -SMALL < old < SMALL):
            old = json_text(self.value(old, name))
        return '{"StateChange":{"new_value":', new, known.between, old, known.after

    def _metadata(self, point: Context, duration_ns: int | None) -> Metadata:
        actor = point.actor
        return Metadata(
            thread_id=actor.thread_id,
            process_id=actor.process,
            service_name=self.origin.service_name,
            environment=self.origin.environment,
            tags=self.origin.tags,
            duration_ns=duration_ns,
            instance_id=actor.instance,
            distributed_span_id=point.span_id,
            upstream_span_id=point.upstream_span_id,
        )

    def text(self, value: Any) -> str:
        """Anything as a text without secrets."""
        spelled = self.plain(value)
        return self.hide.name(spelled) if len(spelled) < _LIKELY_AGAIN else self.hide.text(spelled)

    def plain(self, value: Any) -> str:
        """Anything as a text, secrets and all."""
        if type(value) is str and value.isascii() and len(value) <= TEXT_LIMIT:
            return value
        told = text(value if isinstance(value, str) else spelled_out(value))
        if type(value) is float:
            self.lossy |= value - value != 0
        elif isinstance(value, str):
            self.lossy |= type(value) is Cut or told != value
        return told

    def value(self, value: Any, name: str = "") -> Any:
        """A value that was kept, as JSON without secrets."""
        if type(value) in SCALARS:
            told = scalar(value)
            self.lossy |= told is not value
            value = told
        elif type(value) in _FEW:
            value, lossless = snapshot(dict(value) if type(value) is Few else value)
            self.lossy |= not lossless
        return self.hide.value(value, name)

    def body(self, body: Any) -> Any:
        """The body of a request or response."""
        if type(body) in _FEW:
            body = snapshot(dict(body) if type(body) is Few else body)[0]
        elif type(body) is Cut:
            body = text(body)
            self.lossy |= self.hide.body(body) != HIDDEN
        return self.hide.body(body)

    def texts(self, value: Any) -> dict[str, str]:
        """Headers and the like."""
        if type(value) is not dict:
            self.lossy = True
            return {}
        return self.hide.headers({self.plain(key): self.plain(item) for key, item in value.items()})
