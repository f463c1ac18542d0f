"""The inspector sees events while they are sent; a trace can be gone through again, from wherever it was kept."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import pytest

from raceway import Config, RacewayClient, RacewayError, set_context
from raceway.debug import EventInspector, trace_replay
from raceway.pipeline.files import FileSink
from tests.client.collecting import Captured, Collector


def test_an_inspector_shows_what_it_watches(client: RacewayClient, captured: Captured, trace: str) -> None:
    shown = io.StringIO()
    inspector = EventInspector(client, file=shown)
    inspector.watch(variable="account.balance")
    client.track_state_change("account.balance", 1, 2, "Write")
    client.track_state_change("other", 1, 2, "Write")
    client.flush()
    inspector.close()
    client.track_state_change("account.balance", 2, 3, "Write")
    assert len(captured.changes("account.balance")) == 2
    assert [event.kind.StateChange.new_value for event in inspector.events if event.kind.StateChange] == [2]
    assert shown.getvalue().count("\n") == 1
    assert "variable='account.balance'" in shown.getvalue()


def test_a_trace_is_replayed_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    client = RacewayClient(Config(service_name="svc"), sinks=[FileSink(str(file))])
    trace = client.start_trace()
    threads = [
        threading.Thread(target=client.track_state_change, args=("a", None, value, "Write")) for value in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.start_trace()
    client.track_state_change("another trace", None, 1, "Write")
    set_context(None)
    client.shutdown()
    out, steps = io.StringIO(), []
    events = trace_replay(trace, step_by_step=True, source=file, file=out, pause=lambda: steps.append(1))
    assert len(events) == 2
    assert len(steps) == 1
    first, second = out.getvalue().splitlines()
    assert first.startswith("1/2 ")
    assert second.endswith("(not ordered with 1 before it)")


@pytest.mark.parametrize("name", ["events.jsonl", "events.msgpack"])
def test_a_file_of_a_process_that_was_killed_is_replayed_to_its_last_event(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    client = RacewayClient(Config(service_name="s" * 40), sinks=[FileSink(str(file))])
    trace = client.start_trace()
    many = {str(key): key for key in range(20)}
    values: list[Any] = [None, True, 2**40, -5, -(2**40), 0.5, "a" * 300, many, [0] * 500]
    for value in values:
        client.track_state_change("a", None, value, "Write")
    set_context(None)
    client.shutdown()
    whole = file.read_bytes()
    for cut in (0, 1, 20, 300):
        file.write_bytes(whole[: len(whole) - cut])
        events = trace_replay(trace, source=file, file=io.StringIO())
        assert len(events) == len(values) - (cut > (name == "events.jsonl"))
    assert [event.kind.StateChange.new_value for event in events if event.kind.StateChange] == values[:-1]


def test_a_trace_is_replayed_from_a_collector(collector: Collector) -> None:
    client = RacewayClient(Config(endpoint=collector.endpoint))
    trace = client.start_trace()
    client.track_error("E", "m")
    set_context(None)
    out = io.StringIO()
    assert [event.kind.name for event in trace_replay(trace, source=client, file=out)] == ["Error"]
    assert trace_replay("trace-id-12345", step_by_step=True, source=collector.endpoint, file=out) == []
    assert "no events of trace trace-id-12345" in out.getvalue()
    client.shutdown()


def test_a_source_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "no.jsonl").write_bytes(b"rubbish\n")
    (tmp_path / "no.msgpack").write_bytes(b"\xc1\xc1")
    (tmp_path / "other.msgpack").write_bytes(b"\x01")
    for source in (tmp_path / "no.jsonl", tmp_path / "no.msgpack", tmp_path / "other.msgpack", tmp_path / "missing", "http://127.0.0.1:9"):
        with pytest.raises(RacewayError):
            trace_replay("x", source=source)
