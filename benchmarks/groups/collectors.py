"""Collectors that are not well: what arrives of the events of a steady service, and what its calls take meanwhile.

In each case the service makes a thousand events a second. The collector is a process of its own; of what it takes it
writes down the identities first, so that no event counts as arrived which it did not answer for, and two of one
identity are one.
"""

from __future__ import annotations

import functools
import socket
import subprocess
import sys
import threading
from pathlib import Path

import msgspec

from benchmarks.options import Bench
from benchmarks.processes import ROOT, BenchmarkError, Measured, execute, parse
from benchmarks.results import Bar, Result, Table, at_most

PROGRAM = ROOT / "benchmarks" / "programs" / "illcollector.py"
PATIENCE_S = 60


class Case(msgspec.Struct, frozen=True):
    """A way of not being well. Times are seconds, of a run of full size: smaller ones are shortened alike.

    `away`: so long nothing listens at first. `killed`: the collector is ended without warning, and again while the
    service goes on, so often; each time another one takes its place a second later. `limit`: bytes of the spool, 0 for
    as many as it has by itself. `refuses`: it takes no event called `bad`.
    """

    what: str
    way: str
    makes_s: float = 10
    ill_s: float = 0
    away_s: float = 0
    killed: int = 0
    limit: int = 0
    refuses: bool = False


CASES = (
    Case("refused for 8 s, then well", "failing", away_s=8),
    Case("each answer takes 200 ms", "slow"),
    Case("500 for a minute, then well", "failing", makes_s=65, ill_s=60),
    Case("each third connection cut in the body, for 8 s", "cut", ill_s=8),
    Case("killed five times, another one a second later", "failing", killed=5),
    Case("413 for more than ten events", "small"),
    Case("422 for one bad event in 500", "strict", refuses=True),
    Case("refused for 8 s, a spool of 300 kB", "failing", away_s=8, limit=300_000),
)

SHARES = {"tiny": 0.05, "small": 0.2, "full": 1.0}

COLUMNS = ("collector", "made", "arrived", "left out", "lost", "unaccounted", "threads", "p50 us", "p99 us", "most us")


def run(bench: Bench) -> Result:
    """Measure each case once."""
    bars: list[Bar] = []
    rows = []
    for case in CASES:
        bench.say(case.what)
        made, arrived = measured(bench, case, SHARES[bench.size])
        values = {name: int(value) for name, value in made.values.items()}
        left_out, lost = values["refused"], values["lost"] + values["dropped"]
        unaccounted = values["made"] - arrived - left_out - lost - values["spooled"] - values["waiting"]
        p99 = values["p99_ns"] / 1e6
        exact = unaccounted == 0 and values["spooled"] == values["waiting"] == 0
        bars.append(Bar(f"{case.what}: events unaccounted for", str(unaccounted), "0", exact))
        if not case.limit:
            bars.append(Bar(f"{case.what}: events lost", str(lost), "0", lost == 0))
        bars.append(at_most(f"{case.what}: a call, p99", p99, 5, " ms"))
        bars.append(at_most(f"{case.what}: threads, that of the client among them", values["threads"], 2))
        times = (f"{values[name] / 1000:.1f}" for name in ("p50_ns", "p99_ns", "most_ns"))
        numbers = (values["made"], arrived, left_out, lost, unaccounted, values["threads"])
        rows.append((case.what, *map(str, numbers), *times))
        bench.said(f"{case.what}: {arrived} of {values['made']} arrived")
    return Result("collectors", tuple(bars), (Table(COLUMNS, tuple(rows)),))


def measured(bench: Bench, case: Case, share: float) -> tuple[Measured, int]:
    """What the service tells, and how many of its events arrived."""
    place = bench.directory("collectors")
    spool, arrived = place / "spool", place / "arrived"
    execute(["rm", "-rf", str(spool), str(arrived)])
    ill = Illness(case, share, free_port(), arrived)
    doing = threading.Thread(target=ill.run)
    doing.start()
    try:
        arguments = (ill.endpoint, str(spool), str(case.makes_s * share), str(PATIENCE_S), str(case.limit))
        output = execute([sys.executable, "-m", "benchmarks.programs.steady", *arguments], timeout=300)
    finally:
        ill.over.set()
        doing.join()
        ill.kill()
    if ill.error is not None:
        raise ill.error
    return parse(output), len(set(arrived.read_text().split()))


class Illness:
    """Starts collectors, and ends them, as the case has it, in a thread of its own."""

    def __init__(self, case: Case, share: float, port: int, arrived: Path) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.over = threading.Event()
        self.error: Exception | None = None
        self._case = case
        self._share = share
        self._start = functools.partial(started, case.way, port, case.ill_s * share, arrived)
        self._collector: subprocess.Popen[str] | None = None

    def run(self) -> None:
        """What happens while the service runs."""
        case, share = self._case, self._share
        try:
            self.over.wait(case.away_s * share)
            self._collector = self._start()
            for _ in range(case.killed):
                if self.over.wait(case.makes_s * share / (case.killed + 1)):
                    return
                self.kill()
                self.over.wait(share)
                self._collector = self._start()
        except Exception as error:
            self.error = error

    def kill(self) -> None:
        """End the collector without warning, if there is one."""
        if self._collector is not None:
            self._collector.kill()
            self._collector.communicate()


def started(way: str, port: int, ill_s: float, arrived: Path) -> subprocess.Popen[str]:
    """A collector that listens."""
    command = [sys.executable, str(PROGRAM), way, str(port), str(ill_s), str(arrived)]
    collector = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert collector.stdout is not None
    if not collector.stdout.readline():
        raise BenchmarkError(f"the collector that is to be {way} did not start")
    return collector


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
