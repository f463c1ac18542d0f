"""Servers of the web applications: a thread for each request, as werkzeug does it, or a few threads that answer all."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from benchmarks.programs.measuring import parser, peak_mb, tell

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


def serve(about: str | None, make: Callable[[], tuple[Flask, Callable[[], int]]]) -> None:
    """Print the port and serve until the input ends; then tell what it took.

    `make` gives an application, and what counts the requests that it answered.
    """
    command = parser(about)
    command.add_argument("--pool", action="store_true", help="answer on the threads of a pool")
    options = command.parse_args()
    app, answered = make()
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
    tell({"cpu_s": cpu_s, "peak_mb": peak_mb(), "requests": answered()})
