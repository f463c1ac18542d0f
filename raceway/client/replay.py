"""Where the events of a trace come from when somebody wants to see them again: a file, a client, a collector."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from raceway.client.client import RacewayClient
from raceway.client.default import get_client
from raceway.errors import RacewayError
from raceway.model.events import Event
from raceway.model.typing import Any
from raceway.pipeline.ids import uuid_of
from raceway.pipeline.packed import packed

_TIMEOUT = 10.0


def events_of(trace_id: str, source: Any) -> list[Event]:
    """The events of one trace. Raises RacewayError when the source cannot be read."""
    wanted = uuid_of(trace_id)
    if source is None:
        source = get_client()
        if source is None:
            raise RacewayError("trace_replay needs a source: a file, a client or the address of a collector")
    if isinstance(source, RacewayClient):
        source.flush()
        found = _of_collector(source.config.endpoint, wanted, source.config.api_key)
    elif isinstance(source, str) and source.startswith(("http://", "https://")):
        found = _of_collector(source, wanted, None)
    else:
        found = list(_of_file(os.fspath(source)))
    return [event for event in found if event.trace_id == wanted]


def vector_order(events: Iterable[Event]) -> list[Event]:
    """The events in an order that their clocks allow: what happens before has a smaller sum, and comes first."""
    return sorted(events, key=lambda event: (sum(count for _, count in event.causality_vector), event.timestamp))


def _of_file(path: str) -> Iterator[Event]:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise RacewayError(f"cannot read {path}: {error.strerror}") from None
    try:
        if path.endswith(".msgpack"):
            yield from map(msgspec.msgpack.Decoder(Event).decode, packed(content))
        else:
            yield from map(msgspec.json.Decoder(Event).decode, _lines(content))
    except (msgspec.MsgspecError, ValueError) as error:
        raise RacewayError(f"{path} is not a file of events, as JSON one a line or as msgpack: {error}") from None


def _lines(content: bytes) -> list[bytes]:
    """All lines but a last one that was torn, when its process was killed."""
    *lines, last = content.split(b"\n")
    if lines and not last.endswith(b"}"):
        last = b""
    return [line for line in (*lines, last) if line]


def _of_collector(endpoint: str, trace_id: str, api_key: str | None) -> list[Event]:
    import httpx

    headers = {"Authorization": f"Bearer {api_key}", "X-Raceway-Key": api_key} if api_key else {}
    address = f"{endpoint.rstrip('/')}/api/traces/{quote(trace_id)}"
    try:
        answer = httpx.get(address, headers=headers, timeout=_TIMEOUT, follow_redirects=False, trust_env=False)
        if answer.status_code == 404:
            return []
        answer.raise_for_status()
        document = answer.json()
        return msgspec.convert((document.get("data") or {}).get("events", []), list[Event], strict=False)
    except (httpx.HTTPError, ValueError, AttributeError, msgspec.MsgspecError) as error:
        raise RacewayError(f"cannot get trace {trace_id} from {endpoint}: {error}") from None
