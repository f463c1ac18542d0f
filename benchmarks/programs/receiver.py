"""A collector that takes everything: it answers 200 at once, keeps the bodies, and looks at them when it is told to.

Prints its port; reads one line; prints as JSON how many events came, in how many bytes, how many when batches of 50 are
compressed alike, and what is wrong with them.
"""

from __future__ import annotations

import gzip
import json
import socket
import sys
import threading
from pathlib import Path

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"success":true}'

BATCH = 50


def serve(listener: socket.socket, bodies: list[bytes]) -> None:
    """Take connections, one after the other."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=take, args=(connection, bodies), daemon=True).start()


def take(connection: socket.socket, bodies: list[bytes]) -> None:
    """Take the requests of one connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as stream:
        while stream.readline():
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            bodies.append(stream.read(length))
            connection.sendall(ANSWER)


def look(bodies: list[bytes]) -> dict[str, object]:
    """What came."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.pipeline.protocol import ProtocolError, check_body

    events: list[dict[str, object]] = []
    complaints = []
    for body in bodies:
        try:
            events += check_body(body)
        except ProtocolError as error:
            complaints.append(str(error))
            events += json.loads(body)["events"]
    lines = [json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode() for event in events]
    compressed = sum(
        len(gzip.compress(b'{"events":[' + b",".join(lines[start : start + BATCH]) + b"]}", 6))
        for start in range(0, len(lines), BATCH)
    )
    return {
        "events": len(events),
        "bytes": sum(map(len, bodies)),
        "compressed": sum(len(gzip.compress(body, 6)) for body in bodies),
        "compressed_in_fifties": compressed,
        "complaints": complaints[:3],
    }


def main() -> None:
    """Serve until a line comes."""
    bodies: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener, bodies), daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        sys.stdin.readline()
        print(json.dumps(look(bodies)), flush=True)


if __name__ == "__main__":
    main()
