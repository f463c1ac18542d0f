"""Decorators that tell of calls: `track_function` and `track_method`, `track_async` and `async_tracked`.

A call is told when the body begins and when it ends, by return or by exception. Outside of a trace, and without a
client, nothing is told. Nothing here raises into the program.
"""

from __future__ import annotations

import contextlib
import inspect
import time
from collections.abc import Callable
from types import CodeType, TracebackType

from raceway.client import marks
from raceway.client.context import inherited
from raceway.client.default import get_client
from raceway.client.marks import keep
from raceway.client.tracking import Tracking
from raceway.client.wrapping import Block, wrapped
from raceway.model.typing import Any, TypeVar, overload
from raceway.pipeline.ids import new_uuid

_Target = TypeVar("_Target")


@overload
def track_function(client: Tracking | None = None) -> Callable[[_Target], _Target]: ...


@overload
def track_function(client: _Target) -> _Target: ...


def track_function(client: Any = None) -> Any:
    """Tell of every call of a function, method or class: `@track_function`, `@track_function()`,
    `@track_function(client)`. Also for async functions and generators."""
    return _decorator(client, lambda teller: lambda function: _calls(teller, function))


track_method = track_function


@overload
def async_tracked(client: Tracking | None = None) -> Callable[[_Target], _Target]: ...


@overload
def async_tracked(client: _Target) -> _Target: ...


def async_tracked(client: Any = None) -> Any:
    """Tell when an async function starts and when it has been waited for; what it starts is in the same trace."""
    return _decorator(client, lambda teller: lambda function: _awaits(teller, function))


track_async = async_tracked


def _decorator(given: Any, blocks: Callable[[Tracking | None], Callable[[Callable[..., Any]], Block]]) -> Any:
    """A decorator, or what it makes of `given` where that is no client."""
    if given is None or isinstance(given, Tracking):
        return lambda target: wrapped(target, blocks(given))
    return wrapped(given, blocks(None))


def _calls(client: Tracking | None, function: Callable[..., Any]) -> Block:
    about = _About(function)
    return lambda args, kwargs: _activation(_Call, client, about, args, kwargs)


def _awaits(client: Tracking | None, function: Callable[..., Any]) -> Block:
    about = _About(function)
    return lambda args, kwargs: _activation(_Await, client, about, args, kwargs)


def _activation(
    kind: type[_Call], given: Tracking | None, about: _About, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> contextlib.AbstractContextManager[Any]:
    client = given or get_client()
    if client is None or inherited() is None:
        return _NOTHING
    return kind(client, about, args, kwargs)


_NOTHING = contextlib.nullcontext()


class _About:
    """What is known of a function before it is called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        plain = inspect.unwrap(function)
        code = getattr(plain, "__code__", None)
        self.code: CodeType | None = code if isinstance(code, CodeType) else None
        self.name = getattr(plain, "__qualname__", type(plain).__qualname__).rpartition("<locals>.")[2]
        self.module = getattr(plain, "__module__", None) or ""
        self._parameters: tuple[str, ...] = self.code.co_varnames[: self.code.co_argcount] if self.code else ()

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name; what a method is called on is left out, extra ones have numbers."""
        names = self._parameters
        named = {names[at] if at < len(names) else str(at): value for at, value in enumerate(args)}
        named.update(kwargs)
        if names and names[0] in ("self", "cls"):
            named.pop(names[0], None)
        return named


class _Call:
    """One activation of a function, told as two calls: `name` and `name:return` or `name:error`."""

    def __init__(self, client: Tracking, about: _About, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.client = client
        self.about = about
        self._arguments = keep(about.arguments(args, kwargs), client.lossy)
        self._began = time.perf_counter_ns()

    def __enter__(self) -> None:
        self._tell(self.about.name, self._arguments, None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        duration = time.perf_counter_ns() - self._began
        is_error = kind is not None and not issubclass(kind, GeneratorExit)
        told = {"duration_ms": round(duration / 1e6, 3), "status": "error" if is_error else "success"}
        if is_error and kind is not None:
            told["error"] = kind.__name__
        self._tell(f"{self.about.name}:{'error' if is_error else 'return'}", told, duration)

    def _tell(self, name: str, args: Any, duration_ns: int | None) -> None:
        about = self.about
        place = None if about.code is None else (about.code, marks.DEFINITION)
        values = (name, about.module, args, None, None)
        self.client.note(marks.function_call, place, values, duration_ns)


class _Await(_Call):
    """One run of a coroutine: its start and its end."""

    def __enter__(self) -> None:
        self._task = new_uuid()
        place = None if self.about.code is None else (self.about.code, marks.DEFINITION)
        self.client.note(marks.async_spawn, place, (self._task, self.about.name))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        place = None if self.about.code is None else (self.about.code, marks.DEFINITION)
        duration = time.perf_counter_ns() - self._began
        self.client.note(marks.async_await, place, (self._task,), duration)
