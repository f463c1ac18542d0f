"""Sinks by what they are for. httpx is imported when the first sink for a collector is made."""

from __future__ import annotations

from raceway.pipeline.batch import Sink
from raceway.pipeline.complaints import Once, Tell, to_standard_error
from raceway.pipeline.files import FileSink
from raceway.pipeline.settings import BODY_LIMIT
from raceway.pipeline.spool import SPOOL_LIMIT, Spool


def file_sink(path: str) -> Sink:
    """Appends to a file: msgpack when its name ends in `.msgpack`, else JSONL. Raises OSError."""
    return FileSink(path)


def http_sink(
    endpoint: str,
    *,
    api_key: str | None = None,
    spool_root: str = "",
    spool_limit: int = SPOOL_LIMIT,
    body_limit: int = BODY_LIMIT,
    warn: Tell = to_standard_error,
) -> Sink:
    """Sends to the collector at `endpoint`; while it is away events wait under `spool_root`, empty for nowhere.

    Raises ConfigError for an endpoint or key that cannot be used. Nothing is sent yet.
    """
    from raceway.pipeline.collector import Collector
    from raceway.pipeline.sender import HttpSink

    spool = Spool(spool_root, endpoint, body_limit, spool_limit) if spool_root else None
    return HttpSink(Collector(endpoint, api_key), spool, body_limit=body_limit, warn=Once(warn))
