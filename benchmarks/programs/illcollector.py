"""A collector that is not well: `illcollector.py WAY PORT SECONDS FILE` answers in one of these ways.

slow        after 200 ms, always
failing     500, for so many seconds, then as it should
cut         the connection ends in the middle of every third request, for so many seconds
small       413 for more than ten events, always
strict      422 for a batch with an event of the variable `bad`, always, which says where it stands

Prints its port. What it has answered with 200 it has written into FILE before, a line for each event: its identity.
"""

from __future__ import annotations

import gzip
import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO, TextIO

SLOW_S = 0.2
MOST = 10
PHRASES = {200: "OK", 413: "Content Too Large", 422: "Unprocessable Content", 500: "Internal Server Error"}


class Collector:
    """Takes requests, of any number of connections."""

    def __init__(self, way: str, seconds: float, file: TextIO) -> None:
        self.way = way
        self.file = file
        self.well_at = time.monotonic() + seconds
        self.requests = 0
        self.lock = threading.Lock()

    def take(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as stream:
            while stream.readline():
                body = self.body(stream)
                if body is None:
                    return
                status, text = self.answer(json.loads(body)["events"])
                head = f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: application/json\r\n"
                connection.sendall(f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode())

    def body(self, stream: BinaryIO) -> bytes | None:
        """The body of a request; None when the connection is to end in the middle of it."""
        length, compressed = 0, False
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            compressed |= name.lower() == b"content-encoding" and b"gzip" in value
        with self.lock:
            self.requests += 1
            cut = self.way == "cut" and self.requests % 3 == 0 and time.monotonic() < self.well_at
        raw = stream.read(length // 2 if cut else length)
        return None if cut else gzip.decompress(raw) if compressed else raw

    def answer(self, events: list[dict[str, object]]) -> tuple[int, str]:
        """Status and text."""
        if self.way == "slow":
            time.sleep(SLOW_S)
        if self.way == "failing" and time.monotonic() < self.well_at:
            return 500, "{}"
        if self.way == "small" and len(events) > MOST:
            return 413, "{}"
        if self.way == "strict":
            for place, event in enumerate(events):
                if '"bad"' in json.dumps(event["kind"]):
                    return 422, f"Failed to deserialize the JSON body into the target type: events[{place}].kind"
        with self.lock:
            self.file.writelines(f"{event['id']}\n" for event in events)
            self.file.flush()
        return 200, '{"success":true}'


def main(way: str, port: str, seconds: str, file: str) -> None:
    """Serve until the process is ended."""
    with Path(file).open("a") as lines, socket.create_server(("127.0.0.1", int(port))) as listener:
        collector = Collector(way, float(seconds), lines)
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=collector.take, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
