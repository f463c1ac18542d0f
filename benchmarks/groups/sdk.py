"""Hand-marked calls: what each costs its caller, beside a tracking call as it comes, in one process."""

from __future__ import annotations

import statistics

from benchmarks.options import Bench
from benchmarks.results import Bar, Result, Table, at_least, at_most, figure
from benchmarks.rounds import PLAIN, interleave

MODULE = "benchmarks.programs.marking"
NAIVE, MARKED, DECORATED, LISTED = "naive", "state_change", "decorated_call", "decorated_call_with_a_list"


def run(bench: Bench) -> Result:
    """Measure."""
    samples = interleave({PLAIN: lambda: bench.machinery.plain(MODULE, "--size", bench.size)}, bench.rounds, bench.say)[
        PLAIN
    ]
    names = tuple(samples[0].values)
    costs = {name: statistics.median(float(one.values[name]) for one in samples) for name in names}
    ratio = statistics.median(float(one.values[NAIVE]) / float(one.values[MARKED]) for one in samples)
    rows = tuple((name.replace("_", " "), f"{cost / 1000:.2f}") for name, cost in costs.items())
    bars: tuple[Bar, ...] = (
        Bar("a tracking call as it comes, 20 frames down", figure(costs[NAIVE] / 1000, " us"), ""),
        at_most("a hand-marked state change, place included", costs[MARKED] / 1000, 3.0, " us"),
        at_most("a decorated call with arguments, its begin and its end", costs[DECORATED] / 1000, 3.0, " us"),
        at_most("the same with a list among the arguments", costs[LISTED] / 1000, 3.0, " us"),
        at_least("times cheaper than the call as it comes", ratio, 4.0),
    )
    return Result("sdk", bars, (Table(("call", "us in the caller"), rows),))
