"""ASGI: FastAPI, Starlette and any other application: `app.add_middleware(FastAPIMiddleware, client=client)`.

Pure ASGI: no response is buffered, streams and websockets go through as they are. The trace lasts until the application
has returned, so background tasks belong to it.
"""

from __future__ import annotations

from raceway.client.default import get_client
from raceway.middleware.exchange import Exchange
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.sync.wrappers import hide_frame

if TYPE_CHECKING:
    from raceway.client import RacewayClient


class RacewayMiddleware:
    """An ASGI application around another one. Without `client` the default client of the moment is used."""

    def __init__(self, app: Any, client: RacewayClient | None = None) -> None:
        self.app = app
        self._client = client

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        client = self._client or get_client()
        kind = scope["type"]
        if client is None or kind not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        method = scope.get("method", "GET") if kind == "http" else "WEBSOCKET"
        exchange = Exchange(client, method, _url(scope), scope.get("headers", ()))

        async def sending(message: Any) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                exchange.answered(message.get("status"), message.get("headers", ()))
            elif message["type"] == "websocket.accept":
                exchange.answered(101, message.get("headers", ()))
            elif message["type"] == "websocket.close":
                exchange.answered(403)  # closed before it was accepted
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except BaseException as error:
            hide_frame(error)
            exchange.failed(error)
            raise
        finally:
            exchange.close()


FastAPIMiddleware = RacewayMiddleware


def _url(scope: Any) -> str:
    query = scope.get("query_string", b"")
    path = scope.get("path", "")
    return f"{path}?{query.decode('latin-1')}" if query else str(path)
