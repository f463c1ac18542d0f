"""`make soak`: every program of the corpus many times on every core, and the figures of it.

Correct programs must have no error and no warning in any run, racy ones the expected findings in each. The programs
are not held to one schedule between runs, so this is what tells a model that is right by luck.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from raceway.model.kinds import Severity
from tests.conftest import RunRaceway, available_cores
from tests.fixture_format import Program
from tests.test_fixtures import NORACES, RACES, by_text, found, run


class Task(Struct, frozen=True):
    """One run of one program on one core."""

    folder: str
    program: Program
    core: str
    predict: bool


class Outcome(Struct, frozen=True):
    """How a run went: `wrong` is empty when the findings are those expected."""

    task: Task
    errors: int = 0
    warnings: int = 0
    wrong: str = ""


def attempt(task: Task) -> Outcome:
    """Run a program once."""
    with tempfile.TemporaryDirectory() as place:
        runner = RunRaceway(Path(place), Path(place) / "report.json")
        try:
            finished, findings = run(runner, task.core, task.program, task.predict)
        except Exception as error:  # a hang, another output, another status: all of it counts as wrong
            return Outcome(task, wrong=f"{type(error).__name__}: {error}")
    severities = Counter(finding.severity for finding in findings)
    shown = sorted(map(found, findings), key=by_text)
    right = shown == sorted(task.program.expected, key=by_text)
    return Outcome(
        task, severities[Severity.ERROR], severities[Severity.WARNING], "" if right else finished.stderr or "silent"
    )


def tasks(names: Sequence[str], runs: int, cores: Sequence[str], predict: bool) -> Iterator[Task]:
    """Everything that is to be run; the runs of one program lie far apart. With `predict`, only what must be silent."""
    corpora = {"norace": NORACES} if predict else {"norace": NORACES, "race": RACES}
    for _ in range(runs):
        for folder, corpus in corpora.items():
            for name, program in corpus.items():
                if not program.missing() and (not names or any(part in name for part in names)):
                    for core in cores:
                        yield Task(folder, program, core, predict)


def figures(outcomes: Sequence[Outcome], runs: int) -> str:
    """The table that is printed at the end."""
    lines = [f"{'corpus':8} {'core':8} {'programs':>8} {'runs':>5} {'errors':>7} {'warnings':>8} {'as expected':>13}"]
    for folder, core in sorted({(outcome.task.folder, outcome.task.core) for outcome in outcomes}):
        own = [outcome for outcome in outcomes if (outcome.task.folder, outcome.task.core) == (folder, core)]
        programs = len({outcome.task.program.name for outcome in own})
        errors, warnings = sum(one.errors for one in own), sum(one.warnings for one in own)
        right = sum(not one.wrong for one in own)
        lines.append(
            f"{folder:8} {core:8} {programs:8} {runs:5} {errors:7} {warnings:8} {f'{right} of {len(own)}':>13}"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """The status is 0 when every run was as expected."""
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("names", nargs="*", help="only programs whose name has one of these in it")
    parser.add_argument("--runs", type=int, default=20, help="how often each is run (default 20)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes at the same time")
    parser.add_argument("--core", action="append", choices=available_cores(), help="only this core")
    parser.add_argument("--predict", action="store_true", help="also predict; correct programs only")
    chosen = parser.parse_args(arguments)
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(chosen.workers) as pool:
        cores = chosen.core or available_cores()
        for outcome in pool.map(attempt, tasks(chosen.names, chosen.runs, cores, chosen.predict)):
            outcomes.append(outcome)
            if outcome.wrong:
                task = outcome.task
                print(f"--- {task.folder}/{task.program.name} on the {task.core} core\n{outcome.wrong}", flush=True)
    print(figures(outcomes, chosen.runs))
    return int(any(outcome.wrong for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
