"""Import of a large package that is watched: cold, when every module has to be rewritten, and warm, from the cache."""

from __future__ import annotations

from benchmarks.options import Bench
from benchmarks.results import Result, Table, at_least, at_most, figure
from benchmarks.rounds import PLAIN, RACEWAY, cpu_s, interleave, median, peak_mb, ratio, spread, wall_s

PACKAGE = "networkx"
MODULE = "benchmarks.programs.importing"
LINES = {"tiny": 300, "small": 3_000, "full": 30_000}


def run(bench: Bench) -> Result:
    """Measure both."""
    machinery = bench.machinery
    bench.say("cold")
    cold = [machinery.plain("benchmarks.cold", PACKAGE, "--lines", str(LINES[bench.size])) for _ in range(2)]
    best = min(cold, key=cpu_s)
    speed = best.values["lines"] / best.cpu_s
    bench.said(f"cold: {speed:,.0f} lines/s")
    bench.say("fills the cache")
    first = machinery.raceway(MODULE, PACKAGE, include=(PACKAGE,))
    samples = interleave(
        {
            PLAIN: lambda: machinery.plain(MODULE, PACKAGE),
            RACEWAY: lambda: machinery.raceway(MODULE, PACKAGE, include=(PACKAGE,)),
        },
        2 * bench.rounds + 1,
        lambda text: bench.say(f"warm: {text}"),
    )
    warm = ratio(samples, cpu_s)
    least, most = spread(samples, cpu_s)
    bench.said(f"warm: {figure(warm)} times plain")
    bars = (
        at_least("cold instrumentation, lines/s of one core", speed, 8000),
        at_most(f"warm import of {PACKAGE}, CPU time", warm, 1.15, " times"),
        at_most(f"warm import of {PACKAGE}, time on the clock", ratio(samples, wall_s), 1.15, " times"),
    )
    cold_row = (
        f"{best.values['lines']:,}",
        str(best.values["modules"]),
        f"{best.values['sites']:,}",
        f"{best.cpu_s:.2f}",
        f"{speed:,.0f}",
        f"{best.peak_mb:.0f}",
    )
    warm_row = (
        f"import {PACKAGE}",
        f"{1000 * median(samples[PLAIN], cpu_s):.1f}",
        f"{1000 * median(samples[RACEWAY], cpu_s):.1f}",
        figure(warm),
        f"{least:.2f}-{most:.2f}",
        f"{1000 * first.cpu_s:,.0f}",
        figure(ratio(samples, peak_mb)),
        f"{samples[RACEWAY][-1].counts.accesses:,}",
        f"{samples[RACEWAY][-1].counts.sites:,}",
    )
    tables = (
        Table(("cold: lines", "modules", "sites", "CPU s", "lines/s", "MB"), (cold_row,)),
        Table(
            ("warm", "plain ms", "raceway ms", "ratio", "least-most", "first ms", "ratio of MB", "accesses", "sites"),
            (warm_row,),
        ),
    )
    return Result("import", bars, tables)
