"""Celery with a real broker and a real worker: Redis from Debian's packages, on loopback, started here."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from raceway import RacewayClient
from raceway.celery import setup_raceway
from tests.client.collecting import Captured, before

REDIS = shutil.which("redis-server")

pytestmark = [
    pytest.mark.skipif(REDIS is None, reason="needs redis-server: apt-get install redis-server"),
    # Celery calls what Redis's client would rather have called by other names.
    pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning"),
]


@contextmanager
def redis(directory: str) -> Iterator[str]:
    """The address of a Redis that keeps nothing; empty when somebody else has taken its port meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", directory]
    process = subprocess.Popen([str(REDIS), *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        is_ready = any("Ready to accept connections" in line for line in process.stdout)
        yield f"redis://127.0.0.1:{port}/0" if is_ready else ""
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis of the test's own."""
    for _ in range(5):
        with redis(str(tmp_path)) as address:
            if address:
                yield address
                return
    raise AssertionError("Redis does not start")


def test_tasks_go_on_in_the_trace_of_who_sent_them(client: RacewayClient, captured: Captured, broker: str) -> None:
    from celery import Celery
    from celery.contrib.testing.worker import start_worker

    app = Celery("shop", broker=broker, backend=broker)
    setup_raceway(client)

    @app.task(name="shop.pay")  # type: ignore[untyped-decorator]
    def pay(amount: int) -> int:
        client.track_state_change("paid", None, amount, "Write")
        if amount < 0:
            raise ValueError("negative")
        return amount

    trace = client.start_trace()
    client.track_state_change("before", None, 1, "Write")
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        assert pay.delay(3).get(timeout=30) == 3
        with pytest.raises(ValueError, match="negative"):
            pay.delay(-1).get(timeout=30)
    app.close()
    events = [event for event in captured if event.trace_id == trace]
    (first,), paid = captured.changes("before"), captured.changes("paid")
    assert [event.trace_id for event in paid] == [trace, trace]
    assert all(before(first, event) for event in paid)
    assert not before(*paid)
    assert not before(*reversed(paid))
    calls = [event.kind.FunctionCall.function_name for event in events if event.kind.FunctionCall]
    assert calls == ["shop.pay", "shop.pay:return", "shop.pay", "shop.pay:error"]
    assert [event.kind.name for event in events].count("AsyncSpawn") == 2
    assert [event.kind.Error.error_type for event in events if event.kind.Error] == ["ValueError"]
