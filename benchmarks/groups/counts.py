"""What the measured core counts beside what the pure one counts, on the one-thread programs at the least size.

The pure core leaves nothing out, so this shows what an elision of the other core removes. It takes minutes and is
measured only when it is named.
"""

from __future__ import annotations

from benchmarks.copies import copy_programs
from benchmarks.groups.cpu import PROGRAMS, program
from benchmarks.options import Bench
from benchmarks.processes import BenchmarkError, Counts
from benchmarks.results import Bar, Result, Table

SIZE = "tiny"


def run(bench: Bench) -> Result:
    """Count."""
    directory = str(copy_programs(bench.directory("pyperformance")))
    rows, failures = [], []
    fewer = 0
    for name in PROGRAMS:
        if not bench.wants(name):
            continue
        try:
            measured, pure = (count(bench, name, directory, core) for core in (bench.core, "pure"))
        except BenchmarkError as error:
            failures.append(f"{name}: {error}")
            continue
        fewer += measured.accesses < pure.accesses
        difference = measured.accesses - pure.accesses
        rows.append((name, f"{measured.sites:,}", f"{measured.accesses:,}", f"{pure.accesses:,}", f"{difference:+,}"))
        bench.said(f"{name}: {measured.accesses:,} and {pure.accesses:,}")
    columns = ("program", "sites", f"accesses, {bench.core} core", "accesses, pure core", "difference")
    bar = Bar(f"programs of which the {bench.core} core counts fewer accesses than the pure one", str(fewer), "")
    return Result("counts", (bar,), (Table(columns, tuple(rows)),), (), tuple(failures))


def count(bench: Bench, name: str, directory: str, core: str) -> Counts:
    """One run on one core."""
    bench.say(f"{name}: {core}")
    one = program(name, directory)
    return bench.machinery.raceway(one.module, *one.arguments, "--size", SIZE, core=core).counts
