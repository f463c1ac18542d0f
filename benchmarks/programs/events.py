"""Makes events in one of three ways and sends them to a collector: `events.py WAY ENDPOINT ROUNDS`.

naive       what an SDK does that was not measured: a random UUID, a date as text, a dataclass, the whole stack for the
            location, a list; JSON, and a request for each fifty
hand        a tracking call of the SDK, which finds the location
automatic   what a program does under Raceway: it takes a lock, adds to what two threads share, frees the lock

Prints as JSON the events made, the CPU time of a call in nanoseconds, and the seconds from the first call to the last
answer, by the clock and of this process.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

NAIVE_EVENTS = 2_000
EVENTS = 15_000
BATCH = 50


@dataclasses.dataclass
class NaiveEvent:
    """An event as a dataclass in the shape of the protocol."""

    id: str
    trace_id: str
    parent_id: str | None
    timestamp: str
    kind: dict[str, Any]
    metadata: dict[str, Any]
    causality_vector: list[list[Any]]
    lock_set: list[str]


class Naive:
    """The tracking call and the sender that have to be beaten."""

    def __init__(self, endpoint: str) -> None:
        import httpx

        self.client = httpx.Client(trust_env=False)
        self.url = f"{endpoint}/events"
        self.trace = str(uuid.uuid4())
        self.parent: str | None = None
        self.count = 0
        self.events: list[NaiveEvent] = []

    def track(self, variable: str, old: object, new: object) -> None:
        """One state change."""
        self.count += 1
        caller = traceback.extract_stack()[-2]
        kind = {
            "StateChange": {
                "variable": variable,
                "old_value": old,
                "new_value": new,
                "location": f"{caller.filename}:{caller.lineno}",
                "access_type": "Write",
            }
        }
        metadata = {
            "thread_id": f"python-812-{threading.get_ident() & 0xFFFFFFFF:08x}",
            "process_id": 812,
            "service_name": "bench",
            "environment": "test",
            "tags": {"sdk_language": "python"},
            "duration_ns": None,
            "instance_id": "bench-1",
            "distributed_span_id": "a1b2c3d4e5f60718",
            "upstream_span_id": None,
        }
        event = NaiveEvent(
            id=str(uuid.uuid4()),
            trace_id=self.trace,
            parent_id=self.parent,
            timestamp=datetime.now(UTC).isoformat(),
            kind=kind,
            metadata=metadata,
            causality_vector=[["bench#bench-1", self.count]],
            lock_set=[],
        )
        self.parent = event.id
        self.events.append(event)

    def send(self) -> None:
        """All that waits, in batches."""
        for start in range(0, len(self.events), BATCH):
            batch = [dataclasses.asdict(event) for event in self.events[start : start + BATCH]]
            self.client.post(
                self.url, content=json.dumps({"events": batch}), headers={"Content-Type": "application/json"}
            ).raise_for_status()
        self.events.clear()


def naive(endpoint: str) -> Callable[[], tuple[int, float]]:
    """A round of the naive way."""
    sdk = Naive(endpoint)

    def nested(depth: int) -> float:  # programs call tracking functions from somewhere
        if depth:
            return nested(depth - 1)
        began = time.thread_time()
        for number in range(NAIVE_EVENTS):
            sdk.track("account.balance", number, number + 1)
        return time.thread_time() - began

    def turn() -> tuple[int, float]:
        took = nested(10)
        sdk.send()
        return NAIVE_EVENTS, took

    return turn


def hand(endpoint: str) -> Callable[[], tuple[int, float]]:
    """A round of tracking calls, which find out where they are called."""
    from raceway import Config, RacewayClient

    client = RacewayClient(Config(endpoint=endpoint, service_name="bench", instance_id="bench-1", environment="test"))
    client.start_trace()

    def nested(depth: int) -> float:
        if depth:
            return nested(depth - 1)
        began = time.thread_time()
        for number in range(EVENTS):
            client.track_state_change("account.balance", number, number + 1, "Write")
        return time.thread_time() - began

    def turn() -> tuple[int, float]:
        took = nested(10)
        assert client.flush(60)
        assert client.counts().dropped == 0
        return EVENTS, took

    return turn


PROGRAM = """
import threading, time
class Account:
    def __init__(self):
        self.balance = 0
        self.lock = threading.Lock()
account = Account()
def once():
    with account.lock:
        account.balance += 1
thread = threading.Thread(target=once)
thread.start()
thread.join()
once()
def burst(count):
    lock = account.lock
    began = time.thread_time()
    for _ in range(count):
        with lock:
            account.balance += 1
    return time.thread_time() - began
"""


def automatic(endpoint: str) -> Callable[[], tuple[int, float]]:
    """A round of what the detector tells: three events for each turn of the loop; first the same without events."""
    from raceway.autoinstrument.source import Source
    from raceway.config import resolve
    from raceway.session import Session

    def program(**options: object) -> tuple[Session, dict[str, Any]]:
        session = Session(resolve(options, {}, "/"), ("bench.py",))
        session.start()
        names: dict[str, Any] = {"__name__": "bench"}
        exec(session.compile(Source(PROGRAM.encode), "bench.py", "bench"), names)
        return session, names

    count = EVENTS // 3
    session, names = program(quiet=True)
    names["burst"](count)
    untold = min(names["burst"](count) for _ in range(5))
    session.stop()
    session, names = program(quiet=True, endpoint=endpoint)

    def turn() -> tuple[int, float]:
        took = names["burst"](count) - untold
        assert session.events.flush(60)
        return 3 * count, took

    return turn


WAYS = {"naive": naive, "hand": hand, "automatic": automatic}


def main(way: str, endpoint: str, rounds: str) -> None:
    """Make and send events, round by round."""
    turn = WAYS[way](endpoint)
    turn()
    made, calls = 0, []
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(int(rounds)):
        count, took = turn()
        made += count
        calls.append(1e9 * took / count)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    found = {"events": made, "call_ns": sorted(calls)[len(calls) // 2], "wall_s": wall, "cpu_s": cpu}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
