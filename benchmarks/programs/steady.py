"""A service that tells a collector what it does, all the time: `steady.py ENDPOINT SPOOL SECONDS PATIENCE LIMIT`.

One event in 500 is of the variable `bad`. LIMIT is how many bytes the spool may have, 0 for as many as ever. Then
it waits for all to be delivered, for so many seconds at most. Prints what became of the events, what the calls took of
the clock in nanoseconds, and how many threads there were at most.
"""

from __future__ import annotations

import functools
import os
import statistics
import sys
import time

from benchmarks.programs.measuring import tell
from raceway import Config, RacewayClient
from raceway.pipeline import sinks

PER_S = 1000
BAD_EACH = 500


def main(endpoint: str, place: str, seconds: str, patience: str, limit: str) -> None:
    """Make events, then wait."""
    if int(limit):
        sinks.http_sink = functools.partial(sinks.http_sink, spool_limit=int(limit))  # the client asks for it by name
    client = RacewayClient(Config(endpoint=endpoint, service_name="bench", environment="test", spool=place))
    client.start_trace()
    took: list[int] = []
    threads = 0
    began = time.monotonic()
    for number in range(int(float(seconds) * PER_S)):
        name = "bad" if number % BAD_EACH == BAD_EACH - 1 else "account.balance"
        before = time.perf_counter_ns()
        client.track_state_change(name, number, number + 1, "Write")
        took.append(time.perf_counter_ns() - before)
        if number % 50 == 0:
            threads = max(threads, len(os.listdir("/proc/self/task")))
        time.sleep(max(0.0, began + (number + 1) / PER_S - time.monotonic()))
    delivered = client.flush(float(patience))
    counts, (sink,) = client.counts(), client._pipeline.sink_counts()
    cuts = statistics.quantiles(took, n=1000)
    tell({
        "made": len(took), "put": counts.put, "dropped": counts.dropped, "sent": sink.sent, "refused": sink.refused,
        "lost": sink.lost, "spooled": sink.spooled, "waiting": sink.waiting + counts.waiting,
        "delivered": delivered, "p50_ns": cuts[499], "p99_ns": cuts[989], "most_ns": max(took),
        "threads": threads,
    })  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
