"""The public face of contexts: make one, hand one over, ask for it, or have one around a function or a block."""

from __future__ import annotations

from contextvars import Token
from types import TracebackType

from raceway.client import inheritance
from raceway.client.actors import Context
from raceway.client.context import begin, current, enter, leave
from raceway.client.default import default_service
from raceway.client.propagation import incoming
from raceway.client.wrapping import wrapped
from raceway.model.typing import Any, TypeVar, overload

_Target = TypeVar("_Target")

_EVERYBODY = object()
"""Stands among clients for a program that uses contexts without one."""


def create_context(headers: object = None) -> Context:
    """Begin a trace and make it the current one; `headers` of an incoming request continue the trace of its caller."""
    inheritance.start(_EVERYBODY)
    context = begin(default_service(), incoming(headers))
    enter(context)
    return context


def set_context(context: Context | None) -> None:
    """Go on from this point: here, in another thread, in another task. Another flow than the one that was at the point
    is an actor of its own, which happens after it. None leaves the trace."""
    enter(context)


def get_context() -> Context | None:
    """The point at which the flow that calls is in its trace; None outside of any."""
    return current()


class _Entered:
    """One trace around a block."""

    def __init__(self, headers: object) -> None:
        self._headers = headers
        self._tokens: list[Token[Context | None]] = []

    def __enter__(self) -> Context:
        inheritance.start(_EVERYBODY)
        context = begin(default_service(), incoming(self._headers))
        self._tokens.append(enter(context))
        return context

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._tokens:
            leave(self._tokens.pop())

    async def __aenter__(self) -> Context:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: _Target) -> _Target:
        """The function with a trace of its own around every call."""
        made: _Target = wrapped(function, lambda _function: lambda _args, _kwargs: _Entered(self._headers))
        return made


@overload
def raceway_context(function: None = None, *, headers: object = None) -> _Entered: ...


@overload
def raceway_context(function: _Target) -> _Target: ...


def raceway_context(function: Any = None, *, headers: object = None) -> Any:
    """A trace around each call of a function, or around a block: `@raceway_context`, `with raceway_context():`.

    What was current before is current again afterwards. Also for async functions, generators and `async with`.
    """
    entered = _Entered(headers)
    return entered if function is None else entered(function)
