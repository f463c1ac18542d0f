"""The hand-marking SDK: what a service tells of itself, sent to a collector and to the local detector.

    tracking call -> mark -> worker: event, secrets hidden, plugins -> collector
                  -> the local detector, while one is active

The public names are found in `raceway` itself, too.
"""

from __future__ import annotations

from raceway.client.actors import Context
from raceway.client.analyzer import LockAnalyzer
from raceway.client.client import RacewayClient
from raceway.client.config import Config
from raceway.client.contexts import create_context, get_context, raceway_context, set_context
from raceway.client.functions import async_tracked, track_async, track_function, track_method
from raceway.client.locks import tracked_lock
from raceway.client.plugins import Plugin
from raceway.client.switches import disable, enable
from raceway.client.variables import track, track_attrs, track_state, track_variables
from raceway.pipeline.redactor import Redactor

__all__ = [
    "Config",
    "Context",
    "LockAnalyzer",
    "Plugin",
    "RacewayClient",
    "Redactor",
    "async_tracked",
    "create_context",
    "disable",
    "enable",
    "get_context",
    "raceway_context",
    "set_context",
    "track",
    "track_async",
    "track_attrs",
    "track_function",
    "track_method",
    "track_state",
    "track_variables",
    "tracked_lock",
]
