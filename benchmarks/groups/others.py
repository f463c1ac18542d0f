"""Other tools that follow accesses or lines, beside Raceway, on some of the one-thread programs at a small size.

DynaPyt has empty hooks for reads of attributes and items; `sys.settrace` has an empty tracer for every opcode;
coverage.py has its C tracer.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.copies import copy_programs, package_directory
from benchmarks.groups.cpu import MODULE
from benchmarks.options import Bench
from benchmarks.processes import BenchmarkError, Measured, execute
from benchmarks.programs.adapters import ADAPTERS
from benchmarks.results import Bar, Result, Table, figure
from benchmarks.rounds import PLAIN, RACEWAY, Samples, cpu_s, geometric_mean, interleave, median, ratio

PROGRAMS = ("richards", "deltablue", "raytrace", "chaos", "nbody")
SIZES = {"tiny": "tiny", "small": "small", "full": "small"}
MOST_ROUNDS = 3

SESSION = "raceway-bench"
HOOKS = "benchmarks.programs.dynapyt_hooks.EmptyHooks"

Variant = Callable[[str], Measured]


def run(bench: Bench) -> Result:
    """Measure."""
    variants, notes = tools(bench)
    samples: dict[str, Samples] = {}
    failures = []
    for name in PROGRAMS:
        try:
            samples[name] = measure(bench, name, variants)
        except BenchmarkError as error:
            failures.append(f"{name}: {error}")
            bench.said(failures[-1])
    others = [tool for tool in variants if tool != PLAIN]
    means = {tool: geometric_mean([ratio(each, cpu_s, tool) for each in samples.values()]) for tool in others}
    rows = [row(name, each, others) for name, each in samples.items()]
    rows.append(("geometric mean", "", *(figure(mean) for mean in means.values()), "", ""))
    bars = tuple(
        Bar(f"CPU time with {tool}, geometric mean", figure(mean, " times"), "") for tool, mean in means.items()
    )
    columns = ("program", "plain CPU s", *others, "accesses", "sites")
    return Result("others", bars, (Table(columns, tuple(rows)),), notes, tuple(failures))


def measure(bench: Bench, name: str, variants: Mapping[str, Variant]) -> Samples:
    """One program under every tool."""
    runs = {tool: partial(variant, name) for tool, variant in variants.items()}
    runs[RACEWAY]()  # fills the cache
    samples = interleave(runs, min(bench.rounds, MOST_ROUNDS), lambda text: bench.say(f"{name}: {text}"))
    told = (f"{tool} {figure(ratio(samples, cpu_s, tool))}" for tool in variants if tool != PLAIN)
    bench.said(f"{name}: {', '.join(told)}")
    return samples


def row(name: str, samples: Samples, others: list[str]) -> tuple[str, ...]:
    """The ratios of one program."""
    ratios = (figure(ratio(samples, cpu_s, tool)) for tool in others)
    counts = samples[RACEWAY][-1].counts
    return (name, f"{median(samples[PLAIN], cpu_s):.3f}", *ratios, f"{counts.accesses:,}", f"{counts.sites:,}")


def tools(bench: Bench) -> tuple[Mapping[str, Variant], tuple[str, ...]]:
    """Tool -> what runs a program under it; and what there is to say of them."""
    directory = copy_programs(bench.directory("pyperformance"))
    rewritten = rewrite_for_dynapyt(bench, directory)
    size = SIZES[bench.size]
    machinery = bench.machinery
    traced_lines = {"COVERAGE_CORE": "ctrace"}
    analysed = {"DYNAPYT_SESSION_ID": SESSION, "TMPDIR": str(rewritten)}

    def arguments(name: str, place: Path, *more: str) -> tuple[str, ...]:
        return (name, "--directory", str(place), "--size", size, *more)

    variants: dict[str, Variant] = {
        PLAIN: lambda name: machinery.plain(MODULE, *arguments(name, directory)),
        RACEWAY: lambda name: machinery.raceway(MODULE, *arguments(name, directory)),
        "coverage.py": lambda name: machinery.plain(
            MODULE, *arguments(name, directory, "--tool", "coverage"), environ=traced_lines
        ),
        "settrace": lambda name: machinery.plain(MODULE, *arguments(name, directory, "--tool", "settrace")),
        "DynaPyt": lambda name: machinery.plain(MODULE, *arguments(name, rewritten), environ=analysed),
    }
    notes = (
        (
            "coverage.py counts lines with its C tracer (`COVERAGE_CORE=ctrace`); settrace has an empty tracer for "
            "every opcode; DynaPyt has empty hooks for reads of attributes and items, none for writes and for `+=`, of "
            "which nbody consists."
        ),
    )
    return variants, notes


def rewrite_for_dynapyt(bench: Bench, directory: Path) -> Path:
    """Copies of the programs that DynaPyt has rewritten, and the file that tells its runtime which hooks there are."""
    package_directory("dynapyt")
    rewritten = bench.directory("dynapyt")
    (rewritten / f"dynapyt_analyses-{SESSION}.txt").write_text(HOOKS, encoding="utf-8")
    for name in PROGRAMS:
        file = rewritten / f"{ADAPTERS[name].module}.py"
        if not file.exists():
            bench.say(f"{name}: DynaPyt rewrites it")
            unfinished = rewritten / f"unfinished_{os.getpid()}.py"
            shutil.copyfile(directory / file.name, unfinished)
            instrument = [sys.executable, "-m", "dynapyt.instrument.instrument"]
            execute([*instrument, "--files", str(unfinished), "--analysis", HOOKS])
            unfinished.replace(file)
    return rewritten
