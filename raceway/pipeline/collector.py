"""The way to a collector: one HTTP client, made when it is first needed, that speaks to one origin only.

The API key goes with requests to the collector's own origin and nowhere else: redirects are followed by hand and only
within that origin, and no setting of the environment (proxies, netrc) takes part.
"""

from __future__ import annotations

import contextlib
import select
from collections.abc import Callable
from socket import SHUT_RDWR, socket
from urllib.parse import urljoin, urlsplit

import httpx

from raceway.errors import ConfigError
from raceway.model.typing import Any
from raceway.originals import monotonic
from raceway.pipeline.answers import Answer
from raceway.pipeline.endings import importing

CONNECT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 4.0
"""Seconds without a byte after which an answer is given up, unless the caller knows better."""

_LOOKING = 0.1
"""Seconds between two calls of `meanwhile`."""

_BODY = 4096
_REDIRECTS = 3
_KEPT = {307, 308}
"""Redirects that keep method and body."""


_inherited: list[httpx.Client] = []
"""Clients of the parent process."""


class UnreachableError(Exception):
    """There was no answer. `too_slow`: there was none in time, and what was sent may have arrived."""

    def __init__(self, why: str, *, too_slow: bool = False) -> None:
        super().__init__(why)
        self.too_slow = too_slow


class Collector:
    """Posts bodies to `endpoint`/events. Raises ConfigError for an endpoint that is no HTTP address.

    `meanwhile` is called now and then while an answer is waited for, in the thread that waits.
    """

    def __init__(self, endpoint: str, api_key: str | None = None) -> None:
        self.meanwhile: Callable[[], object] = _nothing
        self.url = events_url(endpoint)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if api_key:
            if not api_key.isascii() or not api_key.isprintable():
                raise ConfigError("the API key has characters that no HTTP header can hold")
            self._headers |= {"Authorization": f"Bearer {api_key}", "X-Raceway-Key": api_key}
        self._client: httpx.Client | None = None
        self._connection: socket | None = None
        self._patience = ANSWER_TIMEOUT
        self._interrupted = False

    def post(self, body: bytes, encoding: str = "", patience: float = ANSWER_TIMEOUT) -> Answer:
        """Send a body, encoded as named, and wait so many seconds for an answer. Raises UnreachableError."""
        if self._interrupted:
            raise UnreachableError("no answer before the end")
        self._patience = patience
        headers = self._headers | ({"Content-Encoding": encoding} if encoding else {})
        url = self.url
        for _ in range(_REDIRECTS + 1):
            answer = self._exchange(url, body, headers)
            target = _target(url, answer) if answer.status in _KEPT else ""
            if not same_origin(target, self.url):
                break
            url = target
        return answer

    def _exchange(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        if self._client is None:
            with importing:
                self._client = httpx.Client(
                    limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=20.0),
                    follow_redirects=False,
                    trust_env=False,
                )
                "".encode("idna")  # imports, too, as does whoever looks up a host first
        try:
            timeout = httpx.Timeout(self._patience, connect=min(self._patience, CONNECT_TIMEOUT))
            options: dict[str, Any] = {"timeout": timeout, "extensions": {"trace": self._follow}}
            with self._client.stream("POST", url, content=body, headers=headers, **options) as response:
                text = b""
                for chunk in response.iter_bytes(_BODY):
                    text += chunk
                    if len(text) >= _BODY:
                        break
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, found, text[:_BODY].decode("utf-8", "replace"))
        except httpx.ReadTimeout:
            raise UnreachableError(f"no answer in {self._patience:.3g} s", too_slow=True) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            why = "no answer before the end" if self._interrupted else f"{type(error).__name__}: {error}"
            raise UnreachableError(why) from None

    def _follow(self, step: str, about: dict[str, Any]) -> None:
        """Know the connection, which httpx keeps to itself, so that it can be broken off, and wait for answers."""
        if step == "http11.receive_response_headers.started":
            self._wait()
        elif step in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._connection = about["return_value"].get_extra_info("socket")

    def _wait(self) -> None:
        """Wait until there is something to read. Raises httpx.ReadTimeout."""
        connection, until = self._connection, monotonic() + self._patience
        while connection is not None and not _is_readable(connection, min(until - monotonic(), _LOOKING)):
            if monotonic() >= until:
                raise httpx.ReadTimeout("no answer")
            self.meanwhile()

    def interrupt(self) -> None:
        """Break off the request that another thread waits for; there will be no other one."""
        self._interrupted = True
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._connection = None
        if self._client is not None:
            self._client.close()
            self._client = None

    def after_fork(self) -> None:
        """In a forked child: the connection is the parent's. It stays open: closing takes locks that may be held."""
        if self._client is not None:
            _inherited.append(self._client)
        self._client = self._connection = None


def _nothing() -> None:
    pass


def _is_readable(connection: socket, seconds: float) -> bool:
    """Whether there is something to read, or the end of it, within so many seconds."""
    if not hasattr(select, "poll"):
        return bool(select.select([connection], [], [], max(seconds, 0))[0])
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(max(seconds, 0) * 1000))


def events_url(endpoint: str) -> str:
    """Where events are posted. Raises ConfigError."""
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"endpoint: {endpoint!r} is not an address such as http://localhost:8080")
    return f"{endpoint.rstrip('/')}/events"


def _target(url: str, answer: Answer) -> str:
    """Where a redirect leads; empty for nowhere."""
    try:
        return urljoin(url, answer.headers.get("location", ""))
    except ValueError:
        return ""


def same_origin(first: str, second: str) -> bool:
    """Whether scheme, host and port of two addresses are the same."""
    return _origin(first) == _origin(second)


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", -1
    return parts.scheme, parts.hostname or "", port or {"http": 80, "https": 443}.get(parts.scheme)
