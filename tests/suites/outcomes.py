"""What became of each test in a run, and what differs between the runs of a suite."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct


class _Line(Struct, frozen=True):
    test: str
    outcome: str
    detail: str


class Outcome(Struct, frozen=True):
    """How the phases of a test ended, and the text of what failed."""

    phases: tuple[str, ...]
    detail: str


Outcomes = Mapping[str, Outcome]
"""By test id."""

MISSING = Outcome(("did not run",), "")


class Comparison(Struct, frozen=True):
    """Test ids: those that ended alike in all runs, those that only the watched run changed, those that vary plain."""

    same: tuple[str, ...]
    different: tuple[str, ...]
    flaky: tuple[str, ...]


def read(path: Path) -> Outcomes:
    """The outcomes that the plugin wrote; none when it wrote nothing."""
    phases: dict[str, list[str]] = defaultdict(list)
    details: dict[str, str] = defaultdict(str)
    for text in path.read_bytes().splitlines() if path.exists() else ():
        line = msgspec.json.decode(text, type=_Line)
        phases[line.test].append(line.outcome)
        details[line.test] += line.detail
    return {test: Outcome(tuple(ended), details[test]) for test, ended in phases.items()}


def compare(first: Outcomes, second: Outcomes, watched: Outcomes) -> Comparison:
    """Compare two plain runs and a watched one. A test is flaky when the plain runs already disagree."""
    same, different, flaky = [], [], []
    for test in sorted({*first, *second, *watched}):
        ended = [run.get(test, MISSING).phases for run in (first, second, watched)]
        if ended[0] != ended[1]:
            flaky.append(test)
        elif ended[2] != ended[0]:
            different.append(test)
        else:
            same.append(test)
    return Comparison(tuple(same), tuple(different), tuple(flaky))


def settled(found: Comparison, watched: Outcomes, runs: Sequence[Outcomes]) -> Comparison:
    """The comparison; flaky are also those that one of more plain runs, of them alone, ended as the watched run."""
    shown = {test for test in found.different if any(_ended(run, test) == _ended(watched, test) for run in runs)}
    different = tuple(test for test in found.different if test not in shown)
    return Comparison(found.same, different, tuple(sorted({*found.flaky, *shown})))


def _ended(run: Outcomes, test: str) -> object:
    return run.get(test, MISSING).phases


def aligned(runs: Sequence[Outcomes]) -> list[Outcomes]:
    """The runs, with test ids that hold a time or an address, so that no other run has them, told by their place."""
    times = Counter(test for run in runs for test in run)
    return [_by_place(run, {test for test in run if times[test] == 1}) for run in runs]


def _by_place(run: Outcomes, lone: set[str]) -> Outcomes:
    places: Counter[str] = Counter()
    renamed = {}
    for test, outcome in run.items():
        function, bracket, _ = test.partition("[")
        if test in lone and bracket:
            places[function] += 1
            renamed[f"{function}[#{places[function]}]"] = outcome
        else:
            renamed[test] = outcome
    return renamed
