"""Flask: `middleware = flask_middleware(client)`, whose two methods the application's own hooks call.

The trace is left when the request is torn down, also when an exception kept `after_request` from being called.
"""

from __future__ import annotations

from raceway.middleware.exchange import Exchange
from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.client import RacewayClient

_KEY = "_raceway_exchange"


class FlaskMiddleware:
    """Tells of the requests of a Flask application. Nothing here raises into it."""

    def __init__(self, client: RacewayClient) -> None:
        self._client = client

    def before_request(self) -> None:
        """Begin the trace of the current request. Call it first of all hooks."""
        try:
            from flask import g, got_request_exception, request

            if getattr(g, _KEY, None) is not None:
                return
            exchange = Exchange(self._client, request.method, request.full_path.rstrip("?"), list(request.headers))
            setattr(g, _KEY, exchange)
            got_request_exception.connect(_failed)
            _at_teardown(exchange)
        except Exception:  # outside of a request, say
            self._client.lossy()

    def after_request(self, response: Any) -> Any:
        """Tell the answer; gives back the response."""
        try:
            from flask import g

            exchange = getattr(g, _KEY, None)
            if exchange is not None:
                exchange.answered(response.status_code, list(response.headers))
        except Exception:
            self._client.lossy()
        return response


def _at_teardown(exchange: Exchange) -> None:
    """Have the trace left at the very end of the request, whatever becomes of it."""
    from flask import request_tearing_down

    def left(_sender: object, **_about: object) -> None:
        request_tearing_down.disconnect(left)
        exchange.close()

    request_tearing_down.connect(left, weak=False)


def _failed(_sender: object, exception: BaseException | None = None, **_about: object) -> None:
    from flask import g

    exchange = getattr(g, _KEY, None)
    if exchange is not None and exception is not None:
        exchange.failed(exception)


def flask_middleware(client: RacewayClient) -> FlaskMiddleware:
    """The middleware of an application."""
    return FlaskMiddleware(client)
