"""Load on a web application from a process of its own: `python -m benchmarks.load PORT --of shop --seconds 2`.

Each of several customers sends its next request, on a connection of its own, when the last one was answered. It speaks
HTTP by hand: the less the load costs, the more of the machine the server has.
"""

from __future__ import annotations

import argparse
import json
import socket
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlencode

from benchmarks.programs.measuring import tell

CUSTOMERS = 4


def request(method: str, path: str, body: bytes = b"", sort: str = "application/json") -> bytes:
    """One request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}", "Connection: close"]
    if body:
        lines.append(f"Content-Type: {sort}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def board_requests(number: int) -> list[bytes]:
    """What one reader of the board asks for, again and again."""
    form = urlencode({"author": f"author-{number}", "title": "Seen", "text": "I have read it. " * 10}).encode()
    return [
        request("GET", f"/messages?start={number * 20}"),
        request("GET", f"/messages/{1 + number}"),
        request("POST", "/messages", form, "application/x-www-form-urlencoded"),
        request("GET", f"/authors/author-{number}"),
    ]


def shop_requests(number: int) -> list[bytes]:
    """What one customer of the shop asks for, again and again."""
    lines = [{"name": f"article-{(number * 7 + step) % 100}", "number": 1 + step} for step in range(3)]
    return [
        request("GET", f"/articles?start={number * 20}"),
        request("POST", "/orders", json.dumps({"customer": f"customer-{number}", "lines": lines}).encode()),
        request("GET", "/orders/1"),
        request("GET", f"/customers/customer-{number}"),
    ]


REQUESTS = {"shop": shop_requests, "board": board_requests}


def answer(port: int, sent: bytes) -> int:
    """Send one request and read the answer as far as it says that it goes; gives its status, 599 when there was none.

    The end of the connection is not waited for: werkzeug keeps it for another 10 ms unless the client closes it.
    """
    data = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        while not complete(data):
            more = connection.recv(65536)
            if not more:
                return 599
            data += more
    return int(data.split(b" ", 2)[1])


def complete(data: bytes) -> bool:
    """Whether these bytes are a whole answer."""
    head, end, body = data.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(length)


class Customer:
    """The load of one customer or reader."""

    def __init__(self, requests: Sequence[bytes], port: int) -> None:
        self.port = port
        self.requests = requests
        self.answers = 0
        self.refused = 0

    def run(self, until: float) -> None:
        """Send requests until the moment comes."""
        while time.perf_counter() < until:
            for one in self.requests:
                self.refused += answer(self.port, one) >= 500
                self.answers += 1


def load(port: int, of: str, seconds: float) -> tuple[float, int]:
    """Requests per second, and how many the server failed to answer properly."""
    customers = [Customer(REQUESTS[of](number), port) for number in range(CUSTOMERS)]
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
    parser.add_argument("--of", choices=tuple(REQUESTS), default="shop", help="the application")
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    load(options.port, options.of, options.seconds / 10)
    before = time.process_time()
    per_s, refused = load(options.port, options.of, options.seconds)
    cpu = (time.process_time() - before) / options.seconds
    tell({"per_s": per_s, "refused": refused, "load_cpu": cpu})


if __name__ == "__main__":
    main()
