"""Single accesses against the yardstick: what a tap adds to an access, beside what a no-op C call costs.

The yardstick is `operator.index(7)`: a C function of one argument (METH_O) that gives its argument back. Beside it
stands `operator.is_(7, 7)`, one of two (METH_FASTCALL), as a probe that is a call would need: site and operand.
"""

from __future__ import annotations

import statistics

from benchmarks.options import Bench
from benchmarks.processes import Measured
from benchmarks.results import Bar, Result, Table, at_most
from benchmarks.rounds import PLAIN, RACEWAY, Samples, interleave

MODULE = "benchmarks.programs.micro"
EMPTY, ONE, TWO = "empty", "call_one", "call_two"
CALLS = (ONE, TWO)


def run(bench: Bench) -> Result:
    """Measure."""
    arguments = ("--size", bench.size)
    machinery = bench.machinery
    machinery.raceway(MODULE, *arguments, "--dry")
    samples = interleave(
        {
            PLAIN: lambda: machinery.plain(MODULE, *arguments),
            RACEWAY: lambda: machinery.raceway(MODULE, *arguments),
        },
        bench.rounds,
        bench.say,
    )
    floor = cost(samples, PLAIN, ONE)
    bench.said(f"a C call costs {floor:.1f} ns")
    forms = [name for name in samples[PLAIN][0].values if name != EMPTY]
    rows = tuple(row(samples, form, floor) for form in forms)
    columns = ("form", "plain ns", "raceway ns", "added ns", "added / C call")
    return Result("micro", bars(samples, floor), (Table(columns, rows),))


def bars(samples: Samples, floor: float) -> tuple[Bar, ...]:
    """The two forms that have a bar, on an object of this thread and on one that another has touched."""
    shares = {
        form: added(samples, form) / floor
        for form in ("attribute_read", "attribute_update", "shared_attribute_read", "shared_attribute_update")
    }
    unit = " C calls"
    return (
        Bar("a no-op C call (METH_O), the yardstick", f"{floor:.1f} ns", ""),
        Bar("a no-op C call of two arguments (METH_FASTCALL)", f"{cost(samples, PLAIN, TWO):.1f} ns", ""),
        at_most("added to an attribute read", shares["attribute_read"], 0.8, unit),
        at_most("added to an attribute `+=`", shares["attribute_update"], 0.8, unit),
        at_most("added to an attribute read, object seen by two threads", shares["shared_attribute_read"], 0.8, unit),
        at_most("added to an attribute `+=`, object seen by two threads", shares["shared_attribute_update"], 0.8, unit),
    )


def cost(samples: Samples, variant: str, form: str) -> float:
    """Nanoseconds over the empty loop, the median over the rounds."""

    def over_empty(measured: Measured) -> float:
        return float(measured.values[form] - measured.values[EMPTY])

    return statistics.median(over_empty(measured) for measured in samples[variant])


def added(samples: Samples, form: str) -> float:
    """What Raceway adds to a form."""
    return cost(samples, RACEWAY, form) - cost(samples, PLAIN, form)


def row(samples: Samples, form: str, floor: float) -> tuple[str, ...]:
    """The row of one form; the calls themselves have no tap."""
    plain, raceway = cost(samples, PLAIN, form), cost(samples, RACEWAY, form)
    share = "" if form in CALLS else f"{(raceway - plain) / floor:.2f}"
    return (form.replace("_", " "), f"{plain:.1f}", f"{raceway:.1f}", f"{raceway - plain:.1f}", share)
