"""A batch: events with their JSON, in the order in which they were made."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from raceway.model.events import Event
from raceway.model.typing import Protocol
from raceway.pipeline.encode import decode
from raceway.pipeline.settings import SinkCounts

ENVELOPE = len(b'{"events":[]}')
"""Bytes of a request without events."""


class Batch:
    """Events, each as one line of JSON without its end."""

    __slots__ = ("_events", "lines")

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines = lines
        self._events: Sequence[Event] | None = None

    @property
    def events(self) -> Sequence[Event]:
        """The events themselves, read back from their lines when somebody asks first."""
        if self._events is None:
            self._events = [decode(line) for line in self.lines]
        return self._events


class Sink(Protocol):
    """Where batches go. Only the worker calls it, except `counts` and `interrupt`; it may raise, which costs it the
    batch."""

    def take(self, batch: Batch) -> None:
        """Accept events, to be delivered in order."""

    def attend(self, meanwhile: Callable[[], object]) -> None:
        """Call this now and then while there is somebody to wait for: it may bring more to `take`."""

    def work(self) -> float | None:
        """Do one thing that is due; when to call again (by `time.monotonic`, as all times here), None for no need."""

    def flush(self, until: float) -> bool:
        """Deliver what waits, trying until then; whether all was."""

    def close(self, until: float) -> bool:
        """Deliver what is possible by then, keep what can be kept, let go of the rest and count it; whether all was
        delivered. Nothing comes after it."""

    def interrupt(self) -> None:
        """Have what the worker is waiting for in another thread fail now, and all that comes after it soon."""

    def after_fork(self) -> None:
        """In a forked child: what waits is the parent's business, and nothing may be shared with it."""

    def counts(self) -> SinkCounts:
        """What it did so far."""


def request_body(lines: Sequence[bytes]) -> bytes:
    """The request of the wire protocol that carries these events. Megabytes are copied once."""
    if not lines:
        return b'{"events":[]}'
    if len(lines) == 1:
        return b'{"events":[' + lines[0] + b"]}"
    return b",".join((b'{"events":[' + lines[0], *lines[1:-1], lines[-1] + b"]}"))


def within(lines: Sequence[bytes], limit: int) -> Iterator[slice]:
    """Slices of lines whose requests stay within `limit` bytes; a line that alone is too long is a slice of its own."""
    ends = list(accumulate(len(line) + 1 for line in lines))  # each with its comma
    start, before = 0, ENVELOPE - 1  # the last has none
    while start < len(ends):
        stop = max(bisect_right(ends, limit - before), start + 1)
        yield slice(start, stop)
        start, before = stop, ENVELOPE - 1 - ends[stop - 1]
