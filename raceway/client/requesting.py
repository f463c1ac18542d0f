"""`client.request`: an HTTP call that takes the trace along. It takes what users of `requests` pass, and uses httpx.

What goes wrong with the call itself is raised as httpx raises it. The API key of the collector is never part of it.
"""

from __future__ import annotations

from raceway.client.context import current, sent
from raceway.client.propagation import outgoing
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.originals import allocate_lock

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT = 30.0
"""Seconds for a connection when the caller says nothing; an answer may take as long as it takes, as in `requests`."""

_CLIENT_OPTIONS = ("verify", "cert", "proxy", "trust_env", "http2")
"""What httpx is told when a client is made, and `requests` users say per call."""


class Requesting:
    """The HTTP clients of one RacewayClient: one, and one more for each way of checking certificates."""

    def __init__(self) -> None:
        self._clients: dict[object, httpx.Client] = {}
        self._lock = allocate_lock()

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Make the call, within the trace that is active, if any."""
        context = current()
        if context is not None:
            options["headers"] = outgoing(sent(context), _pairs(options.get("headers")))
        client = self._client({name: options.pop(name) for name in _CLIENT_OPTIONS if name in options})
        return client.request(method, url, **_as_httpx(options))

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def _client(self, options: dict[str, Any]) -> httpx.Client:
        key = tuple(sorted((name, repr(value)) for name, value in options.items()))
        with self._lock:
            client = self._clients.get(key)
            if client is None:
                import httpx

                timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT)
                client = self._clients[key] = httpx.Client(follow_redirects=True, timeout=timeout, **options)
            return client


def _pairs(headers: Any) -> dict[str, Any]:
    """Headers of the caller, whatever they are given as; None takes one out, as in `requests`."""
    if not headers:
        return {}
    pairs = headers.items() if hasattr(headers, "items") else headers
    return {_text(name): value for name, value in pairs if value is not None}


def _text(name: Any) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


def _as_httpx(options: dict[str, Any]) -> dict[str, Any]:
    """The options of `requests` in the words of httpx."""
    found = dict(options)
    if "allow_redirects" in found:
        found["follow_redirects"] = found.pop("allow_redirects")
    data = found.get("data")
    if data is not None and not hasattr(data, "items"):
        if isinstance(data, (list, tuple)):  # pairs of a form
            found["data"] = _form(data)
        else:
            found["content"] = found.pop("data")
    timeout = found.get("timeout")
    if isinstance(timeout, tuple):
        import httpx

        connect, read = timeout
        found["timeout"] = httpx.Timeout(read, connect=connect)
    found.pop("stream", None)  # an answer is read whole
    return found


def _form(pairs: Any) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form
