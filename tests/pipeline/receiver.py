"""A collector on loopback, in threads of the test: it reads batches strictly and answers as it is told to."""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.pipeline.protocol import ProtocolError, check_body

Reply = Callable[["Request"], "tuple[int, dict[str, str], str] | None"]
"""Status, headers and body of an answer; None breaks the connection without one."""


class Request:
    """One request as it came; `events` is empty when the body breaks the protocol, which `complaint` then tells."""

    def __init__(self, path: str, headers: dict[str, str], raw: bytes) -> None:
        self.path = path
        self.headers = headers
        self.raw = raw
        self.body = gzip.decompress(raw) if headers.get("content-encoding") == "gzip" else raw
        self.events: list[dict[str, Any]] = []
        self.complaint = ""
        try:
            self.events = check_body(self.body)
        except ProtocolError as error:
            self.complaint = str(error)


def ok(request: Request) -> tuple[int, dict[str, str], str]:
    """The answer of a collector that takes everything it can read."""
    if request.complaint:
        return 422, {}, f"Failed to deserialize the JSON body into the target type: {request.complaint}"
    return 200, {}, '{"success": true, "data": "Ingested", "error": null}'


def always(status: int, headers: dict[str, str] | None = None, body: str = "") -> Reply:
    """The same answer to everything."""
    return lambda _request: (status, headers or {}, body)


class Receiver:
    """What came, and what will be answered: `replies` first, one by one, then `reply`."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        self.requests: list[Request] = []
        self.connections = 0
        self.taken: list[dict[str, Any]] = []
        """Events of batches that were answered with 200."""
        self.replies: deque[Reply] = deque()
        self.reply: Reply = ok
        self._lock = threading.Lock()

    def answer(self, request: Request) -> tuple[int, dict[str, str], str] | None:
        """Note the request and choose its answer."""
        with self._lock:
            self.requests.append(request)
            reply = self.replies.popleft() if self.replies else self.reply
        answer = reply(request)
        if answer is not None and answer[0] == 200:
            with self._lock:
                self.taken += request.events
        return answer

    def names(self) -> list[str]:
        """The variables of the state changes that were taken, in order of arrival."""
        return [event["kind"]["StateChange"]["variable"] for event in self.taken if "StateChange" in event["kind"]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def setup(self) -> None:
        super().setup()
        self.receiver.connections += 1

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, raw)
        answer = self.receiver.answer(request)
        if answer is None:
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        with contextlib.suppress(ConnectionError):  # who sent it has given up
            self.end_headers()
            self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A collector that runs while the block does."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", port), handler)
    handler.receiver = receiver = Receiver(server)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
