"""Every way to have worker processes is followed, with the real thing and nothing set up: one report, nothing left."""

from __future__ import annotations

import re
import signal
import site
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.children.running import Followed, Place
from tests.conftest import TIMEOUT_S, clean_environ

RACE = [("lost-update", "Counter.value")]

PROCESSES = """\
import multiprocessing
import sys

import shared

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    workers = [context.Process(target=shared.race) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print([worker.exitcode for worker in workers])
"""

EXECUTOR = """\
from concurrent.futures import ProcessPoolExecutor

import shared


def work(_number):
    shared.race()
    return shared.counter.value


if __name__ == "__main__":
    with ProcessPoolExecutor(max_workers=2) as pool:
        print(sum(value > 0 for value in pool.map(work, range(4))))
"""

SUBPROCESS = """\
import subprocess
import sys

if len(sys.argv) > 1:
    import shared

    shared.race()
else:
    print(subprocess.run([sys.executable, __file__, "child"]).returncode)
"""

SERVED = """\
import shared


def wsgi(environ, start_response):
    shared.race()
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]


async def asgi(scope, receive, send):
    if scope["type"] == "http":
        shared.race()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})
"""

TASKS = """\
from celery import Celery

import shared

app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": "queue", "data_folder_out": "queue", "processed_folder": "done", "control_folder": "control",
}


@app.task
def work():
    shared.race()
"""


def installed() -> set[Path]:
    """The files beside installed packages, where start-up hooks would lie."""
    return {path for folder in site.getsitepackages() for path in Path(folder).iterdir() if path.is_file()}


def check(run: Followed, processes: int, started: str) -> None:
    """One report has the race of the workers, each of which has handed in, and nothing is left."""
    assert run.races == RACE
    assert run.report["summary"]["self_check"] == "ok"
    assert {process["ended"] for process in run.processes if process["started"] == started} == {"handed-in"}
    assert len(run.processes) >= processes
    assert run.left == []
    assert run.status == 66


@pytest.mark.parametrize(("method", "started"), [("fork", "fork"), ("spawn", "exec"), ("forkserver", "fork")])
def test_multiprocessing(place: Place, method: str, started: str) -> None:
    before = installed()
    place.write("app.py", PROCESSES)
    run = place.run("app.py", method)
    assert run.stdout == "[0, 0]\n"
    check(run, 2, started)
    assert run.report["findings"][0]["count"] % 2 == 0  # both workers found it
    assert [note["reason"] for note in run.report["not_seen"]] == []
    assert run.report["coverage"].get("sync_unknown", []) == []  # what multiprocessing does is followed
    assert installed() == before


def test_process_pool_executor(place: Place) -> None:
    place.write("app.py", EXECUTOR)
    run = place.run("app.py")
    assert run.stdout == "4\n"
    check(run, 1, "fork")


def test_subprocess(place: Place) -> None:
    place.write("app.py", SUBPROCESS)
    run = place.run("app.py")
    assert run.stdout == "0\n"
    check(run, 1, "exec")


@pytest.mark.parametrize(
    ("server", "ready", "started"),
    [
        (["gunicorn", "-w", "2", "-b", "127.0.0.1:0", "--no-control-socket", "served:wsgi"], "Booting worker", "fork"),
        (["uvicorn", "--workers", "2", "--port", "0", "served:asgi"], "startup complete", "exec"),
    ],
    ids=["gunicorn", "uvicorn"],
)
def test_servers(place: Place, server: list[str], ready: str, started: str) -> None:
    pytest.importorskip(server[0])
    if server[0] == "gunicorn" and b"no-control-socket" not in help_of("gunicorn"):
        server = [word for word in server if word != "--no-control-socket"]
    place.write("served.py", SERVED)
    with place.serving("-m", *server) as (process, finish):
        assert process.stderr is not None
        port, workers = "", 0
        while not port or not workers:
            line = process.stderr.readline()
            assert line, "the server ended"
            port = port or "".join(re.findall(r"http://127\.0\.0\.1:(\d+)", line))
            workers += ready in line
        until_it_listens(int(port))
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=TIMEOUT_S) as answer:
                assert answer.read() == b"done"
        process.send_signal(signal.SIGTERM)
        check(finish(), 2, started)


def until_it_listens(port: int) -> None:
    """Wait for a server that said that it was ready before it was."""
    until = time.monotonic() + TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), TIMEOUT_S).close()
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.01)
        else:
            return


def help_of(module: str) -> bytes:
    """What a server says of its options."""
    return subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, check=True).stdout


def test_celery_prefork(place: Place) -> None:
    pytest.importorskip("celery")
    place.write("tasks.py", TASKS)
    for folder in ("queue", "done", "control"):
        (place.directory / folder).mkdir()
    send = "import tasks; tasks.work.delay(); tasks.work.delay()"
    subprocess.run([sys.executable, "-c", send], cwd=place.directory, env=clean_environ(), check=True)
    worker = ("-m", "celery", "-A", "tasks", "worker", "--pool", "prefork", "-c", "2", "-l", "info")
    with place.serving(*worker) as (process, finish):
        assert process.stderr is not None
        done = 0
        while done < 2:
            line = process.stderr.readline()
            assert line, "the worker ended"
            done += "succeeded" in line
        process.send_signal(signal.SIGTERM)
        check(finish(), 2, "fork")
