"""Memory over very many accesses to objects that stay: what is remembered of them must not grow."""

from __future__ import annotations

from benchmarks.options import Bench
from benchmarks.processes import Measured
from benchmarks.results import Bar, Result, Table, at_most, figure
from benchmarks.rounds import PLAIN, RACEWAY

MODULE = "benchmarks.programs.bounded"

GROWTH_MB = 1.0
"""Less than this is noise of the allocator."""


def run(bench: Bench) -> Result:
    """One run each: what is measured is the course of a run, not its time."""
    arguments = ["--size", bench.size]
    if bench.accesses:
        arguments += ["--accesses", str(bench.accesses)]
    bench.say("fills the cache")
    bench.machinery.raceway(MODULE, *arguments, "--dry")
    bench.say("plain")
    plain = bench.machinery.plain(MODULE, *arguments)
    bench.say("raceway")
    raceway = bench.machinery.raceway(MODULE, *arguments)
    grown = growth_mb(raceway)
    accesses = raceway.counts.accesses
    bars = (
        Bar(f"growth of memory over {accesses:,} accesses", figure(grown, " MB"), "flat", grown <= GROWTH_MB),
        at_most("peak memory of objects that stay", raceway.peak_mb / plain.peak_mb, 1.5, " times"),
    )
    bench.said(f"grows by {figure(grown)} MB over {accesses:,} accesses")
    rows = tuple(row(name, measured) for name, measured in ((PLAIN, plain), (RACEWAY, raceway)))
    columns = (
        "run",
        "CPU s",
        "accesses",
        "MB after 10 %",
        "after 25 %",
        "after 50 %",
        "after 75 %",
        "at the end",
        "peak",
    )
    return Result("memory", bars, (Table(columns, rows),))


def growth_mb(measured: Measured) -> float:
    """How much larger the run was at most after its first tenth, compared to then."""
    samples = measured.values["samples"]
    settled = len(samples) // 10
    return float(max(samples[settled:]) - samples[settled - 1])


def row(name: str, measured: Measured) -> tuple[str, ...]:
    """The course of one run."""
    samples = measured.values["samples"]
    places = [samples[len(samples) * percent // 100 - 1] for percent in (10, 25, 50, 75, 100)]
    accesses = f"{measured.counts.accesses:,}" if measured.counts.accesses else ""
    return (name, f"{measured.cpu_s:.2f}", accesses, *(f"{mb:.1f}" for mb in places), f"{measured.peak_mb:.1f}")
