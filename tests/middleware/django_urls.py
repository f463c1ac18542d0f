"""The views of the Django project under test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from raceway.client.default import get_client


def ok(_request: HttpRequest, number: str) -> HttpResponse:
    """Tells of one access."""
    client = get_client()
    assert client is not None
    client.track_state_change("a", None, number, "Write")
    return HttpResponse(number)


def fail(_request: HttpRequest) -> HttpResponse:
    """Raises."""
    raise ValueError("broken")


def pieces() -> Iterator[str]:
    """Two of them, each told while it is made."""
    client = get_client()
    assert client is not None
    for piece in ("one", "two"):
        client.track_state_change("piece", None, piece, "Write")
        yield piece


async def later() -> AsyncIterator[str]:
    """The same as ASGI wants them."""
    for piece in pieces():
        yield piece


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Two pieces."""
    return StreamingHttpResponse(later() if isinstance(request, ASGIRequest) else pieces())


urlpatterns: list[Any] = [path("ok/<number>", ok), path("fail", fail), path("stream", stream)]
