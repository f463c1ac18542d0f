"""Events as JSON that every receiver accepts: what does not fit the protocol is mended, and counted.

One bad event makes a receiver refuse its whole batch. So each event is read back, strictly, before it joins one; an
event that fails is mended field by field, and dropped when even that fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from msgspec.structs import astuple, replace

from raceway.model import eventkinds as of
from raceway.model.events import Event, EventKind, Metadata
from raceway.model.typing import Any
from raceway.model.values import snapshot, text
from raceway.pipeline.ids import uuid_of

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode
_decode_kind = msgspec.json.Decoder(EventKind).decode
_decode_metadata = msgspec.json.Decoder(Metadata).decode
_U64 = 2**64 - 1

LINE_LIMIT = 512 * 1024
"""Bytes of one event; a longer one is cut, for it would hardly leave room for others in a request."""

_BRIEF_ITEMS, _BRIEF_TEXT = 100, 256

_UNKNOWN = Metadata("unknown", 0, "unknown-service", "unknown", {})


class UnfitError(Exception):
    """The event cannot be put into words."""


def encode(event: Event) -> bytes:
    """The JSON of an event that is known to fit."""
    return _encode(event)


def decode(line: bytes) -> Event:
    """The event of a line that is known to fit."""
    return _decode(line)


def kind_text(kind: EventKind) -> str | None:
    """The JSON of a kind; None when it does not fit the protocol."""
    try:
        text = _encode(kind)
        if len(text) <= LINE_LIMIT // 2 and _kind_fits(_decode_kind(text)):
            return text.decode()
    except Exception:  # whatever there is in it; `fitting` mends it, and the worker counts that
        pass
    return None


def metadata_text(metadata: Metadata) -> str | None:
    """The JSON of metadata; None when it does not fit the protocol."""
    try:
        text = _encode(metadata)
        if len(text) <= LINE_LIMIT // 4 and (_decode_metadata(text).duration_ns or 0) <= _U64:
            return text.decode()
    except Exception:  # as above
        pass
    return None


def fitting(event: Event) -> tuple[Event, bytes, bool]:
    """The event as the protocol has it, its JSON, and whether it had to be mended. Raises UnfitError."""
    try:
        line = _encode(event)
        if len(line) <= LINE_LIMIT and _fits(_decode(line)):
            return event, line, False
    except Exception:  # whatever there is in it: it is mended below, and what cannot be is told to the caller
        pass
    try:
        mended = _mended(event)
        line = _encode(mended)
        if len(line) > LINE_LIMIT:
            mended = _brief(mended)
            line = _encode(mended)
        if len(line) <= LINE_LIMIT and _fits(_decode(line)):
            return mended, line, True
    except Exception as error:
        raise UnfitError(f"{type(error).__name__}") from None
    raise UnfitError("it is too long, or has no kind")


def _fits(event: Event) -> bool:
    """What the types alone do not say."""
    if event.timestamp.tzinfo is None or (event.metadata.duration_ns or 0) > _U64:
        return False
    for _, count in event.causality_vector:
        if not 0 <= count <= _U64:
            return False
    return _kind_fits(event.kind)


def _kind_fits(kind: EventKind) -> bool:
    """What its types do not say: it tells one thing, and its integers are such as readers hold."""
    told = [fields for fields in astuple(kind) if fields is not None]
    return len(told) == 1 and all(map(_holds, astuple(told[0])))


def _holds(value: Any) -> bool:
    """Whether all integers in a value are such as readers hold; the types see to it that counts are not negative."""
    kind = type(value)
    if kind is int:
        return bool(-(2**63) <= value <= _U64)
    if kind is dict:
        return all(map(_holds, value.values()))
    return all(map(_holds, value)) if kind is list else True


def _mended(event: Event) -> Event:
    when = event.timestamp
    if type(when) is not datetime or when.tzinfo is None:
        when = datetime.now(UTC)
    name = event.kind.name
    if not name:
        raise UnfitError("it has no kind")
    return Event(
        id=_uuid(event.id),
        trace_id=_uuid(event.trace_id),
        timestamp=when,
        kind=EventKind(**{name: _mended_kind(event.kind.fields)}),
        metadata=_mended_metadata(event.metadata),
        causality_vector=_vector(event.causality_vector),
        lock_set=tuple(_text(lock) for lock in event.lock_set) if type(event.lock_set) in (tuple, list) else (),
        parent_id=None if event.parent_id is None else _uuid(event.parent_id),
    )


def _brief(event: Event) -> Event:
    """A mended event with no more in it than a line holds, whatever is in it: later events name it as their parent."""
    fields = event.kind.fields
    left = iter(range(_BRIEF_ITEMS))
    told = {name: _within(getattr(fields, name), left) for name in fields.__struct_fields__}
    return replace(
        event,
        kind=EventKind(**{event.kind.name: type(fields)(**told)}),
        metadata=replace(event.metadata, tags=_within(event.metadata.tags, left)),
        lock_set=_within(event.lock_set, left),
    )


def _within(value: Any, left: Iterator[int]) -> Any:
    kind = type(value)
    if kind is str and len(value) > _BRIEF_TEXT:
        return f"{value[:_BRIEF_TEXT]}... ({len(value)} characters)"
    if kind is dict:
        items = ((key, item) for key, item in value.items() if next(left, None) is not None)
        return {_within(key, left): _within(item, left) for key, item in items}
    if kind in (list, tuple):
        return kind(_within(item, left) for item in value if next(left, None) is not None)
    return value


def _mended_metadata(metadata: Any) -> Metadata:
    if type(metadata) is not Metadata:
        return _UNKNOWN
    return Metadata(
        thread_id=_text(metadata.thread_id),
        process_id=_number(metadata.process_id, 2**32 - 1),
        service_name=_text(metadata.service_name),
        environment=_text(metadata.environment),
        tags=_texts(metadata.tags),
        duration_ns=None if metadata.duration_ns is None else _number(metadata.duration_ns, _U64),
        instance_id=None if metadata.instance_id is None else _text(metadata.instance_id),
        distributed_span_id=None if metadata.distributed_span_id is None else _text(metadata.distributed_span_id),
        upstream_span_id=None if metadata.upstream_span_id is None else _text(metadata.upstream_span_id),
    )


def _mended_kind(fields: Any) -> Any:
    mended = {name: _mended_field(name, getattr(fields, name)) for name in fields.__struct_fields__}
    if type(fields) is of.StateChange and mended["access_type"] not in _ACCESSES:
        mended["access_type"] = "Write"
    if type(fields) is of.MemoryFence and mended["ordering"] not in _ORDERINGS:
        mended["ordering"] = "SeqCst"
    return type(fields)(**mended)


_ACCESSES = ("Read", "Write", "AtomicRead", "AtomicWrite", "AtomicRMW")
_ORDERINGS = ("Relaxed", "Acquire", "Release", "AcqRel", "SeqCst")


def _mended_field(name: str, value: Any) -> Any:
    """The field by its name: names mean the same in every kind."""
    match name:
        case "args" | "new_value" | "old_value" | "body" | "data":
            return snapshot(value)[0]
        case "headers":
            return _texts(value)
        case "line":
            return _number(value, 2**32 - 1)
        case "status":
            return _number(value, 2**16 - 1)
        case "duration_ms" | "rows_affected":
            return _number(value, _U64)
        case "task_id" | "future_id":
            return _uuid(value)
        case "stack_trace":
            return tuple(_text(line) for line in value) if type(value) in (list, tuple) else (_text(value),)
        case _:
            return _text(value)


def _text(value: Any) -> str:
    if type(value) is str:
        return text(value)
    known, _ = snapshot(value)
    return known if type(known) is str else _encode(known).decode()


def _texts(value: Any) -> dict[str, str]:
    return {_text(key): _text(item) for key, item in list(value.items())} if type(value) is dict else {}


def _uuid(value: Any) -> str:
    return uuid_of(value if type(value) is str else _text(value))


def _number(value: Any, limit: int) -> int:
    if type(value) is bool or type(value) not in (int, float) or value - value != 0:
        return 0
    whole: int = round(value)
    return min(max(whole, 0), limit)


def _vector(value: Any) -> tuple[tuple[str, int], ...]:
    if type(value) not in (tuple, list):
        return ()
    pairs = (pair for pair in value if type(pair) in (tuple, list) and len(pair) == 2)
    return tuple((_text(component), _number(count, _U64)) for component, count in pairs)
