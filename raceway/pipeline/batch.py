"""A batch: events with their JSON, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from raceway.model.events import Event
from raceway.model.struct import Struct
from raceway.model.typing import Protocol
from raceway.pipeline.settings import SinkCounts

_ENVELOPE = len(b'{"events":[]}')


class Batch(Struct):
    """Events, and each one's JSON as one line without its end."""

    events: Sequence[Event]
    lines: Sequence[bytes]


class Sink(Protocol):
    """Where batches go. Only the worker calls it, except `counts`; it may raise, which costs it the batch."""

    def take(self, batch: Batch) -> None:
        """Accept events, to be delivered in order."""

    def work(self, until: float) -> float | None:
        """Do what is due, and stop beginning new things at `until` (of `time.monotonic`, as all times here).

        Returns when to call again, None for no need. Called after every `take`.
        """

    def flush(self, until: float) -> bool:
        """Deliver what waits, trying until then; whether all was."""

    def close(self) -> None:
        """Keep what can be kept, let go of the rest and count it. Nothing comes after it."""

    def after_fork(self) -> None:
        """In a forked child: what waits is the parent's business, and nothing may be shared with it."""

    def counts(self) -> SinkCounts:
        """What it did so far."""


def request_body(lines: Sequence[bytes]) -> bytes:
    """The request of the wire protocol that carries these events."""
    return b'{"events":[' + b",".join(lines) + b"]}"


def within(lines: Sequence[bytes], limit: int) -> Iterator[slice]:
    """Slices of lines whose requests stay within `limit` bytes; a line that alone is too long is a slice of its own."""
    start, size = 0, _ENVELOPE
    for index, line in enumerate(lines):
        if index > start and size + len(line) + 1 > limit:
            yield slice(start, index)
            start, size = index, _ENVELOPE
        size += len(line) + 1
    if start < len(lines):
        yield slice(start, len(lines))
