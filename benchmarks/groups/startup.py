"""Start-up: a trivial script under Raceway with a warm cache against the same script alone, on the clock."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence

from benchmarks.options import Bench
from benchmarks.processes import ROOT, Measured, execute
from benchmarks.results import Result, Table, at_most
from benchmarks.rounds import PLAIN, RACEWAY, interleave

LEAST_ROUNDS = 15

SCRIPT = str(ROOT / "benchmarks" / "programs" / "trivial.py")


def run(bench: Bench) -> Result:
    """Measure."""
    commands = {
        PLAIN: [sys.executable, SCRIPT],
        RACEWAY: [sys.executable, "-m", "raceway.run", "--core", bench.core, SCRIPT],
    }
    rounds = max(LEAST_ROUNDS, 4 * bench.rounds + 1)
    for command in commands.values():
        timed(command)
    variants = {name: lambda command=command: timed(command) for name, command in commands.items()}
    samples = interleave(variants, rounds, bench.say)
    walls = {name: [1000 * one.wall_s for one in each] for name, each in samples.items()}
    added = statistics.median(walls[RACEWAY]) - statistics.median(walls[PLAIN])
    bench.said(f"adds {added:.1f} ms")
    rows = tuple(
        (name, *(f"{figure:.1f}" for figure in (statistics.median(each), min(each), max(each))), str(rounds))
        for name, each in walls.items()
    )
    bars = (at_most("start-up added to a trivial script, warm", added, 60, " ms"),)
    return Result("startup", bars, (Table(("run", "median ms", "least", "greatest", "runs"), rows),))


def timed(command: Sequence[str]) -> Measured:
    """One run on the clock."""
    began = time.perf_counter()
    execute(command)
    return Measured(wall_s=time.perf_counter() - began)
