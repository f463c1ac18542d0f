"""What a hand-marked call costs its caller, by sort of call, beside a tracking call that was not measured: nanoseconds.

Time on the processor of the calling thread, with the place of the call taken each time; the worker only gathers.
"""

from __future__ import annotations

import dataclasses
import gc
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.programs.measuring import parser, tell
from raceway import Config, RacewayClient, track_function

CALLS = {"tiny": 100, "small": 5_000, "full": 20_000}


@dataclasses.dataclass
class NaiveEvent:
    """An event as it comes."""

    id: str
    parent_id: str | None
    timestamp: str
    kind: dict[str, object]
    vector: list[tuple[str, int]]


class Naive:
    """A tracking call as it comes."""

    def __init__(self) -> None:
        self.events: list[NaiveEvent] = []

    def track_state_change(self, variable: str, old: object, new: object, access_type: str) -> None:
        """Keep an event."""
        caller = traceback.extract_stack()[-2]
        location = f"{caller.filename}:{caller.lineno}"
        kind = {"variable": variable, "old_value": old, "new_value": new, "location": location, "access": access_type}
        parent = self.events[-1].id if self.events else None
        moment = datetime.now(UTC).isoformat()
        clock = [("app#1", len(self.events) + 1)]
        self.events.append(NaiveEvent(str(uuid.uuid4()), parent, moment, {"StateChange": kind}, clock))


def nested(work: Callable[[], None], depth: int) -> None:
    """Programs make tracking calls from somewhere: so many frames down."""
    if depth:
        nested(work, depth - 1)
    else:
        work()


def timed(call: Callable[[int], object], count: int) -> float:
    """Nanoseconds of one call."""
    found: list[float] = []

    def work() -> None:
        began = time.thread_time_ns()
        for number in range(count):
            call(number)
        found.append((time.thread_time_ns() - began) / count)

    nested(work, 20)
    return found[0]


def main() -> None:
    """Measure every call once."""
    options = parser(__doc__).parse_args()
    count = CALLS[options.size]
    naive = Naive()
    client = RacewayClient(Config(batch_size=10**9, flush_interval=3600, buffer_size=10**9), sinks=[])
    client.start_trace()

    @track_function(client)
    def pay(amount: int, currency: str) -> object:
        return amount, currency

    @track_function(client)
    def order(number: int, items: list[str]) -> object:
        return number, items

    items = ["apple", "pear", "plum"]
    calls: dict[str, Callable[[int], object]] = {
        "naive": lambda number: naive.track_state_change("user.balance", number, 2, "Write"),
        "state_change": lambda number: client.track_state_change("user.balance", number, 2, "Write"),
        "function_call": lambda number: client.track_function_call("pay", {"amount": number}),
        "decorated_call": lambda number: pay(number, "EUR"),
        "decorated_call_with_a_list": lambda number: order(number, items),
        "lock_acquire": lambda _number: client.track_lock_acquire("stock", "Mutex"),
        "propagation_headers": lambda _number: client.propagation_headers(),
    }
    for call in calls.values():
        timed(call, min(count, 500))
    found = {}
    for name, call in calls.items():
        naive.events.clear()  # what one has left behind is no work for the others
        client.flush()
        gc.collect()
        found[name] = timed(call, count)
    tell(found)


if __name__ == "__main__":
    main()
