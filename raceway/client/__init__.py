"""The hand-marking SDK: what a service tells of itself, sent to a collector and to the local detector.

    tracking call -> mark -> worker: event, secrets hidden, plugins -> collector
                  -> the local detector, while one is active

The public names are found in `raceway` itself, too.
"""

from __future__ import annotations

from raceway.client.client import RacewayClient
from raceway.client.config import Config
from raceway.client.context import Context
from raceway.client.contexts import create_context, get_context, raceway_context, set_context
from raceway.client.plugins import Plugin
from raceway.client.redactor import Redactor

__all__ = [
    "Config",
    "Context",
    "Plugin",
    "RacewayClient",
    "Redactor",
    "create_context",
    "get_context",
    "raceway_context",
    "set_context",
]
