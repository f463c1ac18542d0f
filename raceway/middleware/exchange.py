"""One request and its answer, as every middleware tells it."""

from __future__ import annotations

import time
from contextvars import Token

from raceway.client import marks
from raceway.client.actors import Context
from raceway.client.context import begin, enter, leave
from raceway.client.keeping import keep_message
from raceway.client.propagation import incoming
from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.client import RacewayClient


class Exchange:
    """The trace around one request. All methods are for the flow that handles it, and never raise.

    `method`, `url` and `headers` (pairs or a mapping, of str or bytes) are those of the request.
    """

    def __init__(self, client: RacewayClient, method: str, url: str, headers: Any) -> None:
        self._client = client
        self._began = time.perf_counter_ns()
        self._ended = False
        self._token: Token[Context | None] | None = None
        try:
            pairs = _pairs(headers)
            route = _text(method), _text(url)
            self._token = enter(begin(client.service, incoming(pairs), route))
            if client.listens:
                client.note(marks.http_request, None, (*route, dict(pairs), None))
        except Exception:  # a fault of ours costs the request its events
            client.lossy()

    def failed(self, error: BaseException) -> None:
        """The handler raised."""
        if not self._client.listens:
            return
        try:
            place, stack = _place(error)
            self._client.note(marks.error, place, (type(error).__name__, keep_message(error), stack))
        except Exception:
            self._client.lossy()

    def answered(self, status: Any, headers: Any = None) -> None:
        """The answer is there; only the first one counts."""
        if self._ended:
            return
        self._ended = True
        if not self._client.listens:
            return
        duration = time.perf_counter_ns() - self._began
        try:
            values = (_status(status), dict(_pairs(headers or ())), None, duration // 1_000_000)
            self._client.note(marks.http_response, None, values, duration)
        except Exception:
            self._client.lossy()

    def close(self) -> None:
        """Leave the trace. A request without an answer counts as failed."""
        self.answered(500)
        if self._token is not None:
            leave(self._token)
            self._token = None


def _place(error: BaseException) -> tuple[Any, list[str]]:
    """Where it was raised, and the way there, innermost first."""
    stack: list[str] = []
    place = None
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = (code, traceback.tb_lasti)
        stack.insert(0, f"{code.co_filename}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return place, stack[:48]


def _pairs(headers: Any) -> list[tuple[str, str]]:
    pairs = headers.items() if hasattr(headers, "items") else headers
    return [(_text(name), _text(value)) for name, value in pairs]


def _text(value: Any) -> str:
    if type(value) is bytes:
        return value.decode("latin-1")
    return str.__str__(value) if issubclass(type(value), str) else ""


def _status(status: Any) -> int:
    return int(status) if isinstance(status, int) else 0
