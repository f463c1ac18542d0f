"""Clients at ends and forks of their process, and while another thread imports what they look for."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from raceway import Config, RacewayClient, set_context
from raceway.client import flows, inheritance
from tests.conftest import ROOT, clean_environ
from tests.pipeline.receiver import receiving

PROGRAM = """
import os, signal, sys
from raceway import Config, RacewayClient
from raceway.pipeline import facade
client = RacewayClient(Config(endpoint=sys.argv[1], flush_interval=60, batch_size=10**6))
client.start_trace()
for number in range(20):
    client.track_state_change("parent", None, number, "Write")
"""

FORK = """
facade.FORK_PATIENCE = 60
child = os.fork()
if child:
    os.waitpid(child, 0)
client.track_state_change("child" if not child else "after", None, 1, "Write")
client.shutdown()
"""

FORK_IN_A_THREAD = """
import threading

def late():
    first.join()
    client.track_state_change("late", None, 1, "Write")

def forking():
    global first
    facade.FORK_PATIENCE = 60
    first = threading.current_thread()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        client.track_state_change("after", None, 1, "Write")
        return
    client.track_state_change("child", None, 1, "Write")
    threading.Thread(target=late).start()

thread = threading.Thread(target=forking)
thread.start()
thread.join()
"""

TERM = """
os.kill(os.getpid(), signal.SIGTERM)
signal.pause()
"""


def test_what_a_collector_that_is_away_missed_the_next_client_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No setting asks for that."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    reserved = socket.create_server(("127.0.0.1", 0))
    port = reserved.getsockname()[1]
    reserved.close()
    collectors: list[contextlib.AbstractContextManager[Any]] = [contextlib.nullcontext(), receiving(port)]
    for number, collector in enumerate(collectors):
        with collector as receiver:
            client = RacewayClient(Config(endpoint=f"http://127.0.0.1:{port}", flush_interval=60))
            client.start_trace()
            client.track_state_change("a", None, number, "Write")
            assert client.shutdown() == bool(receiver)
            set_context(None)
            taken = [] if receiver is None else [event["kind"]["StateChange"]["new_value"] for event in receiver.taken]
    assert sorted(taken) == [0, 1]
    assert "lost" not in capfd.readouterr().err
    assert not list(tmp_path.rglob("*.jsonl"))


@pytest.mark.parametrize(
    ("ending", "status", "names"),
    [
        (TERM, -signal.SIGTERM, ["parent"] * 20),
        (FORK, 0, ["parent"] * 20 + ["child", "after"]),
        (FORK_IN_A_THREAD, 0, ["parent"] * 20 + ["child", "late", "after"]),
    ],
    ids=["term", "fork", "fork-in-a-thread"],
)
def test_causes_arrive_first_and_nothing_is_lost(ending: str, status: int, names: list[str]) -> None:
    with receiving() as receiver:
        program = [sys.executable, "-W", "ignore", "-c", PROGRAM + ending, receiver.endpoint]
        finished = subprocess.run(program, check=False, timeout=60, cwd=ROOT, env=clean_environ())
        taken = list(receiver.taken)
    assert finished.returncode == status
    assert [event["kind"]["StateChange"]["variable"] for event in taken] == names
    known: set[Any] = {None}
    for event in taken:
        assert event.get("parent_id") in known
        known.add(event["id"])


IMPORT = """
import threading, time
from raceway.pipeline import endings
ready, done = threading.Event(), []

def importing():
    with endings.importing:
        ready.set()
        time.sleep(0.3)
        done.append(True)

threading.Thread(target=importing).start()
ready.wait()
child = os.fork()
if not child:
    os._exit(0 if done and not endings.importing.locked() else 1)
_, status = os.waitpid(child, 0)
client.shutdown()
sys.exit(status)
"""


def test_a_fork_waits_for_what_the_worker_imports() -> None:
    with receiving() as receiver:
        program = [sys.executable, "-W", "ignore", "-c", PROGRAM + IMPORT, receiver.endpoint]
        assert subprocess.run(program, check=False, timeout=60, cwd=ROOT, env=clean_environ()).returncode == 0


@pytest.mark.parametrize("name", ["trio.lowlevel", "asyncio", "asyncio.base_events", "curio.task"])
def test_a_library_that_is_being_imported_has_nothing_yet(
    name: str, client: RacewayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = ModuleType(name)
    begun.__spec__ = type("Spec", (), {"_initializing": True})()
    monkeypatch.setitem(sys.modules, name, begun)
    monkeypatch.setattr(flows, "_running_loop", flows._no_loop)
    inheritance.follow()
    client.start_trace()
    client.track_state_change("early", None, 1, "Write")
    assert client.flush()
