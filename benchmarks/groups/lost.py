"""Updates that probes lose: none may, on the native core; the pure one says that it does."""

from __future__ import annotations

from benchmarks.options import Bench
from benchmarks.processes import Measured
from benchmarks.results import Bar, Result, Table

MODULE = "benchmarks.lost_updates"
PURE_SIZES = {"tiny": "tiny", "small": "tiny", "full": "small"}
"""The pure core takes microseconds per access: a smaller size shows its losses as well."""


def run(bench: Bench) -> Result:
    """Count on the plain interpreter, on the core that is measured and on the pure one."""
    machinery = bench.machinery
    runs: dict[str, Measured] = {}
    bench.say("plain")
    runs["plain"] = machinery.plain(MODULE, "--size", bench.size)
    if bench.core != "pure":
        machinery.raceway(MODULE, "--dry")
        bench.say(bench.core)
        runs[bench.core] = machinery.raceway(MODULE, "--size", bench.size)
    bench.say("pure")
    runs["pure"] = machinery.raceway(MODULE, "--size", PURE_SIZES[bench.size], core="pure")
    for name, measured in runs.items():
        bench.said(f"{name}: {measured.values['lost']} of {measured.values['updates']:,}")
    forms = tuple(runs["plain"].values["lost"])
    rows = tuple(
        (name, f"{measured.values['updates']:,}", *(f"{measured.values['lost'][form]:,}" for form in forms))
        for name, measured in runs.items()
    )
    bars = tuple(bar(name, measured) for name, measured in runs.items() if name != "plain")
    return Result("lost", bars, (Table(("run", "updates of each form", *(f"lost: {form}" for form in forms)), rows),))


def bar(core: str, measured: Measured) -> Bar:
    """Only the native core has promised."""
    lost = sum(measured.values["lost"].values())
    what = f"updates lost, {core} core, of {measured.values['updates']:,} of each form"
    return Bar(what, f"{lost:,}", "0" if core == "native" else "", lost == 0 if core == "native" else None)
