"""The pipeline: events from the threads of a program to files and collectors, by one background worker.

    put -> buffer -> worker: hooks, check, encode, batch -> sinks: file, collector (with a spool on disk)

Public: what is listed in `__all__`. `Pipeline` has the contract. A sink that needs httpx imports it when it is made.
"""

from __future__ import annotations

from raceway.pipeline.batch import Batch, Sink
from raceway.pipeline.clocks import Clock
from raceway.pipeline.facade import Pipeline
from raceway.pipeline.files import FileSink
from raceway.pipeline.ids import Ids, new_uuid, uuid_of
from raceway.pipeline.settings import Counts, Settings, SinkCounts

__all__ = [
    "Batch",
    "Clock",
    "Counts",
    "FileSink",
    "Ids",
    "Pipeline",
    "Settings",
    "Sink",
    "SinkCounts",
    "new_uuid",
    "uuid_of",
]
