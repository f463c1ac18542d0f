"""Two services over HTTP, each a process of its own, make one trace whose clocks say what is ordered."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from raceway.model.events import Event
from tests.client.collecting import before, collecting
from tests.conftest import ROOT, clean_environ

SERVICES = ROOT / "fixtures" / "apps" / "services"


@contextmanager
def running(name: str, *arguments: str) -> Iterator[str]:
    """A service; its address."""
    command = [sys.executable, str(SERVICES / name), *arguments]
    environ = clean_environ() | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def test_the_call_is_ordered_and_the_race_is_not() -> None:
    with (
        collecting() as collector,
        running("warehouse.py", collector.endpoint) as warehouse,
        running("shop.py", collector.endpoint, warehouse) as shop,
    ):
        assert httpx.post(f"{shop}/order").json() == {"reserved": True}
        events = msgspec.convert(collector.wait_for(8), list[Event])
    assert len({event.trace_id for event in events}) == 1
    assert len({event.metadata.process_id for event in events}) == 2

    def change(service: str, variable: str) -> Event:
        return next(
            event for event in events
            if event.metadata.service_name == service and event.kind.StateChange
            and event.kind.StateChange.variable == variable
        )  # fmt: skip

    assert before(change("shop", "order"), change("warehouse", "order"))
    here, there = change("shop", "stock.level"), change("warehouse", "stock.level")
    assert not before(here, there)
    assert not before(there, here)
    spans: dict[str, Any] = {event.metadata.service_name: event.metadata for event in events}
    assert spans["warehouse"].upstream_span_id == spans["shop"].distributed_span_id
    requests = [event.kind.HttpRequest for event in events if event.kind.HttpRequest]
    assert sorted(request.url for request in requests) == ["/order", "/reserve"]
