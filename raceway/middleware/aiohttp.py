"""aiohttp: `web.Application(middlewares=[aiohttp_middleware(client)])`."""

from __future__ import annotations

from raceway.middleware.exchange import Exchange
from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.client import RacewayClient


def aiohttp_middleware(client: RacewayClient) -> Any:
    """The middleware of an application. A response that streams, or a websocket, is told when its handler returns."""
    from aiohttp.web import HTTPException, StreamResponse

    async def middleware(request: Any, handler: Any) -> Any:
        exchange = Exchange(client, request.method, str(request.rel_url), list(request.headers.items()))
        try:
            response = await handler(request)
            if isinstance(response, StreamResponse):
                exchange.answered(response.status, response.headers)
            return response
        except HTTPException as error:  # an answer that is raised
            exchange.answered(error.status, error.headers)
            raise
        except BaseException as error:
            exchange.failed(error)
            raise
        finally:
            exchange.close()

    middleware.__middleware_version__ = 1  # type: ignore[attr-defined]  # what `web.middleware` sets
    return middleware
