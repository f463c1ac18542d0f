"""aiohttp: `web.Application(middlewares=[aiohttp_middleware(client)])`."""

from __future__ import annotations

from raceway.middleware.exchange import Exchange
from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.client import RacewayClient


def aiohttp_middleware(client: RacewayClient) -> Any:
    """The middleware of an application. A response that streams, or a websocket, is told when its handler returns."""

    async def middleware(request: Any, handler: Any) -> Any:
        exchange = Exchange(client, request.method, str(request.rel_url), list(request.headers.items()))
        try:
            response = await handler(request)
            exchange.answered(response.status, list(response.headers.items()))
            return response
        except BaseException as error:
            status = getattr(error, "status", None)
            if isinstance(status, int):  # an answer that is raised
                exchange.answered(status, list(getattr(error, "headers", {}).items()))
            else:
                exchange.failed(error)
            raise
        finally:
            exchange.close()

    middleware.__middleware_version__ = 1  # type: ignore[attr-defined]  # what `web.middleware` sets
    return middleware
