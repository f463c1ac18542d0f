"""Events: what one costs its caller, how many arrive, how large they are, against a tracking call as it comes.

The receiver is a process of its own that answers 200 to everything and reads it strictly when the clock has stopped.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

import msgspec

from benchmarks.options import Bench
from benchmarks.processes import ROOT, BenchmarkError, Measured, execute
from benchmarks.results import Bar, Result, Table, at_least, at_most, figure
from benchmarks.rounds import interleave

WAYS = ("naive", "hand", "automatic")

TURNS = 5

PROGRAMS = ROOT / "benchmarks" / "programs"


class Made(msgspec.Struct, frozen=True):
    """What the program that makes events tells."""

    events: int
    call_ns: float
    wall_s: float
    cpu_s: float


class Came(msgspec.Struct, frozen=True):
    """What the receiver tells."""

    events: int
    bytes: int
    compressed: int
    compressed_in_fifties: int
    complaints: list[str]


def run(bench: Bench) -> Result:
    """Measure."""
    variants = {way: lambda way=way: measured(way) for way in WAYS}
    samples = interleave(variants, bench.rounds, bench.say)
    found = {way: {name: median(each, name) for name in each[0].values} for way, each in samples.items()}
    naive = found["naive"]
    rates = {way: statistics.median(ratios(samples[way], samples["naive"])) for way in WAYS}
    sizes = {way: found[way]["compressed"] / naive["compressed"] for way in WAYS}
    bars: tuple[Bar, ...] = (
        at_most("automatic event, CPU time in its caller", found["automatic"]["call_ns"] / 1000, 1, " us"),
        at_most("hand-made event with location, CPU time in its caller", found["hand"]["call_ns"] / 1000, 3, " us"),
        at_least("automatic events that arrive, to naive ones", rates["automatic"], 20, " x"),
        at_least("hand-made events that arrive, to naive ones", rates["hand"], 20, " x"),
        at_most("bytes of an automatic event, to a naive one, both compressed", sizes["automatic"], 1 / 3),
        at_most("bytes of a hand-made event, to a naive one, both compressed", sizes["hand"], 1 / 3),
    )
    rows = tuple(
        (
            way,
            figure(one["call_ns"] / 1000),
            figure(one["rate"]),
            f"{rates[way]:.1f}",
            figure(one["cpu_us"]),
            *(figure(one[name]) for name in ("bytes", "compressed", "compressed_in_fifties")),
        )
        for way, one in found.items()
    )
    columns = ("way", "caller us", "events/s", "x naive", "sender CPU us", "bytes", "gzip", "gzip, in fifties")
    return Result("events", bars, (Table(columns, rows),))


def median(samples: list[Measured], name: str) -> float:
    """The median over the rounds."""
    return statistics.median(float(sample.values[name]) for sample in samples)


def ratios(samples: list[Measured], naive: list[Measured]) -> list[float]:
    """The rates of one way to those of the naive one, round by round."""
    return [one.values["rate"] / other.values["rate"] for one, other in zip(samples, naive, strict=True)]


def measured(way: str) -> Measured:
    """One run of the program and its receiver. Raises BenchmarkError for events that are lost or wrong."""
    with subprocess.Popen(
        [sys.executable, PROGRAMS / "receiver.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as receiver:
        assert receiver.stdout is not None
        port = int(receiver.stdout.readline())
        output = execute(
            [sys.executable, "-m", "benchmarks.programs.events", way, f"http://127.0.0.1:{port}", str(TURNS)]
        )
        answer, _ = receiver.communicate(b"\n")
    made = msgspec.json.decode(output, type=Made)
    came = msgspec.json.decode(answer, type=Came)
    if came.complaints or came.events < made.events * (TURNS + 1) / TURNS:
        raise BenchmarkError(f"{way}: {came.events} of {made.events} events came; {came.complaints}")
    values = {
        "call_ns": made.call_ns,
        "rate": made.events / made.wall_s,
        "cpu_us": 1e6 * made.cpu_s / made.events,
        "bytes": came.bytes / came.events,
        "compressed": came.compressed / came.events,
        "compressed_in_fifties": came.compressed_in_fifties / came.events,
    }
    return Measured(wall_s=made.wall_s, values=values)
