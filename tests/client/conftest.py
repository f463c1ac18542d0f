"""A client whose events stay in the process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from raceway import Config, RacewayClient, set_context
from tests.client.collecting import Captured, Collector, collecting


@pytest.fixture
def captured() -> Captured:
    """The events of `client`."""
    return Captured()


@pytest.fixture
def client(captured: Captured) -> Iterator[RacewayClient]:
    """A client without a collector."""
    made = RacewayClient(Config(service_name="svc", instance_id="i1"), plugins=[captured], sinks=[])
    yield made
    set_context(None)
    made.shutdown()


@pytest.fixture
def trace(client: RacewayClient) -> str:
    """A trace of that client."""
    return client.start_trace()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on loopback."""
    with collecting() as found:
        yield found
