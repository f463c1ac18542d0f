"""`make suites`: runs other people's suites plain, plain again and watched, and says which tests ended differently.

The status is 0 when none did, but for those that the catalogue explains.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.suites import execution
from tests.suites.catalogue import Catalogue, Suite, load
from tests.suites.environment import Place, SetUpError, prepare
from tests.suites.outcomes import MISSING, Comparison, Outcomes, aligned, compare, settled
from tests.suites.page import Row, keep

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "raceway-suites"
"""Not in this tree: pytest would take its settings for those of the suites."""

_AGAIN = 20
_FEW = 30
"""So often tests that only the watched run changed are run again, plain and alone, unless there are more than these."""


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments name; the number of suites with unexplained differences, 1 at most."""
    options = _parser().parse_args(arguments)
    catalogue = load()
    unknown = [name for name in options.suites if name not in catalogue.suite]
    if unknown:
        print(f"no such suite: {', '.join(unknown)}; there are {', '.join(catalogue.suite)}", file=sys.stderr)
        return 2
    failed = 0
    for name in options.suites or catalogue.suite:
        try:
            row = run_suite(name, catalogue, options.cache, verbose=options.verbose)
        except SetUpError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed += 1
            continue
        failed += row.different > row.explained
        print(f"{name} {row.line}", flush=True)
        if options.keep:
            keep(name, row)
    return min(failed, 1)


def run_suite(name: str, catalogue: Catalogue, cache: Path, *, verbose: bool = False) -> Row:
    """Run one suite three times. Raises SetUpError."""
    suite = catalogue.suite[name]
    place = prepare(name, suite, catalogue, cache)
    results = cache / "results"
    results.mkdir(exist_ok=True)
    files = [results / f"{name}-{run}.outcomes" for run in ("plain", "again", "watched", "collected")]
    first = execution.plain(place, suite, files[0])
    execution.warm(place, suite, files[3])
    watched, report = execution.watched(place, suite, files[2])
    second = execution.plain(place, suite, files[1])
    plain, again, seen = aligned((first.outcomes, second.outcomes, watched.outcomes))
    found = _looked_at_again(place, suite, seen, compare(plain, again, seen), results / f"{name}-alone.outcomes")
    for test in found.different:
        why = suite.explained.get(test)
        print(f"{name}: {test}: {_change(test, plain, seen)}{f' ({why})' if why else ''}")
        if verbose and not why:
            print(seen.get(test, MISSING).detail)
    if (
        report is None
        or not first.outcomes
        or (first.status != watched.status and not (found.different or found.flaky))
    ):
        print(f"{name}: status {first.status} plain, {watched.status} watched\n{first.tail}\n{watched.tail}")
    unseen = [note for note in (report.not_seen if report is not None else ()) if note.reason == "not-transformed"]
    for note in unseen:
        print(f"{name}: {note.module} was not instrumented: {note.detail}")
    return Row(
        version=suite.version,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        tests=len(found.same) + len(found.different) + len(found.flaky),
        different=len(found.different) if watched.outcomes else -1,
        explained=sum(test in suite.explained for test in found.different),
        flaky=len(found.flaky),
        modules=report.summary.modules if report is not None else 0,
        ratio=round(watched.cpu_s / min(first.cpu_s, second.cpu_s), 2),
        sites=report.summary.sites if report is not None else 0,
        accesses=report.summary.accesses if report is not None else 0,
    )


def _looked_at_again(place: Place, suite: Suite, watched: Outcomes, found: Comparison, results: Path) -> Comparison:
    """What only the watched run changed may be a matter of time: run it again until each test has ended so plainly."""
    runs: list[Outcomes] = []
    while len(runs) < _AGAIN:
        doubtful = [test for test in found.different if test not in suite.explained]
        if not doubtful or len(doubtful) > _FEW:
            break
        runs.append(execution.plain(place, suite, results, doubtful).outcomes)
        found = settled(found, watched, runs)
    return found


def _change(test: str, first: Outcomes, watched: Outcomes) -> str:
    before, after = (", ".join(run.get(test, MISSING).phases) for run in (first, watched))
    return f"{before} -> {after}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make suites", description=__doc__)
    parser.add_argument("suites", nargs="*", help="names from suites.toml (default: all)")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"where packages are kept (default: {CACHE})")
    parser.add_argument("--keep", action="store_true", help="note the figures in docs/transparency.md")
    parser.add_argument("--verbose", action="store_true", help="show the failures of the tests that differ")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
