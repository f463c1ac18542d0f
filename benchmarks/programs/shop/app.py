"""The shop's server: `python -m benchmarks.programs.shop.app` prints its port and serves until its input ends.

A thread is started for each request, as werkzeug does it; with `--pool`, a few threads answer all of them, as most
servers do it in production.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from benchmarks.programs.measuring import parser, peak_mb, tell
from benchmarks.programs.shop.orders import Orders
from benchmarks.programs.shop.routes import Shop, add_routes
from benchmarks.programs.shop.stock import Stock
from benchmarks.programs.shop.visits import Visits

WORKERS = 4


class Handler(WSGIRequestHandler):
    """Sends what it has at once, and does not log."""

    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *arguments: object) -> None:
        """Say nothing."""


class Server(ThreadedWSGIServer):
    """Waits for the requests under way when it is closed."""

    daemon_threads = False


class PooledServer(Server):
    """Answers requests on the threads of a pool."""

    pool: ThreadPoolExecutor | None = None

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a connection to the pool."""
        if self.pool is None:
            self.pool = ThreadPoolExecutor(WORKERS)
        self.pool.submit(self.process_request_thread, request, client_address)

    def server_close(self) -> None:
        """Wait for the pool."""
        super().server_close()
        if self.pool is not None:
            self.pool.shutdown()


def make_shop() -> Shop:
    """A shop with its stock filled."""
    stock = Stock(100)
    return Shop(stock, Orders(stock), Visits())


def main() -> None:
    """Serve; then tell what it took."""
    command = parser(__doc__)
    command.add_argument("--pool", action="store_true", help="answer on the threads of a pool")
    options = command.parse_args()
    shop = make_shop()
    app = Flask("shop")
    add_routes(app, shop)
    server = (PooledServer if options.pool else Server)("127.0.0.1", 0, app, Handler)
    if not options.dry:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        serving.start()
        print(server.port, flush=True)
        before = time.process_time()
        sys.stdin.read()
        cpu_s = time.process_time() - before
        server.shutdown()
        serving.join()
    else:
        cpu_s = 0.0
    server.server_close()
    tell({"cpu_s": cpu_s, "peak_mb": peak_mb(), "requests": shop.visits.total()})


if __name__ == "__main__":
    main()
