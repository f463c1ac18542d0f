"""`python -m benchmarks`: measures the groups one after the other, prints what they found and writes the page."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from msgspec.structs import replace

from benchmarks import machine, page, results
from benchmarks.copies import MissingPackageError
from benchmarks.groups import BY_NAME_ONLY, GROUPS, PROGRAMS
from benchmarks.options import Bench, parse
from benchmarks.processes import ROOT, BenchmarkError, Machinery
from benchmarks.results import Measurement, Result
from benchmarks.tables import circumstances_text, page_section, result_text

SIZE_OF_CORE = {"native": "full", "pure": "small"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; gives the exit status: 1 when something could not be measured."""
    options = parse(arguments, tuple(GROUPS), tuple(name for names in PROGRAMS.values() for name in names))
    bench = prepare(options)
    chosen = groups_to_run(options)
    circumstances = machine.circumstances(bench)
    print(circumstances_text(circumstances))
    found = [run(name, replace(bench, programs=programs_to_run(options, name))) for name in chosen]
    measured = [Measurement(result, circumstances) for result in found]
    if wants_page(options):
        write_page(measured)
    return 1 if any(result.failures for result in found) else 0


def prepare(options: argparse.Namespace) -> Bench:
    """What the groups measure with: the core that runs really get, and the size that suits it."""
    options.work.mkdir(parents=True, exist_ok=True)
    machinery = Machinery(options.work.resolve(), options.core)
    core = machinery.core_of_a_run()
    size = SIZE_OF_CORE.get(core, "full") if options.size == "auto" else options.size
    return Bench(machinery, options.rounds, size, core, accesses=options.accesses)


def programs_to_run(options: argparse.Namespace, group: str) -> tuple[str, ...]:
    """The programs to which a group is limited: none, for no limit, when the group itself was named."""
    return () if group in options.groups else tuple(options.programs)


def groups_to_run(options: argparse.Namespace) -> list[str]:
    """The groups that were named, or those of the programs that were; all when nothing was."""
    of_programs = [group for group, names in PROGRAMS.items() if not set(names).isdisjoint(options.programs)]
    named = {*options.groups, *of_programs} or GROUPS.keys() - BY_NAME_ONLY
    return [group for group in GROUPS if group in named]


def wants_page(options: argparse.Namespace) -> bool:
    """Whether the page is written: never with a part of a group only."""
    if options.programs or options.no_write:
        return False
    return bool(options.write or not options.groups)


def run(name: str, bench: Bench) -> Result:
    """Measure one group and print what it found."""
    began = time.perf_counter()
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        result = GROUPS[name](bench)
    except (BenchmarkError, MissingPackageError) as error:
        result = Result(name, failures=(str(error),))
    bench.said(f"took {time.perf_counter() - began:.0f} s")
    print(result_text(result), flush=True)
    return result


def write_page(measured: Sequence[Measurement]) -> None:
    """Keep the groups that are whole, and make the page of all that are kept."""
    whole = [measurement for measurement in measured if not measurement.result.failures]
    page.write(page_section(results.keep(whole), tuple(GROUPS)))
    print(f"\nwritten: {page.PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
