"""The client of the SDK's own tests."""

from __future__ import annotations

from tests.client.conftest import captured, client, collector, trace

__all__ = ["captured", "client", "collector", "trace"]
