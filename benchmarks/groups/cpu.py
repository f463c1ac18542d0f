"""Programs of one thread: pyperformance's, with a second thread that has taken part and is parked."""

from __future__ import annotations

from benchmarks.copies import copy_programs
from benchmarks.groups.comparison import Program, compare, counts_of
from benchmarks.options import Bench
from benchmarks.programs.adapters import ADAPTERS
from benchmarks.results import Bar, Result, at_most
from benchmarks.rounds import cpu_s, peak_mb

PROGRAMS = tuple(ADAPTERS)

MODULE = "benchmarks.programs.pyperformance"


def program(name: str, directory: str) -> Program:
    """How one of pyperformance's programs is run."""
    return Program(MODULE, (name, "--directory", directory))


def run(bench: Bench) -> Result:
    """Measure."""
    directory = str(copy_programs(bench.directory("pyperformance")))
    comparison = compare(bench, {name: program(name, directory) for name in PROGRAMS if bench.wants(name)})
    false = counts_of(list(comparison.samples.values()))
    bars = (
        at_most("CPU time of one-thread programs, geometric mean", comparison.mean(cpu_s), 1.5, " times"),
        at_most("CPU time of one-thread programs, greatest", comparison.worst(cpu_s), 2.2, " times"),
        at_most("peak memory of one-thread programs, greatest", comparison.worst(peak_mb), 1.5, " times"),
        Bar("findings in one-thread programs", str(false), "0", false == 0),
    )
    return Result("cpu", bars, (comparison.table(),), (), comparison.failures)
