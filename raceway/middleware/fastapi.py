"""FastAPI and Starlette, under the name that their users look for."""

from __future__ import annotations

from raceway.middleware.asgi import FastAPIMiddleware

__all__ = ["FastAPIMiddleware"]
