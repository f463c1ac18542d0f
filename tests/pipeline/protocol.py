"""A strict reader of the wire protocol, written from its description alone (`docs/events.md`), for what we send.

It takes bytes as a receiver gets them and knows nothing of the structs that made them. Every complaint names its place.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

Check = Callable[[Any, str], None]


class ProtocolError(Exception):
    """The body breaks the protocol; the text begins with the place, such as `events[3].kind`."""


def check_body(body: bytes) -> list[dict[str, Any]]:
    """The events of a request body. Raises ProtocolError."""
    document = parse(body)
    _require(type(document) is dict, "body", "is no object")
    _require("events" in document, "events", "is missing")
    events = document["events"]
    _require(type(events) is list, "events", "is no array")
    for index, event in enumerate(events):
        check_event(event, f"events[{index}]")
    return list(events)


def parse(body: bytes) -> Any:
    """JSON as a strict parser reads it: UTF-8, no NaN, no key twice, nesting of at most 128."""
    text = body.decode("utf-8", "strict")
    document = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
    _require(_depth(document) <= 128, "body", "is nested too deeply")
    return document


def _no_constant(name: str) -> None:
    raise ProtocolError(f"body holds {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ProtocolError("body holds a key twice in one object")
    return found


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _require(holds: object, place: str, complaint: str) -> None:
    if not holds:
        raise ProtocolError(f"{place}: {complaint}")


def _text(value: Any, place: str) -> None:
    _require(type(value) is str, place, f"{value!r} is no string")


def _unsigned(bits: int) -> Check:
    def check(value: Any, place: str) -> None:
        _require(type(value) is int and 0 <= value < 2**bits, place, f"{value!r} is no unsigned integer of {bits} bits")

    return check


def _uuid(value: Any, place: str) -> None:
    _text(value, place)
    try:
        uuid.UUID(value)
    except ValueError:
        raise ProtocolError(f"{place}: {value!r} is no UUID") from None


def _timestamp(value: Any, place: str) -> None:
    _text(value, place)
    shape = re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{0,9})?([Zz]|[+-]\d\d:?\d\d|UTC)", value)
    _require(shape, place, f"{value!r} is no time with an offset")
    datetime.strptime(value[:19].replace("T", " ").replace("t", " "), "%Y-%m-%d %H:%M:%S")


def _json(value: Any, place: str) -> None:
    if type(value) is float:
        _require(math.isfinite(value), place, "is no finite number")
    elif type(value) is int:
        _require(-(2**63) <= value < 2**64, place, "is an integer that readers do not hold")
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _json(item, place)


def _array_of(check: Check) -> Check:
    def check_array(value: Any, place: str) -> None:
        _require(type(value) is list, place, f"{value!r} is no array")
        for index, item in enumerate(value):
            check(item, f"{place}[{index}]")

    return check_array


def _pair(value: Any, place: str) -> None:
    _require(type(value) is list and len(value) == 2, place, f"{value!r} is no pair")
    _text(value[0], place)
    _unsigned(64)(value[1], place)


def _texts(value: Any, place: str) -> None:
    _require(type(value) is dict, place, f"{value!r} is no object")
    for key, item in value.items():
        _text(item, f"{place}.{key}")


def _one_of(*words: str) -> Check:
    def check(value: Any, place: str) -> None:
        _require(value in words, place, f"{value!r} is not one of {', '.join(words)}")

    return check


def _or_null(check: Check) -> Check:
    def check_or_null(value: Any, place: str) -> None:
        if value is not None:
            check(value, place)

    return check_or_null


_LOCK: dict[str, Check] = {"lock_id": _text, "lock_type": _text, "location": _text}

_KINDS: dict[str, dict[str, Check]] = {
    "FunctionCall": {"function_name": _text, "module": _text, "args": _json, "file": _text, "line": _unsigned(32)},
    "AsyncSpawn": {"task_id": _uuid, "spawned_by": _text},
    "AsyncAwait": {"future_id": _uuid, "awaited_at": _text},
    "StateChange": {
        "variable": _text,
        "old_value?": _json,
        "new_value": _json,
        "location": _text,
        "access_type": _one_of("Read", "Write", "AtomicRead", "AtomicWrite", "AtomicRMW"),
    },
    "LockAcquire": _LOCK,
    "LockRelease": _LOCK,
    "MemoryFence": {"ordering": _one_of("Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"), "location": _text},
    "HttpRequest": {"method": _text, "url": _text, "headers": _texts, "body?": _json},
    "HttpResponse": {"status": _unsigned(16), "headers": _texts, "body?": _json, "duration_ms": _unsigned(64)},
    "DatabaseQuery": {"query": _text, "database": _text, "duration_ms": _unsigned(64)},
    "DatabaseResult": {"rows_affected": _unsigned(64)},
    "Error": {"error_type": _text, "message": _text, "stack_trace": _array_of(_text)},
    "Custom": {"name": _text, "data": _json},
}

_METADATA: dict[str, Check] = {
    "thread_id": _text,
    "process_id": _unsigned(32),
    "service_name": _text,
    "environment": _text,
    "tags": _texts,
    "duration_ns?": _or_null(_unsigned(64)),
    "instance_id?": _or_null(_text),
    "distributed_span_id?": _or_null(_text),
    "upstream_span_id?": _or_null(_text),
}


def _kind(value: Any, place: str) -> None:
    _require(type(value) is dict and len(value) == 1, place, "is no object with exactly one key")
    name, fields = next(iter(value.items()))
    _require(name in _KINDS, place, f"there is no kind {name!r}")
    _fields(fields, _KINDS[name], f"{place}.{name}")


_EVENT: dict[str, Check] = {
    "id": _uuid,
    "trace_id": _uuid,
    "parent_id?": _or_null(_uuid),
    "timestamp": _timestamp,
    "kind": _kind,
    "metadata": lambda value, place: _fields(value, _METADATA, place),
    "causality_vector": _array_of(_pair),
    "lock_set": _array_of(_text),
}


def _fields(value: Any, fields: dict[str, Check], place: str) -> None:
    """The fields of an object, those whose name ends in `?` may be left out; no others are expected of us."""
    _require(type(value) is dict, place, f"{value!r} is no object")
    known = {name.rstrip("?") for name in fields}
    _require(value.keys() <= known, place, f"has more than is known: {sorted(value.keys() - known)}")
    for name, check in fields.items():
        key = name.rstrip("?")
        if key in value:
            check(value[key], f"{place}.{key}")
        else:
            _require(name.endswith("?"), f"{place}.{key}", "is missing")


def check_event(event: Any, place: str = "event") -> None:
    """One event of a body that was parsed. Raises ProtocolError."""
    _fields(event, _EVENT, place)


def check_flows(events: list[dict[str, Any]]) -> None:
    """What events say of each other, as they arrive: parents come first, and clocks of one flow count up in time."""
    seen: set[str] = set()
    flows: dict[str, list[tuple[str, int]]] = {}
    for index, event in enumerate(events):
        parent = event.get("parent_id")
        _require(parent is None or parent in seen, f"events[{index}].parent_id", f"{parent} did not come before")
        _require(event["id"] not in seen, f"events[{index}].id", "was there before")
        seen.add(event["id"])
        flow = event["metadata"]["thread_id"]
        if event["causality_vector"]:
            own = event["causality_vector"][0]
            flows.setdefault(flow, []).append((own[0], own[1]))
    for flow, counts in flows.items():
        _require(len({component for component, _ in counts}) == 1, flow, "counts under several components")
        numbers = [count for _, count in counts]
        _require(len(set(numbers)) == len(numbers), flow, "has one count twice")
