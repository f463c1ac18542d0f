"""The default client: the one constructed last, until it is shut down. Decorators without a client use it."""

from __future__ import annotations

from raceway.client.actors import Service
from raceway.model.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raceway.client.client import RacewayClient

_clients: list[RacewayClient] = []


def set_client(client: RacewayClient) -> None:
    """This is the default client from now on."""
    _clients[:] = [client]


def unset_client(client: RacewayClient) -> None:
    """This one is it no more."""
    if client in _clients:
        _clients.clear()


def get_client() -> RacewayClient | None:
    """The default client, None where there is none."""
    return _clients[-1] if _clients else None


def default_service() -> Service:
    """Who is tracing where no client says so."""
    client = get_client()
    return Service() if client is None else client.service
