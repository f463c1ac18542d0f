"""Clients at ends and forks of their process, and while another thread imports what they look for."""

from __future__ import annotations

import signal
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from raceway import RacewayClient
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

TERM = """
os.kill(os.getpid(), signal.SIGTERM)
signal.pause()
"""


@pytest.mark.parametrize(
    ("ending", "status", "names"),
    [(TERM, -signal.SIGTERM, ["parent"] * 20), (FORK, 0, ["parent"] * 20 + ["child", "after"])],
    ids=["term", "fork"],
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
