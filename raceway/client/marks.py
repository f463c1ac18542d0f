"""Marks: what a tracking call leaves for the worker, and how the worker makes an event of it.

A mark is cheap: the point of the actor, the time, the place as a code object and an offset, and values that cannot
change any more. Names, numbers, texts and secrets are seen to in the worker.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from datetime import UTC, datetime
from types import CodeType

import msgspec

from raceway.client.actors import Context
from raceway.model import eventkinds as of
from raceway.model.events import Event, EventKind, Metadata, Vector
from raceway.model.typing import Any
from raceway.model.values import scalar, snapshot, text
from raceway.pipeline.encode import kind_text, metadata_text
from raceway.pipeline.ids import uuid_of
from raceway.pipeline.lines import Stamps, event_line, json_text, rest_of_clock
from raceway.pipeline.redactor import NOTHING_HIDDEN, SMALL, Redactor

Place = str | tuple[CodeType, int] | None
"""`file:line`, or a code object and the offset of the instruction, or None for a place that cannot be known."""

SCALARS = frozenset({int, str, bool, float, type(None)})
"""Types whose values cannot change, nor hold anything of the program."""

DEFINITION = -1
"""In the place of an offset: where the code is defined."""

_ACCESS_TYPES = {name.lower(): name for name in ("Read", "Write", "AtomicRead", "AtomicWrite", "AtomicRMW")}

Kind = Callable[["Teller", Place, tuple[Any, ...]], EventKind]
"""Makes what a mark tells of its place and values."""

_LOCKS_REMEMBERED = 4096
_LINES_REMEMBERED = 4096
_CHANGES_REMEMBERED = 4096
_DECORATOR_LINES = 50
_FEW = 8
_TEXT = frozenset({str})
_LIKELY_AGAIN = 128
"""Characters of a text that may well be a name."""


def _nothing(_teller: Teller, _place: Place, _values: tuple[Any, ...]) -> EventKind:
    return EventKind()


class Mark(Context, frozen=True, kw_only=False):
    """One tracking call: a point, and what was told there; `kind` makes it of the values, which are the mark's own."""

    time_ns: int = 0
    kind: Kind = _nothing
    place: Place = None
    values: tuple[Any, ...] = ()
    duration_ns: int | None = None


class _Change:
    """What all state changes of one variable at one place say."""

    __slots__ = ("_place", "after", "between", "is_plain")

    def __init__(self, teller: Teller, place: Place, name: str, access: str) -> None:
        told = state_change(teller, place, (name, None, None, access)).StateChange
        assert told is not None
        self._place = place  # keeps alive the code by whose address it is found again
        self.between = f',"access_type":{json_text(told.access_type)},"old_value":'
        self.after = f',"variable":{json_text(told.variable)},"location":{json_text(told.location)}'
        self.is_plain = not teller.hide.hides(name)


class Few(dict[Any, Any]):
    """A copy of a few arguments whose values cannot change: the rest is left to the worker."""


class Origin(msgspec.Struct, frozen=True):
    """What all events of one client say of where they come from."""

    service_name: str
    environment: str
    tags: dict[str, str]


class _Told:
    """What the events of one actor say of it, as JSON, and which was its last: kept with the actor."""

    __slots__ = ("_count_of", "_rest", "_vector", "count", "identity", "metadata", "origin")

    def __init__(self, origin: Origin, component: str, metadata: str | None) -> None:
        self.origin = origin
        self.metadata = metadata
        self.count = -1
        self.identity = ""
        self._count_of = f"[[{json_text(component)},"
        self._vector: Vector = ()
        self._rest = "]]"

    def clock(self, count: int, others: Vector) -> str:
        """The clock of an event."""
        if others is not self._vector:
            self._vector, self._rest = others, rest_of_clock(others)
        return f"{self._count_of}{count}{self._rest}"


class Teller:
    """Makes events of marks, or at once their lines. Only the worker uses it."""

    def __init__(self, origin: Origin, redactor: Redactor | None, degrade: Callable[[], None]) -> None:
        self.origin = origin
        self.hide = redactor or NOTHING_HIDDEN
        self.lock_types: dict[str, str] = {}
        self._degrade = degrade
        self._stamp = Stamps()
        self._changes: dict[tuple[object, ...], _Change] = {}

    def event(self, mark: Mark | Event) -> Event:
        """The event."""
        if type(mark) is Event:
            return mark
        assert isinstance(mark, Mark)
        actor = mark.actor
        return Event(
            id=actor.event_id(mark.count),
            trace_id=actor.trace.trace_id,
            timestamp=datetime.fromtimestamp(mark.time_ns / 1e9, UTC),
            kind=mark.kind(self, mark.place, mark.values),
            metadata=self._metadata(mark, mark.duration_ns),
            causality_vector=((actor.component, mark.count), *mark.others),
            lock_set=(),
            parent_id=mark.parent_id,
        )

    def line(self, mark: Mark | Event) -> bytes | None:
        """The line of its event; None when what was told does not fit as it is."""
        try:
            return None if type(mark) is Event else self._line(mark)  # type: ignore[arg-type]
        except Exception:  # whatever there is in it
            return None

    def _line(self, mark: Mark) -> bytes | None:
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
            kind = kind_text(mark.kind(self, mark.place, mark.values))
        if kind is None:
            return None
        parent = told.identity if told.count == mark.before else mark.parent_id
        told.count, told.identity = mark.count, actor.event_id(mark.count)
        clock = told.clock(mark.count, mark.others)
        stamp = self._stamp(mark.time_ns)
        return event_line(actor.trace.trace_id, clock, metadata, "[]", parent, told.identity, stamp, kind)

    def _state_change(self, place: Place, values: tuple[Any, ...]) -> str | None:
        """What `state_change` tells, by far the commonest kind, as JSON: only the values have to be looked at."""
        name, old, new, access = values
        where = (id(place[0]), place[1]) if type(place) is tuple else place
        known = self._changes.get((name, where, access))
        if known is None:
            if kind_text(state_change(self, place, (name, None, None, access))) is None:
                return None
            if len(self._changes) >= _CHANGES_REMEMBERED:
                self._changes.clear()
            known = self._changes[name, where, access] = _Change(self, place, name, access)
        if not (known.is_plain and type(new) is int and -SMALL < new < SMALL):
            new = json_text(self.value(new, name))
        if not (known.is_plain and type(old) is int and -SMALL < old < SMALL):
            old = json_text(self.value(old, name))
        return f'{{"StateChange":{{"new_value":{new}{known.between}{old}{known.after}}}}}'

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
        spelled = text(value if type(value) is str else _spelled(value))
        return self.hide.name(spelled) if len(spelled) < _LIKELY_AGAIN else self.hide.text(spelled)

    def value(self, value: Any, name: str = "") -> Any:
        """A value that was kept, as JSON without secrets."""
        if type(value) in SCALARS:
            told = scalar(value)
            if told is not value:
                self._degrade()
            value = told
        elif type(value) is Few:
            value, lossless = snapshot(dict(value))
            if not lossless:
                self._degrade()
        return self.hide.value(value, name)

    def body(self, body: Any) -> Any:
        """The body of a request or response."""
        return self.hide.body(snapshot(dict(body))[0] if type(body) is Few else body)

    def texts(self, value: Any) -> dict[str, str]:
        """Headers and the like."""
        if type(value) is not dict:
            return {}
        return self.hide.headers({text(_spelled(key)): text(_spelled(item)) for key, item in value.items()})


def are_scalars(values: Any) -> bool:
    """Whether none of these values can change."""
    return SCALARS.issuperset(map(type, values))


def keep(value: Any, degrade: Callable[[], None]) -> Any:
    """A value of the program, so that it does not change any more and nothing of the program is held."""
    if type(value) in SCALARS:
        return value
    is_few = type(value) is dict and len(value) <= _FEW and _TEXT.issuperset(map(type, value))
    if is_few and are_scalars(value.values()):
        return Few(value)
    kept, lossless = snapshot(value)
    if not lossless:
        degrade()
    return kept


def place_text(place: Place) -> str:
    """A place as `file:line`."""
    if type(place) is tuple:
        return f"{place[0].co_filename}:{line_of(*place)}"
    return place if type(place) is str else "unknown:0"


def line_of(code: CodeType, offset: int) -> int:
    """The line of an instruction, by its offset in bytes; that of the `def`, below any decorators, for `DEFINITION`."""
    known = _lines.get((id(code), offset))
    if known is None:
        if len(_lines) >= _LINES_REMEMBERED:
            _lines.clear()
        known = _lines[id(code), offset] = code, _line_of(code, offset)
    return known[1]


_lines: dict[tuple[int, int], tuple[CodeType, int]] = {}
"""By the address of the code, which is kept alive: to hash a code object is to look at all that is in it."""


def _line_of(code: CodeType, offset: int) -> int:
    if offset == DEFINITION:
        return _definition(code)
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line or code.co_firstlineno
    return code.co_firstlineno


def _definition(code: CodeType) -> int:
    first = code.co_firstlineno
    for line in range(first, first + _DECORATOR_LINES):
        source = linecache.getline(code.co_filename, line).lstrip()
        if source.startswith(("def ", "async def ", "async\t", "def\t")):
            return line
    return first


def _spelled(value: Any) -> str:
    """A kept value as text."""
    if type(value) is str:
        return value
    told = scalar(value) if type(value) in SCALARS else snapshot(dict(value) if type(value) is Few else value)[0]
    return told if type(told) is str else msgspec.json.encode(told).decode()


def state_change(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """Variable, old value, new value, access type."""
    variable, old, new, access_type = values
    name = teller.text(variable)
    access: Any = _ACCESS_TYPES.get(access_type.lower(), access_type) if type(access_type) is str else "Write"
    change = of.StateChange(
        variable=name,
        new_value=teller.value(new, name),
        location=teller.text(place_text(place)),
        access_type=access,
        old_value=teller.value(old, name),
    )
    return EventKind(StateChange=change)


def function_call(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """Function, module, arguments, file, line; the last two None where the place tells them."""
    name, module, args, file, line = values
    if type(place) is tuple:
        file = place[0].co_filename if file is None else file
        line = line_of(*place) if line is None else line
    call = of.FunctionCall(
        function_name=teller.text(name),
        module=teller.text(module if module is not None else ""),
        args=teller.value(args),
        file=teller.text(file if file is not None else "unknown"),
        line=line if line is not None else 0,
    )
    return EventKind(FunctionCall=call)


def function_entered(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """What is known of the function, and its arguments, kept or by position and by keyword: as `function_call`."""
    about, given = values
    if type(given) is tuple:
        given = Few(about.arguments(*given))
    return function_call(teller, place, (about.name, about.module, given, None, None))


def function_left(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """What is known of the function, nanoseconds in it, name of the error, empty for none: as `function_call`."""
    about, duration_ns, error = values
    told = {"duration_ms": round(duration_ns / 1e6, 3), "status": "error" if error else "success"}
    if error:
        told["error"] = error
    name = f"{about.name}:{'error' if error else 'return'}"
    return function_call(teller, place, (name, about.module, told, None, None))


def http_request(teller: Teller, _place: Place, values: tuple[Any, ...]) -> EventKind:
    """Method, address, headers, body."""
    method, url, headers, body = values
    request = of.HttpRequest(
        method=teller.text(method),
        url=teller.hide.url(text(_spelled(url))),
        headers=teller.texts(headers),
        body=teller.body(body),
    )
    return EventKind(HttpRequest=request)


def http_response(teller: Teller, _place: Place, values: tuple[Any, ...]) -> EventKind:
    """Status, headers, body, duration in milliseconds."""
    status, headers, body, duration_ms = values
    response = of.HttpResponse(
        status=status, headers=teller.texts(headers), duration_ms=duration_ms, body=teller.body(body)
    )
    return EventKind(HttpResponse=response)


def async_spawn(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """Task id, name of the task. A name that is no UUID stays readable."""
    task_id, name = values
    number = uuid_of(_spelled(task_id))
    known = "" if number == task_id else f" [{teller.text(task_id)}]"
    spawned_by = f"{teller.text(name)}{known} at {teller.text(place_text(place))}"
    return EventKind(AsyncSpawn=of.AsyncSpawn(task_id=number, spawned_by=spawned_by))


def async_await(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """Id of what was waited for."""
    (future_id,) = values
    number = uuid_of(_spelled(future_id))
    known = "" if number == future_id else f" [{teller.text(future_id)}]"
    return EventKind(AsyncAwait=of.AsyncAwait(future_id=number, awaited_at=teller.text(place_text(place)) + known))


def lock_acquire(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """Lock, type of lock."""
    lock_id, lock_type = teller.text(values[0]), teller.text(values[1])
    if len(teller.lock_types) >= _LOCKS_REMEMBERED:
        teller.lock_types.clear()
    teller.lock_types[lock_id] = lock_type
    return EventKind(LockAcquire=of.LockAcquire(lock_id, lock_type, teller.text(place_text(place))))


def lock_release(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """Lock, type of lock; None for the type that it was taken with."""
    lock_id = teller.text(values[0])
    lock_type = teller.lock_types.get(lock_id, "Mutex") if values[1] is None else teller.text(values[1])
    return EventKind(LockRelease=of.LockRelease(lock_id, lock_type, teller.text(place_text(place))))


def error(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """Type, message, stack; None for a stack of the place alone."""
    error_type, message, stack = values
    lines = [place_text(place)] if stack is None else stack if type(stack) is list else [stack]
    told = of.Error(teller.text(error_type), teller.text(message), tuple(map(teller.text, lines)))
    return EventKind(Error=told)
