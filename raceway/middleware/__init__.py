"""Middleware: one trace around each request. Every framework has its own module, which imports without the framework.

A request begins a trace, or continues that of its caller, and is told as `HttpRequest`, `HttpResponse` and, where the
handler raised, `Error`. Nothing here raises into the application.
"""

from __future__ import annotations

from importlib import import_module

from raceway.model.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raceway.middleware.aiohttp import aiohttp_middleware as aiohttp_middleware
    from raceway.middleware.asgi import FastAPIMiddleware as FastAPIMiddleware
    from raceway.middleware.asgi import RacewayMiddleware as RacewayMiddleware
    from raceway.middleware.flask import flask_middleware as flask_middleware

__all__ = ["FastAPIMiddleware", "RacewayMiddleware", "aiohttp_middleware", "flask_middleware"]

_HOMES = {
    "FastAPIMiddleware": "raceway.middleware.asgi",
    "RacewayMiddleware": "raceway.middleware.asgi",
    "aiohttp_middleware": "raceway.middleware.aiohttp",
    "flask_middleware": "raceway.middleware.flask",
}


def __getattr__(name: str) -> object:
    """The middleware of that name, imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_HOMES[name]), name)
    return found
