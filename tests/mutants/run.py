"""Breaks a copy of Raceway, one mutant at a time, and asks whether the named program notices: `make mutants`.

Each mutant is one change in a temporary copy of the package, on which its program is run. The mutant is killed when
what the program expects no longer holds, and survives when it does. A run that goes wrong otherwise, by an exception or
a module that is not instrumented, kills nothing: any program would notice that. A mutant that the self-check notices,
too, is asked what becomes of the program's own race. Before all this the copy is run unchanged, and every program must
get what it expects.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from raceway.report import decode_json
from raceway.session import SELF_CHECK_FAILED
from tests.conftest import ROOT, RacewayRun, RunRaceway
from tests.fixture_format import FIXTURES, Program
from tests.mutants.mutant import Mutant, MutantError, apply, program_of
from tests.mutants.table import MUTANTS
from tests.test_fixtures import SHOWN, by_text, found, plain

PROCESSES = 2


class BrokenError(Exception):
    """A run that tells nothing about what Raceway finds."""


def run_on(package: Path, program: Program, place: Path) -> RacewayRun:
    """Run a program under the copy of Raceway that lies in `package`, in a new directory of its own."""
    place.mkdir()
    environ = {
        "PYTHONPATH": os.pathsep.join((str(package.parent), str(FIXTURES))),
        "RACEWAY_CORE": "pure",
        "XDG_CACHE_HOME": str(place),  # or a mutant of the transform would find what another made
    }
    run = RunRaceway(place, place / "report.json")
    return run("--fail-on", "never", "--exclude", "hidden", program.script, environ=environ)


def as_expected(program: Program, finished: RacewayRun) -> bool:
    """Whether the run printed and found what the program expects."""
    if finished.status not in (0, SELF_CHECK_FAILED) or not finished.report:
        raise BrokenError("".join(finished.stderr.splitlines()[-1:]) or f"it ended with status {finished.status}")
    report = decode_json(json.dumps(finished.report).encode())
    if any(note.reason == "not-transformed" for note in report.not_seen) or report.summary.dropped:
        raise BrokenError(f"{report.summary.dropped} records dropped, not seen: {report.not_seen}")
    shown = [found(finding) for finding in report.findings if finding.severity in SHOWN]
    same = sorted(shown, key=by_text) == sorted(program.expected, key=by_text)
    return same and finished.stdout == plain(program.script)


def verdict(mutant: Mutant, unchanged: Path, room: Path) -> str:
    """What is wrong with a mutant, in words; empty when it was killed."""
    package = room / mutant.name / "raceway"
    shutil.copytree(unchanged, package, copy_function=os.link)
    apply(mutant, package)
    program = program_of(mutant.killer)
    try:
        survived = as_expected(program, run_on(package, program, room / mutant.name / "run"))
    except BrokenError as error:
        return f"BROKEN on {mutant.killer}: {error}"
    finally:
        shutil.rmtree(room / mutant.name)
    return f"SURVIVED {mutant.killer}" if survived else ""


def fault(killer: str, unchanged: Path, place: Path) -> str:
    """What is wrong with a program, in words; empty when an unchanged copy gives it what it expects."""
    program = program_of(killer)
    try:
        fits = as_expected(program, run_on(unchanged, program, place))
    except BrokenError as error:
        return f"NOT RUN, {killer} breaks without it: {error}"
    return "" if fits else f"NOT RUN, {killer} does not get what it expects without it"


def outcomes(mutants: Sequence[Mutant], room: Path) -> int:
    """Run the mutants and say what became of each; how many were not killed."""
    unchanged = room / "unchanged" / "raceway"
    shutil.copytree(ROOT / "raceway", unchanged)
    for mutant in mutants:
        mutant.mutated((unchanged / mutant.file).read_text(encoding="utf-8"))
    killers = sorted({mutant.killer for mutant in mutants})
    failed = 0
    with ThreadPoolExecutor(PROCESSES) as pool:
        places = [room / str(number) for number in range(len(killers))]
        found_faults = pool.map(lambda killer, place: fault(killer, unchanged, place), killers, places)
        faults = dict(zip(killers, found_faults, strict=True))

        def outcome(mutant: Mutant) -> str:
            return faults[mutant.killer] or verdict(mutant, unchanged, room)

        for mutant, text in zip(mutants, pool.map(outcome, mutants), strict=True):
            failed += bool(text)
            print(f"{mutant.name:<24} {text or f'killed by {mutant.killer}'}", flush=True)
            if text:
                print(f"{'':<24} it disables: {mutant.disables}", flush=True)
    return failed


def chosen(names: Sequence[str]) -> list[Mutant]:
    """The mutants of these names, all when there are none."""
    known = {mutant.name: mutant for mutant in MUTANTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise MutantError(f"no mutant is called {unknown[0]}; see --list")
    return [known[name] for name in names] or list(MUTANTS)


def main() -> int:
    """The exit status: 1 when a mutant was not killed, 2 when there is nothing that could be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", action="append", default=[], help="run this mutant; may be repeated")
    parser.add_argument("--list", action="store_true", help="print what the mutants disable, and run none")
    options = parser.parse_args()
    try:
        mutants = chosen(options.only)
        if options.list:
            print("\n".join(f"{mutant.name:<24} {mutant.disables} ({mutant.killer})" for mutant in mutants))
            return 0
        with tempfile.TemporaryDirectory(prefix="raceway-mutants-") as room:
            failed = outcomes(mutants, Path(room))
    except MutantError as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2
    print(f"{len(mutants) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
