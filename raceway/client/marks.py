"""Marks: what a tracking call leaves for the worker, and what each kind of mark tells.

A mark is cheap: the point of the actor, the time, the place as a code object and an offset, and values that cannot
change any more. Names, numbers, texts and secrets are seen to in the worker.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from types import CodeType

import msgspec

from raceway.client.actors import Context
from raceway.client.keeping import SCALARS, Few, snapshot
from raceway.model import eventkinds as of
from raceway.model.events import EventKind
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.model.values import scalar
from raceway.pipeline.ids import uuid_of

if TYPE_CHECKING:
    from raceway.client.teller import Teller

Place = str | tuple[CodeType, int] | None
"""`file:line`, or a code object and the offset of the instruction, or None for a place that cannot be known."""

DEFINITION = -1
"""In the place of an offset: where the code is defined."""

_ACCESS_TYPES = {name.lower(): name for name in ("Read", "Write", "AtomicRead", "AtomicWrite", "AtomicRMW")}

Kind = Callable[["Teller", Place, tuple[Any, ...]], EventKind]
"""Makes what a mark tells of its place and values."""

_LOCKS_REMEMBERED = 4096
_LINES_REMEMBERED = 4096
_DECORATOR_LINES = 50


def _nothing(_teller: Teller, _place: Place, _values: tuple[Any, ...]) -> EventKind:
    return EventKind()


class Mark(Context, frozen=True, kw_only=False, gc=False):
    """One tracking call: a point, and what was told there; `kind` makes it of the values, which are the mark's own.

    Many wait at a time, and the collector of cycles would go through them again and again, which takes longer than
    making them. So it does not see them: whatever an actor refers to leads to no mark (`inheritance.Run`).
    """

    time_ns: int = 0
    kind: Kind = _nothing
    place: Place = None
    values: tuple[Any, ...] = ()
    duration_ns: int | None = None


def place_text(place: Place) -> str:
    """A place as `file:line`."""
    if type(place) is tuple:
        return f"{place[0].co_filename}:{line_of(*place)}"
    return place if isinstance(place, str) else "unknown:0"


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


def spelled_out(value: Any) -> str:
    """A kept value as text."""
    if isinstance(value, str):
        return value
    plain = scalar(value) if type(value) in SCALARS else snapshot(dict(value) if type(value) is Few else value)[0]
    return plain if type(plain) is str else msgspec.json.encode(plain).decode()


def state_change(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """Variable, old value, new value, access type."""
    variable, old, new, access_type = values
    name = teller.text(variable)
    access: Any = _ACCESS_TYPES.get(access_type.lower(), access_type) if type(access_type) is str else ""  # is mended
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


def http_request(teller: Teller, _place: Place, values: tuple[Any, ...]) -> EventKind:
    """Method, address, headers, body."""
    method, url, headers, body = values
    request = of.HttpRequest(
        method=teller.text(method),
        url=teller.hide.url(teller.plain(url)),
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
    number = uuid_of(spelled_out(task_id))
    known = "" if number == task_id else f" [{teller.text(task_id)}]"
    spawned_by = f"{teller.text(name)}{known} at {teller.text(place_text(place))}"
    return EventKind(AsyncSpawn=of.AsyncSpawn(task_id=number, spawned_by=spawned_by))


def async_await(teller: Teller, place: Place, values: tuple[Any, ...]) -> EventKind:
    """Id of what was waited for."""
    (future_id,) = values
    number = uuid_of(spelled_out(future_id))
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
    lines = [place_text(place)] if stack is None else stack if type(stack) in (list, tuple) else [stack]
    told = of.Error(teller.text(error_type), teller.text(message), tuple(map(teller.text, lines)))
    return EventKind(Error=told)
