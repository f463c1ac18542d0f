"""What a collector's answer to a batch asks of the sender: decided here, done in `sender`.

| answer | what is done |
|---|---|
| 2xx | delivered; a 206 says how many it had no room for, they are lost |
| 413 | the batch is split; later ones stay as small |
| 422, 400 | never sent again as it is: the event that the answer names is left out, without a name the batch is split |
| 415 to a compressed body | sent again plainly, and so from then on |
| 429, 5xx, no answer | sent again, after what `Retry-After` says or a growing pause |
| all others | as if there were no answer, and told: the address or the key is wrong, and may be set right |
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from raceway.model.struct import Struct

RETRY_AFTER_LIMIT = 300.0
"""Seconds that a collector may ask to be left alone for."""

_NAMED = re.compile(r"events\[(\d+)\]")
_ERRORS = re.compile(r"(\d+) errors?\b")


class Step(enum.Enum):
    """What to do with the batch."""

    DELIVERED = "delivered"
    SPLIT = "split"
    LEAVE_OUT = "leave out"
    PLAIN = "plain"
    AGAIN = "again"
    HOLD = "hold"


class Answer(Struct):
    """An answer to a batch; header names in lower case. Of the body the beginning is enough."""

    status: int
    headers: Mapping[str, str]
    body: str


class Decision(Struct):
    """The step, and what there is to it.

    `count` events of a delivered batch are lost; `index` is that of the one to leave out, None when it is not known;
    `after` so many seconds, at least, the batch may be sent again.
    """

    step: Step
    count: int = 0
    index: int | None = None
    after: float = 0.0


def decide(answer: Answer, events: int, *, compressed: bool) -> Decision:
    """What the answer to a batch of so many events asks for."""
    status = answer.status
    if status == 206:
        return Decision(Step.DELIVERED, count=min(_first(_ERRORS, answer.body) or 0, events))
    if 200 <= status < 300:
        return Decision(Step.DELIVERED)
    if status == 413:
        return Decision(Step.SPLIT)
    if status in (400, 422):
        index = _first(_NAMED, answer.body)
        return Decision(Step.LEAVE_OUT, index=index if index is not None and index < events else None)
    if status == 415 and compressed:
        return Decision(Step.PLAIN)
    after = retry_after(answer.headers.get("retry-after", ""), datetime.now(UTC))
    return Decision(Step.AGAIN if status == 429 or status >= 500 else Step.HOLD, after=after)


def retry_after(value: str, now: datetime) -> float:
    """The seconds that a `Retry-After` header asks for: a number, or a date. 0 when it says neither."""
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(float(value), RETRY_AFTER_LIMIT)
    if not value:
        return 0.0
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return min(max((when - now).total_seconds(), 0.0), RETRY_AFTER_LIMIT)


def _first(pattern: re.Pattern[str], body: str) -> int | None:
    found = pattern.search(body)
    return int(found[1]) if found and len(found[1]) < 10 else None
