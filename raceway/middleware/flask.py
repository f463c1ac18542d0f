"""Flask: `middleware = flask_middleware(client)`, whose two methods the application's own hooks call.

The trace is left when the request is torn down, also when an exception kept `after_request` from being called. An
answer that is streamed is made after that: then it is left when the server closes the answer.
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
            from flask import g, got_request_exception, request, request_tearing_down

            if getattr(g, _KEY, None) is not None:
                return
            exchange = Exchange(self._client, request.method, request.full_path.rstrip("?"), list(request.headers))
            setattr(g, _KEY, exchange)
            got_request_exception.connect(_failed)
            request_tearing_down.connect(_torn_down)
        except Exception:  # outside of a request, say
            self._client.lossy()

    def after_request(self, response: Any) -> Any:
        """Tell the answer; gives back the response."""
        try:
            from flask import g

            exchange = getattr(g, _KEY, None)
            if exchange is not None:
                exchange.answered(response.status_code, list(response.headers))
                if response.is_streamed:
                    response.call_on_close(exchange.close)
                    delattr(g, _KEY)
        except Exception:
            self._client.lossy()
        return response


def _torn_down(_sender: object, **_about: object) -> None:
    """The current request is at its very end, whatever has become of it."""
    from flask import g

    exchange = g.pop(_KEY, None)
    if exchange is not None:
        exchange.close()


def _failed(_sender: object, exception: BaseException | None = None, **_about: object) -> None:
    from flask import g

    exchange = getattr(g, _KEY, None)
    if exchange is not None and exception is not None:
        exchange.failed(exception)


def flask_middleware(client: RacewayClient) -> FlaskMiddleware:
    """The middleware of an application."""
    return FlaskMiddleware(client)
