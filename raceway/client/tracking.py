"""The tracking calls: what a program tells by hand. Each makes one mark, in a microsecond or two.

Calls take the forms of the documents, long and short; all parameters go by keyword, too. Outside of a trace a call
raises RacewayContextError, unless the client is off; nothing else is ever raised. In a trace that is left out, or with
the client off, nothing happens. What cannot be meant is sent as well as it can be, and counted.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from itertools import islice
from types import FrameType

from raceway.client import marks
from raceway.client.actors import Context
from raceway.client.context import inherited, mark
from raceway.client.feeding import Feed
from raceway.client.keeping import keep, keep_body, keep_message, keep_text
from raceway.client.marks import Kind, Place
from raceway.client.sampling import Sampling
from raceway.errors import RacewayContextError
from raceway.model.typing import Any, Protocol
from raceway.model.values import NODE_LIMIT, Cut, told
from raceway.pipeline.ids import new_uuid
from raceway.runtime.active import recorder

_ACCESS_TYPES = frozenset({"Read", "Write", "AtomicRead", "AtomicWrite", "AtomicRMW"})
_LARGE = 2**64
_LONGEST = 20
_LOCATION = re.compile(r".*:\d+\s*", re.DOTALL)

_frame = sys._getframe
_inherited = inherited
_recorder = recorder
_state_change = marks.state_change


class Taker(Protocol):
    """Where marks go: a pipeline whose first hook makes events of them."""

    def put(self, mark: Any) -> bool:
        """Take one; never raises, never waits."""

    def degrade(self, count: int = 1) -> None:
        """Count what was put with something left out."""


class Tracking:
    """The tracking calls of a client."""

    def __init__(self, taker: Taker, sampling: Sampling) -> None:
        self.sampling = sampling
        """Which traces are told of."""
        self.put: Callable[[Any], bool] = taker.put
        """Takes a mark; for decorators, too."""
        self._degrade = taker.degrade
        self.lossy: Callable[[], None] = taker.degrade
        """Counts a value that could not be kept whole."""
        self._feed = Feed()

    def track_state_change(
        self,
        variable: str,
        old_value: Any = None,
        new_value: Any = None,
        location: str | None = None,
        access_type: str | None = None,
    ) -> None:
        """A variable was read or written. A fourth value that names an access type is one: `(..., "Write")`."""
        context = _inherited()  # as in `_point`: the commonest call does itself what it can
        if context is None or context.actor.weight >= self.sampling.share:
            context = self._point("track_state_change")
            if _recorder() is None:
                return
        if access_type is None:
            access_type = "Write"
            if type(location) is str and location in _ACCESS_TYPES:
                access_type, location = location, None
        frame = _frame(1)
        place = (frame.f_code, frame.f_lasti) if location is None else _place(location)
        if context is not None:
            degrade = self._degrade
            name = keep(variable, degrade) if type(variable) is str else keep_text(variable)
            values = (name, keep(old_value, degrade), keep(new_value, degrade), _access_type(access_type))
            self.put(mark(context, _state_change, place, values))
        if _recorder() is not None:
            self._feed.access(variable, access_type, frame, place)

    def track_function_call(
        self,
        function_name: str,
        module: Any = None,
        args: Any = None,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        """A function was entered. A second value that is no text is `args`: `("pay", {"amount": 3})`."""
        context = self._point("track_function_call")
        if context is None:
            return
        if module is not None and type(module) is not str and not issubclass(type(module), str):
            module, args = None, (module if args is None else args)
        frame = _frame(1)
        if module is None:
            module = frame.f_globals.get("__name__")
        place = (frame.f_code, frame.f_lasti)
        if file is not None or line is not None:
            file, line = keep_text(file), _number(line)
        values = (keep_text(function_name), keep_text(module), keep(args, self._degrade), file, line)
        self.put(mark(context, marks.function_call, place, values))

    def track_http_request(self, method: str, url: str, headers: Any = None, body: Any = None) -> None:
        """A request was received or made."""
        context = self._point("track_http_request")
        if context is not None:
            given = _headers(headers, self._degrade)
            values = (keep_text(method), keep_text(url), given, keep_body(body, self._degrade))
            self.put(mark(context, marks.http_request, None, values))

    def track_http_response(self, status: int, headers: Any = None, body: Any = None, duration_ms: float = 0) -> None:
        """A request was answered, after so many milliseconds."""
        context = self._point("track_http_response")
        if context is not None:
            given = _headers(headers, self._degrade)
            values = (_number(status), given, keep_body(body, self._degrade), _number(duration_ms))
            self.put(mark(context, marks.http_response, None, values, _nanoseconds(duration_ms)))

    def track_async_spawn(self, task_id: str, task_name: str | None = None, location: str | None = None) -> str:
        """A task was started; returns its id. One value alone is the name: `("cleanup")` has an id made for it."""
        if task_name is None:
            task_id, task_name = new_uuid(), task_id
        self._put_at("track_async_spawn", marks.async_spawn, location, (keep_text(task_id), keep_text(task_name)))
        return task_id

    def track_async_await(self, future_id: str, location: str | None = None) -> None:
        """A task or future was waited for."""
        self._put_at("track_async_await", marks.async_await, location, (keep_text(future_id),))

    def track_lock_acquire(self, lock_id: str, lock_type: str = "Mutex", location: str | None = None) -> None:
        """A lock was taken. Call it after it was."""
        values = (keep_text(lock_id), keep_text(lock_type))
        frame = self._put_at("track_lock_acquire", marks.lock_acquire, location, values)
        if _recorder() is not None:
            self._feed.lock_taken(lock_id, frame)

    def track_lock_release(self, lock_id: str, location: str | None = None, lock_type: str | None = None) -> None:
        """A lock is freed. A second value that does not end in `:digits` is the type of lock."""
        if location is not None and lock_type is None and not _is_location(location):
            location, lock_type = None, location
        elif lock_type is not None and _is_location(lock_type) and not _is_location(location):
            location, lock_type = lock_type, location
        if _recorder() is not None:
            self._feed.lock_freed(lock_id)
        values = (keep_text(lock_id), keep_text(lock_type))
        self._put_at("track_lock_release", marks.lock_release, location, values)

    def track_error(self, error_type: Any, message: Any, stack_trace: Any = None) -> None:
        """Something failed. `stack_trace` is a list of texts, by default the place of the call."""
        name = error_type.__name__ if type(error_type) is type else error_type
        said = keep_message(message) if issubclass(type(message), BaseException) else keep_text(message)
        stack = None if stack_trace is None else keep(stack_trace, self._degrade)
        self._put_at("track_error", marks.error, None, (keep_text(name), said, stack))

    def _put_at(self, call: str, kind: Kind, location: str | None, values: tuple[Any, ...]) -> FrameType:
        """Put a mark of the frame that called the tracking call; returns that frame."""
        frame, context = _frame(2), self._point(call)
        if context is not None:
            place = (frame.f_code, frame.f_lasti) if location is None else _place(location)
            self.put(mark(context, kind, place, values))
        return frame

    def _point(self, call: str) -> Context | None:
        """The context of the flow that is calling, None where nothing is to be told. Raises RacewayContextError outside
        of a trace, unless the client is off."""
        context = _inherited()
        if context is None:
            if self.sampling.is_on:
                raise RacewayContextError(call)
            return None
        return context if context.actor.weight < self.sampling.share else None

    @property
    def listens(self) -> bool:
        """Whether the trace of the flow that is calling is told of."""
        context = _inherited()
        return context is not None and context.actor.weight < self.sampling.share

    def briefly(self, value: Any) -> str:
        """A value by type and size: it could not be kept whole."""
        return Cut(told(value))

    def note(self, kind: Kind, place: Place, values: tuple[Any, ...], duration_ns: int | None = None) -> None:
        """The same for decorators and middleware: outside of a trace nothing happens. Never raises."""
        context = _inherited()
        if context is not None and context.actor.weight < self.sampling.share:
            self.put(mark(context, kind, place, values, duration_ns))


def _access_type(value: Any) -> Any:
    """A text that may name one; what is none is no access type either."""
    return value[:_LONGEST] if type(value) is str else None


def _place(location: Any) -> Any:
    return keep_text(location) if type(location) is str else Cut(told(location))


def _is_location(value: object) -> bool:
    return type(value) is str and _LOCATION.fullmatch(value) is not None


def _headers(headers: Any, degrade: Callable[[], None]) -> Any:
    """Headers as pairs of kept values: a mapping, pairs, or what frameworks take for one; else what is told of them."""
    try:
        pairs = iter(headers.items() if hasattr(headers, "items") else headers or ())
        kept = {keep_text(key): keep_text(value) for key, value in islice(pairs, NODE_LIMIT)}
        if next(pairs, None) is not None:
            degrade()
        return kept
    except Exception:  # whatever they are
        return Cut(told(headers))


def _number(value: Any) -> Any:
    """A number that is kept, rounded where it has a fraction; anything else is left for the worker to mend."""
    if type(value) is int:
        return min(max(value, -_LARGE), _LARGE)
    if type(value) is float:
        return round(value) if abs(value) < _LARGE else value
    return value if value is None else Cut(told(value))


def _nanoseconds(duration_ms: Any) -> int:
    if type(duration_ms) not in (int, float) or not 0 <= duration_ms < 2**44:
        return 0
    return int(duration_ms * 1_000_000)
