"""Where tests get events from: a plugin that keeps them, and a small collector on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from raceway import Plugin, RacewayClient
from raceway.model.events import Event


class Captured(Plugin, Sequence[Any]):
    """The events of a client, sent so far; looking flushes."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._client: RacewayClient | None = None

    def on_start(self, client: RacewayClient) -> None:
        self._client = client

    def on_event(self, event: Event) -> None:
        self._events.append(event)

    def now(self) -> list[Any]:
        """All events so far."""
        assert self._client is not None
        assert self._client.flush(20)
        return list(self._events)

    def __getitem__(self, index: Any) -> Any:
        return self.now()[index]

    def __len__(self) -> int:
        return len(self.now())

    def kinds(self) -> list[str]:
        """The names of the kinds."""
        return [event.kind.name for event in self.now()]

    def changes(self, variable: str) -> list[Any]:
        """The accesses to a variable."""
        return [event for event in self.now() if event.kind.StateChange and event.kind.StateChange.variable == variable]


def before(first: Event, second: Event) -> bool:
    """Whether the clocks order the first before the second."""
    known = dict(second.causality_vector)
    return first != second and all(count <= known.get(name, 0) for name, count in first.causality_vector)


def component(event: Event) -> str:
    """The component of the actor that made it: the first of its clock."""
    return event.causality_vector[0][0]


class Collector:
    """What a collector was sent."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.events: list[dict[str, Any]] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.arrived = threading.Condition()
        self.traces: dict[str, list[dict[str, Any]]] = {}

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """At least so many events."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.events) >= count, 30), self.events
            return list(self.events)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that takes what it is sent; any other address answers with what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with collector.arrived:
                collector.requests.append((self.path, dict(self.headers.items()), body))
                if self.path == "/events":
                    collector.events += json.loads(body)["events"]
                collector.arrived.notify_all()
            self._answer({"success": True, "data": "Ingested", "error": None})

        def do_GET(self) -> None:
            collector.requests.append((self.path, dict(self.headers.items()), b""))
            trace = self.path.rpartition("/")[2]
            found = [event for event in collector.events if event["trace_id"] == trace]
            self._answer({"success": True, "data": {"events": found}, "error": None})

        def _answer(self, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
