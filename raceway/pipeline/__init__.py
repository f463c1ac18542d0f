"""The pipeline: events from the threads of a program to files and collectors, by one background worker.

    put -> buffer -> worker: hooks, check, encode, batch -> sinks: file, collector (with a spool on disk)

Public: what is listed in `__all__`. `Pipeline` has the contract. httpx is imported when the first sink for a
collector is made.
"""

from __future__ import annotations

from raceway.pipeline.batch import Batch, Sink
from raceway.pipeline.clocks import Clock
from raceway.pipeline.facade import Pipeline
from raceway.pipeline.ids import Ids, new_uuid, uuid_of
from raceway.pipeline.settings import Counts, Settings, SinkCounts
from raceway.pipeline.sinks import file_sink, http_sink

__all__ = [
    "Batch",
    "Clock",
    "Counts",
    "Ids",
    "Pipeline",
    "Settings",
    "Sink",
    "SinkCounts",
    "file_sink",
    "http_sink",
    "new_uuid",
    "uuid_of",
]
