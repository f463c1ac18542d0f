"""Load on the shop from a process of its own: `python -m benchmarks.load PORT --seconds 2`.

Each of several connections sends its next request when the last one was answered. `--reconnect` opens a connection per
request, for which the server starts a thread each time. It speaks HTTP by hand: the less the load costs, the more of
the machine the server has.
"""

from __future__ import annotations

import argparse
import json
import socket
import threading
import time

from benchmarks.programs.measuring import tell

CONNECTIONS = 4


def request(method: str, path: str, document: object = None, close: bool = False) -> bytes:
    """One request as bytes."""
    body = b"" if document is None else json.dumps(document).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: shop", f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json")
    if close:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode() + body


def requests(number: int, close: bool) -> list[bytes]:
    """What one customer asks for, again and again."""
    lines = [{"name": f"article-{(number * 7 + step) % 100}", "number": 1 + step} for step in range(3)]
    return [
        request("GET", f"/articles?start={number * 20}", close=close),
        request("POST", "/orders", {"customer": f"customer-{number}", "lines": lines}, close),
        request("GET", "/orders/1", close=close),
        request("GET", f"/customers/customer-{number}", close=close),
    ]


def answered(connection: socket.socket) -> int:
    """Read one answer to its end; gives its status."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError(f"the server hung up after {data!r}")
        data += more
    head = data[:end].lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    missing = end + 4 + length - len(data)
    while missing > 0:
        missing -= len(connection.recv(65536))
    return int(head.split(b" ", 2)[1])


class Customer:
    """One connection's load."""

    def __init__(self, number: int, port: int, reconnect: bool) -> None:
        self.port = port
        self.reconnect = reconnect
        self.requests = requests(number, reconnect)
        self.answers = 0
        self.refused = 0

    def run(self, until: float) -> None:
        """Send requests until the moment comes."""
        connection = self.connect()
        while time.perf_counter() < until:
            for one in self.requests:
                if self.reconnect:
                    connection.close()
                    connection = self.connect()
                connection.sendall(one)
                status = answered(connection)
                self.answers += 1
                self.refused += status >= 500
        connection.close()

    def connect(self) -> socket.socket:
        """A new connection."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def load(port: int, seconds: float, reconnect: bool) -> tuple[float, int]:
    """Requests per second, and how many the server failed to answer properly."""
    customers = [Customer(number, port, reconnect) for number in range(CONNECTIONS)]
    began = time.perf_counter()
    threads = [threading.Thread(target=customer.run, args=(began + seconds,)) for customer in customers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    return sum(customer.answers for customer in customers) / took, sum(customer.refused for customer in customers)


def main() -> None:
    """Warm up, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--reconnect", action="store_true")
    options = parser.parse_args()
    load(options.port, options.seconds / 10, options.reconnect)
    before = time.process_time()
    per_s, refused = load(options.port, options.seconds, options.reconnect)
    cpu = (time.process_time() - before) / options.seconds
    tell({"per_s": per_s, "refused": refused, "load_cpu": cpu})


if __name__ == "__main__":
    main()
