"""The headers that carry a trace from one service to the next: `traceparent`, `tracestate` and `raceway-clock`.

Writing and reading are pure functions. What comes in is anybody's: a header that is not well-formed is ignored as if it
were absent, and so is each entry of a clock that is none.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping

from raceway.client.actors import KNOWN_LIMIT, NOTHING, Context, Incoming, new_span
from raceway.client.sampling import LEFT_OUT
from raceway.model.events import Vector
from raceway.model.typing import Any
from raceway.pipeline.ids import uuid_of

TRACEPARENT, TRACESTATE, CLOCK = "traceparent", "tracestate", "raceway-clock"
HEADERS = (TRACEPARENT, TRACESTATE, CLOCK)

_VERSION = "v1;"
_SIZE_LIMIT = 65_536
"""Characters of a header that is looked at."""

_NAME_LIMIT = 512
_COUNT_LIMIT = 2**63 - 1
_HEX = re.compile(r"[0-9a-fA-F]+")
_UUID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


def outgoing(context: Context, extra: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The headers of one call made at this point, which has counted it. Those of the caller win, in any case."""
    trace, actor = context.actor.trace, context.actor
    child = new_span()
    told = {
        "trace_id": trace.trace_id,
        "span_id": child,
        "parent_span_id": trace.span_id,
        "service": trace.service.name,
        "instance": actor.instance,
        "clock": context.clock,
    }
    packed = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")
    headers = {
        TRACEPARENT: f"00-{trace.trace_id.replace('-', '')}-{child}-{'01' if trace.weight < LEFT_OUT else '00'}",
        CLOCK: _VERSION + base64.urlsafe_b64encode(packed).rstrip(b"=").decode(),
    }
    if trace.tracestate:
        headers[TRACESTATE] = trace.tracestate
    given = _given(extra)
    named = {name.lower() for name in given}
    return {**{name: value for name, value in headers.items() if name not in named}, **given}


def _given(headers: Any) -> dict[str, Any]:
    """The headers that a caller has of its own: a mapping or pairs; none where they are neither."""
    try:
        pairs = headers.items() if hasattr(headers, "items") else headers or ()
        return {_text(name): value for name, value in pairs if _text(name)}
    except Exception:
        return {}


def incoming(headers: object) -> Incoming:
    """What a caller told. `headers` is a mapping or pairs, of str or bytes, in any case, or None; never raises."""
    try:
        return NOTHING if headers is None else _incoming(_ours(headers))
    except Exception:  # whatever they are: the request goes on
        return NOTHING


def _ours(headers: Any) -> dict[str, str]:
    """Our headers by their names."""
    if isinstance(headers, Mapping) or hasattr(headers, "items"):
        headers = headers.items()
    found: dict[str, str] = {}
    for name, value in headers:
        known = _text(name).lower()
        if known in HEADERS:
            found.setdefault(known, _text(value))
    return found


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _incoming(headers: Mapping[str, str]) -> Incoming:
    trace_id, span_id = _of_traceparent(headers.get(TRACEPARENT, ""))
    distributed = bool(trace_id)
    upstream = ""
    clock: Vector = ()
    told = _of_clock(headers.get(CLOCK, ""))
    if told is not None:
        distributed = True
        trace_id = _uuid(told.get("trace_id")) or trace_id
        span_id = _span(told.get("span_id")) or span_id
        upstream = _span(told.get("parent_span_id"))
        clock = _vector(told.get("clock"))
    state = headers.get(TRACESTATE, "").strip()
    state = state if len(state) <= _SIZE_LIMIT and _PRINTABLE.fullmatch(state) else ""
    sampled = None if told is None or not trace_id else _is_sampled(headers.get(TRACEPARENT, ""))
    return Incoming(trace_id, span_id, upstream, state, clock, distributed, sampled)


def _is_sampled(header: str) -> bool | None:
    """What a caller that traces as we do has decided; of other callers the flag says something else."""
    flags = header.strip().rpartition("-")[2]
    return None if not header or len(flags) != 2 or _HEX.fullmatch(flags) is None else bool(int(flags, 16) & 1)


def _of_traceparent(header: str) -> tuple[str, str]:
    """Trace id and span id; both empty when it is not well-formed."""
    if len(header) > _NAME_LIMIT:
        return "", ""
    parts = header.strip().split("-")
    if len(parts) != 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return "", ""
    if _HEX.fullmatch(parts[1]) is None or _HEX.fullmatch(parts[2]) is None:
        return "", ""
    return _hyphenated(parts[1].lower()), parts[2].lower()


def _of_clock(header: str) -> dict[str, Any] | None:
    """What the clock header holds; None when it is not well-formed."""
    if not header.startswith(_VERSION) or len(header) > _SIZE_LIMIT:
        return None
    try:
        packed = header[len(_VERSION) :].rstrip("=").encode("ascii")
        content = base64.b64decode(packed + b"=" * (-len(packed) % 4), b"-_", validate=True)
        told = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _vector(entries: object) -> Vector:
    if not isinstance(entries, list):
        return ()
    found: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry, list) and len(entry) == 2 and _is_component(entry[0]) and _is_count(entry[1]):
            found[entry[0]] = max(entry[1], found.get(entry[0], 0))
    return tuple(found.items())[-KNOWN_LIMIT:]


def _is_component(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= _NAME_LIMIT and _is_utf8(name)


def _is_count(count: object) -> bool:
    return type(count) is int and 0 <= count <= _COUNT_LIMIT


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _uuid(value: object) -> str:
    if not isinstance(value, str) or _UUID.fullmatch(value.lower()) is None:
        return ""
    return _hyphenated(value.lower().replace("-", ""))


def _hyphenated(digits: str) -> str:
    return uuid_of(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")


def _span(value: object) -> str:
    """A span id as it is: a free string, within reason."""
    if not isinstance(value, str) or len(value) > _NAME_LIMIT or not _is_utf8(value):
        return ""
    return value if _PRINTABLE.fullmatch(value) else ""
