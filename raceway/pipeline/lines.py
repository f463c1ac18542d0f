"""The line of an event from its parts, for those who make many: of what is known to fit the protocol no object is made.

`model.events` says what an event is. A line has its keys in an order of its own. Most of it is the same from one line
to the next, so a compressor sends what differs and, before each such place, how much was the same: at most 258 bytes in
one go (RFC 1951). Hence nothing that differs stands further than that from what differs before it, and the number of an
identifier is written like that of a clock. On state changes made by hand that saves a seventh of the compressed bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from time import gmtime, strftime

import msgspec

from raceway.model.events import Vector
from raceway.model.typing import Any

_encode = msgspec.json.Encoder().encode


def json_text(value: Any) -> str:
    """A value as JSON. Raises TypeError or ValueError for what is none, UnicodeEncodeError for lone surrogates."""
    return _encode(value).decode()


def _event_line(
    trace_id: str,
    own: str,
    count: int,
    rest: str,
    metadata: str,
    lock_set: str,
    parent: str | int | None,
    ids: str,
    number: int,
    nanoseconds: int,
    *kind: str | int,
) -> bytes:
    """The line of an event.

    Its clock is `own`, the count and `rest`; its identifier is `ids` and the number. A parent that is a number is one
    of the same `ids`. `metadata`, `lock_set` and what `kind` gives in pieces are JSON, the others fit between quotes as
    they are. Raises TypeError, ValueError or OverflowError for other parts, UnicodeEncodeError for lone surrogates.
    """
    after = "" if parent is None else f'"parent_id":"{ids if type(parent) is int else ""}{parent}",'
    return (
        f'{{"trace_id":"{trace_id}","causality_vector":{own}{count}{rest},"metadata":{metadata},"lock_set":{lock_set},'
        f'{after}"id":"{ids}{number}","timestamp":"{_stamp(nanoseconds)}","kind":{"".join(map(str, kind))}}}'
    ).encode()


NOTHING_KNOWN = "]]"
"""What follows a flow's own count in its clock when it knows nothing of others."""


def rest_of_clock(known: Vector) -> str:
    """What follows a flow's own count in its clock: `[["component",count` and this are the JSON of it."""
    return f"],{json_text(known)[1:-1]}]" if known else NOTHING_KNOWN


def moment(nanoseconds: int) -> datetime:
    """A time in nanoseconds since 1970; microseconds are kept."""
    second, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(second, UTC).replace(microsecond=rest // 1000)


def _stamp(nanoseconds: int) -> str:
    """The same as text, as RFC 3339 has it."""
    second, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{_second(second)}.{rest // 1000:06d}Z"


@lru_cache(maxsize=8)
def _second(second: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))


try:
    from raceway import _native
except ImportError:
    event_line = _event_line
else:
    event_line = _native.event_line
