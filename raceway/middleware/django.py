"""Django, sync and async: `MIDDLEWARE = ["raceway.middleware.django.RacewayMiddleware", ...]`.

`settings.RACEWAY`, a dictionary of the fields of `Config`, makes a client when Django starts; without it the default
client is used.
"""

from __future__ import annotations

from raceway.client.default import get_client
from raceway.middleware.exchange import Exchange
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.originals import allocate_lock

if TYPE_CHECKING:
    from raceway.client import RacewayClient

_configured: dict[str, RacewayClient] = {}
_lock = allocate_lock()


class RacewayMiddleware:
    """Tells of the requests of a Django project."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        _client()  # of the settings: made here, where Django starts, it can mind SIGTERM
        self._is_async = _is_coroutine_function(get_response)
        if self._is_async:
            _mark_coroutine_function(self)

    def __call__(self, request: Any) -> Any:
        if self._is_async:
            return self._answer(request)
        exchange = _exchange(request)
        if exchange is None:
            return self.get_response(request)
        try:
            response = self.get_response(request)
        except BaseException as error:
            exchange.failed(error)
            exchange.close()
            raise
        return _answered(exchange, response)

    async def _answer(self, request: Any) -> Any:
        exchange = _exchange(request)
        if exchange is None:
            return await self.get_response(request)
        try:
            response = await self.get_response(request)
        except BaseException as error:
            exchange.failed(error)
            exchange.close()
            raise
        return _answered(exchange, response)

    def process_exception(self, request: Any, exception: BaseException) -> None:
        """A view raised; Django makes an answer of it."""
        exchange = getattr(request, "_raceway_exchange", None)
        if exchange is not None:
            exchange.failed(exception)


def _answered(exchange: Exchange, response: Any) -> Any:
    """The response, told; the trace is left, or when the server closes a response whose content is made only then."""
    exchange.answered(response.status_code, response.headers)
    closers = getattr(response, "_resource_closers", None)
    if getattr(response, "streaming", False) and type(closers) is list:
        closers.append(exchange.close)
    else:
        exchange.close()
    return response


def _exchange(request: Any) -> Exchange | None:
    client = _client()
    if client is None:
        return None
    exchange = Exchange(client, request.method, request.get_full_path(), request.headers)
    request._raceway_exchange = exchange
    return exchange


def _client() -> RacewayClient | None:
    """The client of the settings, made once, else the default one. Raises ConfigError when it is made."""
    from django.conf import settings

    fields = getattr(settings, "RACEWAY", None)
    if not isinstance(fields, dict):
        return get_client()
    with _lock:
        if "client" not in _configured:
            from raceway.client import Config, RacewayClient

            _configured["client"] = RacewayClient(Config(**fields))
        return _configured["client"]


def _is_coroutine_function(function: Any) -> bool:
    from asgiref.sync import iscoroutinefunction

    return bool(iscoroutinefunction(function))


def _mark_coroutine_function(function: Any) -> None:
    from asgiref.sync import markcoroutinefunction

    markcoroutinefunction(function)
