"""The way to a collector, over real HTTP on loopback: what every answer and every failure does to the events."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from raceway.errors import ConfigError
from raceway.model import eventkinds as of
from raceway.model.events import EventKind
from raceway.pipeline import Pipeline, Settings
from raceway.pipeline.backoff import Backoff
from raceway.pipeline.batch import Batch
from raceway.pipeline.collector import Collector
from raceway.pipeline.encode import encode
from raceway.pipeline.sender import HttpSink
from raceway.pipeline.spool import Spool
from tests.pipeline.receiver import Receiver, Request, always, ok, receiving
from tests.pipeline.samples import Flow, changes, names


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def batch(count: int) -> Batch:
    events = changes(count)
    return Batch([encode(event) for event in events])


class Sinks:
    """Makes sinks, and lets go of their connections."""

    def __init__(self) -> None:
        self._collectors: list[Collector] = []

    def __call__(self, endpoint: str, spool: Spool | None = None, **options: Any) -> HttpSink:
        collector = Collector(endpoint, options.pop("api_key", None))
        self._collectors.append(collector)
        return HttpSink(collector, spool, backoff=Backoff(0.001, 0.002), **options)

    def close(self) -> None:
        for collector in self._collectors:
            collector.close()


@pytest.fixture
def sink() -> Iterator[Sinks]:
    sinks = Sinks()
    yield sinks
    sinks.close()


def soon() -> float:
    return time.monotonic() + 20


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def test_events_arrive_in_order_over_one_connection(receiver: Receiver, sink: Sinks) -> None:
    sender = sink(receiver.endpoint + "/", body_limit=3000)
    sender.take(batch(40))
    assert sender.close(soon())
    assert receiver.names() == names(40)
    assert len(receiver.requests) > 4
    assert receiver.connections == 1
    assert {request.path for request in receiver.requests} == {"/events"}
    assert max(len(request.body) for request in receiver.requests) <= 3000
    assert sender.counts().sent == 40


@pytest.mark.parametrize("status", [500, 502, 503, 429, 404, 401])
def test_what_is_not_taken_is_sent_again(receiver: Receiver, status: int, sink: Sinks) -> None:
    receiver.replies.extend([always(status), always(status)])
    sender = sink(receiver.endpoint)
    sender.take(batch(5))
    assert sender.flush(soon())
    assert receiver.names() == names(5)
    assert len(receiver.requests) == 3
    assert (sender.counts().sent, sender.counts().lost) == (5, 0)


def test_a_connection_that_breaks_before_the_answer_loses_nothing(receiver: Receiver, sink: Sinks) -> None:
    receiver.replies.append(lambda _request: None)
    sender = sink(receiver.endpoint)
    sender.take(batch(5))
    assert sender.flush(soon())
    assert receiver.names() == names(5)


@pytest.mark.parametrize("spooled", [False, True])
def test_a_collector_that_is_slower_than_patience_lasts_gets_more_time_and_less_at_once(
    receiver: Receiver, spooled: bool, tmp_path: Path, sink: Sinks
) -> None:
    def slow(request: Request) -> tuple[int, dict[str, str], str]:
        time.sleep(0.1)
        return ok(request)

    receiver.reply = slow
    sender = sink(receiver.endpoint, Spool(str(tmp_path), "there", 2**20) if spooled else None, patience=0.02)
    sender.take(batch(400))
    assert sender.flush(soon())
    assert set(receiver.names()) == set(names(400))
    assert (sender.counts().sent, sender.counts().lost, sender.counts().waiting) == (400, 0, 0)
    assert [len(request.events) for request in receiver.requests].count(400) == 1
    assert len({event["id"] for event in receiver.taken}) == 400, "a collector knows them by their ids"


@pytest.mark.parametrize("answers", [True, False])
def test_what_comes_while_an_answer_is_waited_for_has_room(
    receiver: Receiver, answers: bool, tmp_path: Path, sink: Sinks
) -> None:
    answering = threading.Event()

    def hanging(request: Request) -> tuple[int, dict[str, str], str] | None:
        answering.wait(60)
        return ok(request) if answers else None

    receiver.replies.append(hanging)
    sender = sink(receiver.endpoint, Spool(str(tmp_path), "there", 2**20), memory_limit=3000, patience=60.0)
    pipeline = Pipeline([sender], Settings(buffer_size=10, batch_size=1), at_exit=False)
    events = changes(40)
    for event in events:
        while not pipeline.put(event):  # nobody answers until all are taken
            time.sleep(0.01)
    answering.set()
    assert pipeline.close(20)
    assert receiver.names() == names(40)


def test_a_collector_may_ask_for_a_pause(receiver: Receiver, sink: Sinks) -> None:
    receiver.replies.append(always(503, {"Retry-After": "120"}))
    sender = sink(receiver.endpoint)
    sender.take(batch(1))
    due = sender.work()
    assert due is not None
    assert 100 < due - time.monotonic() <= 120
    assert sender.work() == pytest.approx(due)
    assert len(receiver.requests) == 1


def test_a_batch_that_is_too_large_is_split(receiver: Receiver, sink: Sinks) -> None:
    def small(request: Request) -> tuple[int, dict[str, str], str]:
        return ok(request) if len(request.raw) <= 2500 else (413, {}, "length limit exceeded")

    receiver.reply = small
    sender = sink(receiver.endpoint)
    sender.take(batch(30))
    assert sender.flush(soon())
    assert receiver.names() == names(30)
    before = len(receiver.requests)
    sender.take(batch(6))
    assert sender.flush(soon())
    assert all(len(request.raw) <= 2500 for request in receiver.requests[before:]), "the limit is remembered"


def test_one_event_that_is_too_large_is_left_out(receiver: Receiver, sink: Sinks) -> None:
    receiver.reply = lambda request: ok(request) if len(request.raw) <= 2500 else (413, {}, "")
    flow = Flow()
    events = [flow.change("a"), flow.change("b", "x" * 3000), flow.change("c")]
    sender = sink(receiver.endpoint)
    sender.take(Batch([encode(event) for event in events]))
    assert sender.flush(soon())
    assert receiver.names() == ["a", "c"]
    assert (sender.counts().sent, sender.counts().refused) == (2, 1)


@pytest.mark.parametrize("named", [True, False])
def test_one_bad_event_is_left_out_and_the_rest_arrives(receiver: Receiver, named: bool, sink: Sinks) -> None:
    def picky(request: Request) -> tuple[int, dict[str, str], str]:
        for index, event in enumerate(request.events):
            if event["kind"]["StateChange"]["variable"] in ("v3", "v7"):
                place = f"events[{index}].kind: no" if named else "something is wrong"
                return 422, {}, f"Failed to deserialize the JSON body into the target type: {place}"
        return ok(request)

    receiver.reply = picky
    sender = sink(receiver.endpoint)
    sender.take(batch(12))
    assert sender.flush(soon())
    assert receiver.names() == [name for name in names(12) if name not in ("v3", "v7")]
    assert (sender.counts().sent, sender.counts().refused, sender.counts().lost) == (10, 2, 0)
    bodies = [request.raw for request in receiver.requests]
    assert len(set(bodies)) == len(bodies), "no batch is sent again unchanged"


def test_a_batch_that_was_taken_in_part_is_not_sent_again(receiver: Receiver, sink: Sinks) -> None:
    receiver.replies.append(always(206, {}, '{"success": true, "data": "Ingested 3 events, 2 errors"}'))
    sender = sink(receiver.endpoint)
    sender.take(batch(5))
    assert sender.flush(soon())
    assert len(receiver.requests) == 1
    assert (sender.counts().sent, sender.counts().lost) == (3, 2)


def test_bodies_are_compressed_for_who_said_so(receiver: Receiver, sink: Sinks) -> None:
    receiver.reply = lambda request: (200, {"Accept-Encoding": "gzip"}, "")
    sender = sink(receiver.endpoint)
    for _ in range(2):
        sender.take(batch(10))
        assert sender.flush(soon())
    first, second = receiver.requests
    assert "content-encoding" not in first.headers
    assert second.headers["content-encoding"] == "gzip"
    assert len(second.raw) < len(first.raw) / 3
    assert len(second.events) == 10


def test_a_receiver_that_cannot_undo_it_after_all_gets_plain_bodies(receiver: Receiver, sink: Sinks) -> None:
    receiver.replies.append(always(200, {"Accept-Encoding": "gzip"}))
    receiver.reply = lambda request: (415, {}, "") if "content-encoding" in request.headers else ok(request)
    sender = sink(receiver.endpoint)
    for _ in range(3):
        sender.take(batch(10))
        assert sender.flush(soon())
    assert ["content-encoding" in request.headers for request in receiver.requests] == [False, True, False, False]


def test_the_key_goes_to_the_collector_in_both_headers(receiver: Receiver, sink: Sinks) -> None:
    sender = sink(receiver.endpoint, api_key="secret")
    sender.take(batch(1))
    assert sender.flush(soon())
    headers = receiver.requests[0].headers
    assert headers["authorization"] == "Bearer secret"
    assert headers["x-raceway-key"] == "secret"


def test_a_redirect_within_the_collector_is_followed(receiver: Receiver, sink: Sinks) -> None:
    receiver.replies.append(always(307, {"Location": "/v2/events"}))
    sender = sink(receiver.endpoint, api_key="secret")
    sender.take(batch(2))
    assert sender.flush(soon())
    assert receiver.requests[1].path == "/v2/events"
    assert receiver.names() == names(2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_not_followed(receiver: Receiver, status: int, sink: Sinks) -> None:
    with receiving() as other:
        receiver.replies.append(always(status, {"Location": f"{other.endpoint}/events"}))
        sender = sink(receiver.endpoint, api_key="secret")
        sender.take(batch(2))
        assert sender.flush(soon())
        assert other.requests == []
    assert receiver.names() == names(2)


@pytest.mark.parametrize("status", [200, 307])
def test_a_location_that_is_no_address_is_none(receiver: Receiver, status: int, sink: Sinks) -> None:
    receiver.replies.append(lambda request: (status, {"Location": "http://["}, ok(request)[2]))
    sender = sink(receiver.endpoint)
    sender.take(batch(3))
    assert sender.flush(soon())
    assert len(receiver.requests) == (1 if status == 200 else 2)
    assert receiver.names() == names(3)


def test_no_proxy_of_the_environment_sees_the_key(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, sink: Sinks
) -> None:
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.endpoint)
        sender = sink(receiver.endpoint, api_key="secret")
        sender.take(batch(1))
        assert sender.flush(soon())
        assert proxy.requests == []


def test_a_collector_that_is_away_gets_all_of_it_when_it_is_back(tmp_path: Path, sink: Sinks) -> None:
    port = free_port()
    sender = sink(f"http://127.0.0.1:{port}", Spool(str(tmp_path), "there", 2000))
    for _ in range(4):
        sender.take(batch(10))
        sender.work()
    counts = sender.counts()
    assert (counts.sent, counts.lost, counts.spooled, counts.waiting) == (0, 0, 40, 0)
    with receiving(port) as receiver:
        assert sender.flush(soon())
        sender.take(batch(3))
        assert sender.close(soon())
        assert receiver.names() == names(10) * 4 + names(3)
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_what_one_process_could_not_send_the_next_one_does(tmp_path: Path, sink: Sinks) -> None:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    first = sink(endpoint, Spool(str(tmp_path), endpoint, 2000))
    first.take(batch(10))
    assert not first.close(soon())
    assert first.counts().spooled == 10
    with receiving(port) as receiver:
        second = sink(endpoint, Spool(str(tmp_path), endpoint, 2000))
        second.take(batch(2))
        assert second.close(soon())
        assert receiver.names() == names(2) + names(10)
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_of_a_segment_sent_in_part_only_the_rest_stays(receiver: Receiver, tmp_path: Path, sink: Sinks) -> None:
    sender = sink(receiver.endpoint, Spool(str(tmp_path), "there", 100_000), body_limit=2000)
    receiver.reply = always(503)
    sender.take(batch(20))
    assert not sender.flush(time.monotonic())
    receiver.replies.extend([ok, ok])
    assert not sender.flush(time.monotonic())
    assert sender.counts().sent + sender.counts().spooled == 20
    assert not sender.close(time.monotonic())
    sent = len(receiver.taken)
    assert 0 < sent < 20
    kept = [line for path in tmp_path.rglob("*.jsonl") for line in path.read_bytes().splitlines()]
    assert len(kept) == 20 - sent == sender.counts().spooled


def test_what_finds_no_room_is_counted_exactly(tmp_path: Path, sink: Sinks) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    told: list[str] = []
    sender = sink(endpoint, Spool(str(tmp_path), endpoint, 2000, limit=5000), warn=told.append)
    for _ in range(100):
        sender.take(batch(3))
        sender.work()
    counts = sender.counts()
    assert counts.spooled + counts.lost == 300
    assert 5 < counts.spooled < 20
    assert any("no room" in line for line in told)


@pytest.mark.parametrize("room", [0, 1])
def test_what_a_full_disk_took_is_not_lost(
    receiver: Receiver, room: int, tmp_path: Path, sink: Sinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    write = os.write

    def filling(file: int, data: Any) -> int:
        writes.append(file)
        if len(writes) > room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(os, "write", filling)
    sender = sink(receiver.endpoint, Spool(str(tmp_path), "there", 2**20), memory_limit=0)
    sender.take(batch(600))
    monkeypatch.undo()
    assert sender.flush(soon())
    counts = sender.counts()
    assert (counts.sent, counts.lost) == (256 * room, 600 - 256 * room)
    assert len(receiver.taken) == counts.sent


def test_a_torn_segment_is_not_left_for_the_next_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(str(tmp_path), "there", 2**20)
    assert spool.append([b"one"]) == 1

    class Full:
        def __init__(self, path: str, mode: str) -> None:
            Path(path).write_bytes(b"torn\ntor")

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, _data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("raceway.pipeline.spool.open", Full, raising=False)
    with pytest.raises(OSError, match="No space"):
        spool.append([b"torn", b"too"], front=True)
    spool.close()
    monkeypatch.undo()
    following = Spool(str(tmp_path), "there", 2**20)
    assert following.adopt()
    assert following.oldest() is not None
    assert following.events == 1
    following.close()


def test_without_a_spool_memory_is_the_room_there_is(sink: Sinks) -> None:
    sender = sink(f"http://127.0.0.1:{free_port()}", memory_limit=5000)
    for _ in range(10):
        sender.take(batch(3))
        sender.work()
    counts = sender.counts()
    assert counts.waiting + counts.lost == 30
    assert counts.lost > 10
    assert not sender.close(time.monotonic())
    assert sender.counts().lost == 30


@pytest.mark.parametrize("endpoint", ["", "localhost:8080", "ftp://x", "http://", "http://[", "http://x:y"])
def test_an_endpoint_that_is_no_address_is_refused_at_once(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="endpoint"):
        Collector(endpoint)


def test_a_key_that_no_header_can_hold_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="API key"):
        Collector("http://localhost", "a\nb")


def test_a_body_that_compresses_well_is_still_one_request(receiver: Receiver, sink: Sinks) -> None:
    flow = Flow()
    event = flow.event(EventKind(Custom=of.Custom("big", "x" * 100_000)))
    sender = sink(receiver.endpoint)
    sender.take(Batch([encode(event)]))
    assert sender.close(soon())
    assert len(receiver.requests) == 1
