"""Decorators that tell of calls: `track_function` and `track_method`, `track_async` and `async_tracked`.

A call is told when the body begins and when it ends, by return or by exception. Outside of a trace, and without a
client, nothing is told. Nothing here raises into the program.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import time
from collections.abc import Callable
from types import CodeType, TracebackType

from raceway.client import marks
from raceway.client.context import inherited, mark
from raceway.client.default import get_client
from raceway.client.keeping import Few, keep_arguments, snapshot
from raceway.client.tracking import Tracking
from raceway.client.wrapping import Block, each_method, wrapped
from raceway.model.events import EventKind
from raceway.model.typing import TYPE_CHECKING, Any, TypeVar, overload
from raceway.pipeline.ids import new_uuid
from raceway.sync.wrappers import hide_frame

if TYPE_CHECKING:
    from raceway.client.teller import Teller

_Target = TypeVar("_Target")


@overload
def track_function(client: Tracking | None = None) -> Callable[[_Target], _Target]: ...


@overload
def track_function(client: _Target) -> _Target: ...


def track_function(client: Any = None) -> Any:
    """Tell of every call of a function, method or class: `@track_function`, `@track_function()`,
    `@track_function(client)`. Also for async functions and generators."""
    return _decorator(client, _calls, _told)


track_method = track_function


@overload
def async_tracked(client: Tracking | None = None) -> Callable[[_Target], _Target]: ...


@overload
def async_tracked(client: _Target) -> _Target: ...


def async_tracked(client: Any = None) -> Any:
    """Tell when an async function starts and when it has been waited for; what it starts is in the same trace."""
    return _decorator(client, _awaits)


track_async = async_tracked

_TOLD = "_raceway_told"
"""Attribute of functions whose calls are told: of those of a decorated class some may be, and are not told twice."""


def _decorator(
    given: Any,
    block: Callable[[Tracking | None, Callable[..., Any]], Block],
    plain: Callable[[Tracking | None, Callable[..., Any]], Callable[..., Any]] | None = None,
) -> Any:
    """A decorator, or what it makes of `given` where that is no client."""
    client = given if given is None or isinstance(given, Tracking) else None

    def decorated(target: Any) -> Any:
        if isinstance(target, type):
            return each_method(target, decorated)
        if getattr(getattr(target, "__func__", target), _TOLD, None) is block:
            return target
        wrap = None if plain is None else functools.partial(plain, client)
        made = wrapped(target, functools.partial(block, client), wrap)
        function = getattr(made, "__func__", made)
        if inspect.isfunction(function):
            setattr(function, _TOLD, block)
        return made

    return decorated if given is client else decorated(given)


def _told(given: Tracking | None, function: Callable[..., Any]) -> Callable[..., Any]:
    """A plain function that tells of its calls: what `_Call` does around others, with less ado."""
    about = _About(function)
    place, entered, left, of_owner = about.place, about.entered, about.left, about.of_owner
    now, keep, much = time.perf_counter_ns, keep_arguments, about.whole

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        client, context = given or get_client(), inherited()
        if client is None or context is None or context.actor.weight >= client.sampling.share:
            return function(*args, **kwargs)
        kept = keep(args, kwargs, client.briefly, of_owner) or much(args, kwargs, client)
        client.put(mark(context, entered, place, kept))
        began = now()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            duration = now() - began
            client.note(left, place, (duration, type(error).__name__), duration)
            hide_frame(error)
            raise
        duration, context = now() - began, inherited()
        if context is not None and context.actor.weight < client.sampling.share:  # as in `note`
            client.put(mark(context, left, place, (duration, ""), duration))
        return result

    return wrapper


def _calls(client: Tracking | None, function: Callable[..., Any]) -> Block:
    return _block(_Call, client, function)


def _awaits(client: Tracking | None, function: Callable[..., Any]) -> Block:
    return _block(_Await, client, function)


def _block(kind: type[_Call], given: Tracking | None, function: Callable[..., Any]) -> Block:
    """What stands around the activations of the function, if they are told."""
    about = _About(function)

    def block(args: tuple[Any, ...], kwargs: dict[str, Any]) -> contextlib.AbstractContextManager[Any]:
        client = given or get_client()
        return kind(client, about, args, kwargs) if client is not None and client.listens else _NOTHING

    return block


_NOTHING = contextlib.nullcontext()


class _About:
    """What is known of a function before it is called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        plain = inspect.unwrap(function)
        code = getattr(plain, "__code__", None)
        self.code: CodeType | None = code if isinstance(code, CodeType) else None
        self.place: marks.Place = None if self.code is None else (self.code, marks.DEFINITION)
        self.name = getattr(plain, "__qualname__", type(plain).__qualname__).rpartition("<locals>.")[2]
        self.module = getattr(plain, "__module__", None) or ""
        self._parameters: tuple[str, ...] = self.code.co_varnames[: self.code.co_argcount] if self.code else ()
        self.of_owner = bool(self._parameters) and self._parameters[0] in ("self", "cls")

    def entered(self, teller: Teller, place: marks.Place, values: tuple[Any, ...]) -> EventKind:
        """What `kept` or `whole` gave: as `marks.function_call`."""
        given = values[0] if len(values) == 1 else Few(self.arguments(*values))
        return marks.function_call(teller, place, (self.name, self.module, given, None, None))

    def left(self, teller: Teller, place: marks.Place, values: tuple[Any, ...]) -> EventKind:
        """Nanoseconds in the function, name of the error, empty for none: as `marks.function_call`."""
        duration_ns, error = values
        told = {"duration_ms": round(duration_ns / 1e6, 3), "status": "error" if error else "success"}
        if error:
            told["error"] = error
        name = f"{self.name}:{'error' if error else 'return'}"
        return marks.function_call(teller, place, (name, self.module, told, None, None))

    def kept(self, args: tuple[Any, ...], kwargs: dict[str, Any], client: Tracking) -> tuple[Any, ...]:
        """The arguments, so that they do not change any more: by position and by keyword, which get their names in the
        worker, or where they are much all together."""
        kept = keep_arguments(args, kwargs, client.briefly, self.of_owner)
        return self.whole(args, kwargs, client) if kept is None else kept

    def whole(self, args: tuple[Any, ...], kwargs: dict[str, Any], client: Tracking) -> tuple[Any, ...]:
        """The same of much: all together."""
        whole, lossless = snapshot(self.arguments(args, kwargs))
        if not lossless:
            client.lossy()
        return (whole,)

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name; what a method is called on is left out, extra ones have numbers."""
        names = self._parameters
        named = {names[at] if at < len(names) else str(at): value for at, value in enumerate(args)}
        named.update(kwargs)
        if self.of_owner:
            named.pop(names[0], None)
        return named


class _Call:
    """One activation of a function, told as two calls: `name` and `name:return` or `name:error`."""

    __slots__ = ("_began", "_given", "about", "client")

    def __init__(self, client: Tracking, about: _About, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.client = client
        self.about = about
        self._given = about.kept(args, kwargs, client)
        self._began = time.perf_counter_ns()

    def __enter__(self) -> None:
        about = self.about
        self.client.note(about.entered, about.place, self._given)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        about, duration = self.about, time.perf_counter_ns() - self._began
        failed = "" if kind is None or issubclass(kind, GeneratorExit) else kind.__name__
        self.client.note(about.left, about.place, (duration, failed), duration)


class _Await(_Call):
    """One run of a coroutine: its start and its end."""

    __slots__ = ("_task",)

    def __enter__(self) -> None:
        self._task = new_uuid()
        self.client.note(marks.async_spawn, self.about.place, (self._task, self.about.name))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        duration = time.perf_counter_ns() - self._began
        self.client.note(marks.async_await, self.about.place, (self._task,), duration)
