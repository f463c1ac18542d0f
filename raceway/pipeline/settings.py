"""The settings of a pipeline, and what it counts."""

from __future__ import annotations

from raceway.model.struct import Struct

BODY_LIMIT = 2 * 1024 * 1024 - 4096
"""Bytes of one request: collectors refuse 2 MiB and more."""


class Settings(Struct, kw_only=True):
    """How events are gathered. Times are seconds, sizes bytes.

    `batch_size` events waiting, or `flush_interval` since the first of them, trigger a send; a batch then takes all
    that waits, up to `body_limit`. `buffer_size` events wait at most; what comes on top is dropped and counted.
    """

    batch_size: int = 50
    flush_interval: float = 1.0
    buffer_size: int = 50_000
    body_limit: int = BODY_LIMIT


class Counts(Struct, kw_only=True):
    """What became of events so far.

    `put` were accepted, `dropped` were not since the buffer was full. Of those accepted `filtered` were held back by a
    hook, `degraded` went out with something replaced, `unfit` could not be put into words at all, `waiting` are
    still here. What sinks did with the rest they count themselves (`SinkCounts`).
    """

    put: int = 0
    dropped: int = 0
    filtered: int = 0
    degraded: int = 0
    unfit: int = 0
    waiting: int = 0


class SinkCounts(Struct, kw_only=True):
    """What one sink did: `sent` (a file: written), `refused` by the receiver one by one, `lost` for want of room,
    `spooled` on disk for the next run, `waiting` here."""

    sent: int = 0
    refused: int = 0
    lost: int = 0
    spooled: int = 0
    waiting: int = 0
