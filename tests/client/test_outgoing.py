"""Outgoing calls carry the trace when asked: real calls of four libraries to a server on loopback."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from raceway import Config, RacewayClient, raceway_context
from raceway.client.context import enter
from raceway.errors import ConfigError
from tests.client.collecting import Collector


@pytest.fixture
def asking() -> Iterator[Callable[[bool | Sequence[str]], RacewayClient]]:
    """Makes clients."""
    made: list[RacewayClient] = []

    def make(propagate: bool | Sequence[str]) -> RacewayClient:
        made.append(RacewayClient(Config(service_name="shop", propagate=propagate), sinks=[]))
        return made[-1]

    yield make
    enter(None)
    for client in made:
        client.shutdown()


def by_httpx(url: str, headers: dict[str, str]) -> None:
    httpx.post(url, headers=headers, trust_env=False)


def by_httpx_async(url: str, headers: dict[str, str]) -> None:
    async def call() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(url, headers=headers)

    asyncio.run(call())


def by_requests(url: str, headers: dict[str, str]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.post(url, headers=headers)


def by_urllib3(url: str, headers: dict[str, str]) -> None:
    with urllib3.PoolManager() as pool:
        pool.request("POST", url, headers=headers or None)


def by_aiohttp(url: str, headers: dict[str, str]) -> None:
    async def call() -> None:
        async with aiohttp.ClientSession() as session, session.post(url, headers=headers):
            pass

    asyncio.run(call())


CALLS = [by_httpx, by_httpx_async, by_requests, by_urllib3, by_aiohttp]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_carries_the_trace(call: Callable[..., None], collector: Collector, asking: Any) -> None:
    url = f"{collector.endpoint}/there"
    client = asking(True)
    call(url, {})
    trace = client.start_trace()
    client.track_state_change("order", None, 1, "Write")
    call(url, {"X-Own": "1"})
    call(url, {"TraceParent": "of the caller"})
    client.shutdown()
    with raceway_context():
        call(url, {})
    without, carried, given, after = (
        {name.lower(): value for name, value in headers.items()} for _, headers, _ in collector.requests
    )
    assert "traceparent" not in without
    assert "traceparent" not in after, "the libraries are as they were"
    assert carried["traceparent"].startswith(f"00-{trace.replace('-', '')}-")
    assert carried["x-own"] == "1"
    packed = carried["raceway-clock"].removeprefix("v1;")
    told = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    assert sum(count for _, count in told["clock"]) == 2, "the call is counted once, after the event"
    assert given["traceparent"] == "of the caller"
    assert "raceway-clock" not in given


def test_only_calls_to_these_hosts(collector: Collector, asking: Any) -> None:
    asking(["*.internal", "127.0.0.*"]).start_trace()
    port = collector.endpoint.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost"):
        for call in CALLS:
            call(f"http://{host}:{port}/there", {})
    carried = ["traceparent" in {name.lower() for name in headers} for _, headers, _ in collector.requests]
    assert carried == [True] * len(CALLS) + [False] * len(CALLS)


def test_what_is_raised_looks_as_it_did(asking: Any) -> None:
    asking(True).start_trace()
    with pytest.raises(httpx.UnsupportedProtocol) as caught:
        httpx.post("nowhere://x")
    assert all("raceway" not in str(entry.path) for entry in caught.traceback[1:])


def test_hosts_are_a_list() -> None:
    with pytest.raises(ConfigError, match="propagate"):
        Config(propagate="localhost")
