"""Programs of tasks on one event loop, free of races."""

from __future__ import annotations

from benchmarks.groups.comparison import Program, compare, counts_of
from benchmarks.options import Bench
from benchmarks.results import Bar, Result, at_most
from benchmarks.rounds import cpu_s, peak_mb

PROGRAMS = ("tasks", "streams")


def run(bench: Bench) -> Result:
    """Measure."""
    programs = {name: Program(f"benchmarks.programs.{name}", ()) for name in PROGRAMS if bench.wants(name)}
    comparison = compare(bench, programs)
    false = counts_of(list(comparison.samples.values()))
    bars = (
        at_most("CPU time of asyncio programs, geometric mean", comparison.mean(cpu_s), 1.8, " times"),
        at_most("peak memory of asyncio programs, greatest", comparison.worst(peak_mb), 1.5, " times"),
        Bar("findings in asyncio programs, which have no races", str(false), "0", false == 0),
    )
    return Result("asyncio", bars, (comparison.table(),), (), comparison.failures)
