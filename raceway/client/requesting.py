"""`client.request`: an HTTP call that takes the trace along. It takes what users of `requests` pass, and uses httpx.

What goes wrong with the call itself is raised as httpx raises it. The API key of the collector is never part of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

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
        headers = _with_cookies(_pairs(options.pop("headers", None)), options.pop("cookies", None))
        options["headers"] = headers if context is None else outgoing(sent(context), headers)
        client = self._client({name: options.pop(name) for name in _CLIENT_OPTIONS if name in options})
        return client.request(method, _with_query(url, options.pop("params", None)), **_as_httpx(options))

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


def _with_cookies(headers: dict[str, Any], cookies: Any) -> dict[str, Any]:
    """Cookies of one call, which httpx knows of whole clients only, as the header that they are. One of the caller's
    stays as it is."""
    if not cookies or any(name.lower() == "cookie" for name in headers):
        return headers
    pairs = cookies.items() if hasattr(cookies, "items") else ((cookie.name, cookie.value) for cookie in cookies)
    return {**headers, "Cookie": "; ".join(f"{name}={value}" for name, value in pairs if value is not None)}


def _with_query(url: Any, params: Any) -> Any:
    """The address with these parameters behind those that it has: httpx would leave out its own."""
    if not params:
        return url
    import httpx

    if isinstance(params, bytes):
        params = params.decode("utf-8")
    more = params if isinstance(params, str) else str(httpx.QueryParams(_without_none(params)))
    if not more:
        return url
    address, mark, fragment = str(url).partition("#")
    joint = "&" if urlsplit(address).query else "" if address.endswith("?") else "?"
    return f"{address}{joint}{more}{mark}{fragment}"


def _without_none(fields: Any) -> Any:
    """Fields of a form or query: None takes one out, as in `requests`."""
    if hasattr(fields, "items"):
        return {name: value for name, value in fields.items() if value is not None}
    if isinstance(fields, Iterable):
        return [pair for pair in fields if not (isinstance(pair, tuple) and len(pair) == 2 and pair[1] is None)]
    return fields


def _text(name: Any) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


def _as_httpx(options: dict[str, Any]) -> dict[str, Any]:
    """The options of `requests` in the words of httpx."""
    found = dict(options)
    if "allow_redirects" in found:
        found["follow_redirects"] = found.pop("allow_redirects")
    data = found.get("data")
    if hasattr(data, "items"):
        found["data"] = _without_none(data)
    elif data is not None:
        if isinstance(data, (list, tuple)):  # pairs of a form
            found["data"] = _form(_without_none(data))
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
