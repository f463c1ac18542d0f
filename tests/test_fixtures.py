"""The corpus of tiny programs: every race is found as its program says, and its correct twin stays silent."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from raceway.model.findings import AccessSide, Finding
from raceway.model.kinds import Confidence, FindingKind, Severity, Verdict
from raceway.report import decode_json
from tests.conftest import TIMEOUT_S, RacewayRun, RunRaceway, available_cores, clean_environ, has_gil
from tests.fixture_format import FIXTURES, Expected, Place, Program, expectations, marks, programs

RACES = programs(FIXTURES / "race")
NORACES = programs(FIXTURES / "norace")

PREDICTED = programs(FIXTURES / "predicted")
"""Programs that are run with `--predict`."""

SHOWN = (Severity.ERROR, Severity.WARNING)
FORCED = {"PYTHONPATH": str(FIXTURES)}
"""Where `hidden` is imported from, which forces the schedules of the programs."""


@functools.cache
def plain(script: Path) -> str:
    """What the program prints under plain Python, which must run it without complaint."""
    finished = subprocess.run(
        [sys.executable, str(script)],
        env=clean_environ() | FORCED,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


def run(
    run_raceway: RunRaceway, core: str, program: Program, predict: bool = False
) -> tuple[RacewayRun, list[Finding]]:
    """Run the program on a core; its errors and warnings, and with `predict` what is predicted."""
    if missing := program.missing():
        pytest.skip(f"{', '.join(missing)} is not there for this interpreter")
    options = ["--predict"] if predict else []
    finished = run_raceway(
        *options, "--fail-on", "never", "--exclude", "hidden", program.script, environ=FORCED | {"RACEWAY_CORE": core}
    )
    assert (finished.status, finished.stdout) == (0, plain(program.script)), finished.stderr
    report = decode_json(json.dumps(finished.report).encode())
    assert report.tool.core == core
    predicted = [finding for finding in report.findings if finding.confidence is Confidence.PREDICTED]
    assert all(finding.severity is Severity.INFO for finding in predicted)
    return finished, [finding for finding in report.findings if finding.severity in SHOWN] + predicted


def place(side: AccessSide) -> Place:
    """The line of one side."""
    return Place(os.path.basename(side.file), side.line)


def found(finding: Finding) -> Expected:
    """A finding in the words of an expectation, in which an item has any key."""
    places = tuple(sorted(place(side) for side in finding.accesses))
    return Expected(finding.kind, finding.any_key, severity_with_gil(finding), places)


def severity_with_gil(finding: Finding) -> Severity:
    """The severity that an interpreter with a GIL gives to a finding that is shown, whichever runs the tests.

    Without a GIL all such findings are harmful, so errors, but for those that depend on the turn of an event loop.
    """
    if has_gil() or finding.verdict.asyncio is not None:
        return finding.severity
    assert (finding.severity, finding.verdict.free_threaded) == (Severity.ERROR, Verdict.HARMFUL)
    return Severity.ERROR if finding.verdict.gil is Verdict.HARMFUL else Severity.WARNING


def by_text(expected: Expected) -> str:
    """An order of expectations, to compare them as a multiset."""
    return repr(expected)


def told(finding: Finding) -> tuple[object, ...]:
    """All that a finding says but its count and whether one key is behind it, which are matters of schedules."""
    locks = [[re.sub(r"^lock \d+$", "a dead lock", lock) for lock in side.locks] for side in finding.accesses]
    sides = [(side.operation, side.file, side.line, side.column) for side in finding.accesses]
    return finding.kind, finding.any_key, finding.severity, finding.confidence, finding.verdict, sides, locks


@pytest.mark.parametrize("program", RACES.values(), ids=RACES)
def test_the_race_is_found_on_each_core_alike(program: Program, run_raceway: RunRaceway) -> None:
    said = []
    for core in available_cores():
        finished, findings = run(run_raceway, core, program)
        shown = sorted(map(found, findings), key=by_text)
        assert shown == sorted(program.expected, key=by_text), finished.stderr
        assert all(side.stack for finding in findings for side in finding.accesses)
        said.append(sorted(map(told, findings), key=repr))
    assert all(other == said[0] for other in said)


@pytest.mark.parametrize("program", NORACES.values(), ids=NORACES)
def test_the_correct_twin_is_silent_on_each_core(program: Program, run_raceway: RunRaceway) -> None:
    for core in available_cores():
        finished, findings = run(run_raceway, core, program)
        assert findings == [], finished.stderr


@pytest.mark.parametrize("program", PREDICTED.values(), ids=PREDICTED)
def test_what_only_the_order_of_locks_hid_is_predicted_on_each_core(program: Program, run_raceway: RunRaceway) -> None:
    for core in available_cores():
        finished, findings = run(run_raceway, core, program, predict=True)
        shown = [Expected(one.kind, one.variable, one.severity, (*map(place, one.accesses),)) for one in findings]
        assert shown == list(program.expected), finished.stderr
        assert all(side.stack for finding in findings for side in finding.accesses)


def test_every_race_has_its_correct_twin() -> None:
    assert sorted(set(RACES) - set(NORACES)) == []


def test_the_corpus_is_large() -> None:
    assert len(NORACES) >= 150
    assert len(RACES) >= 120


def test_races_expect_findings_and_their_twins_nothing() -> None:
    assert [name for name, program in RACES.items() if not program.expected] == []
    assert [name for name, program in NORACES.items() if program.expected] == []


def test_an_expectation_takes_its_lines_from_the_marks() -> None:
    text = "# expect: lost-update Counter.value error\nread  # <- A\nwrite  # <- B\n"
    expected = expectations(text, marks({"main.py": text}))
    places = (Place("main.py", 2), Place("main.py", 3))
    assert expected == (Expected(FindingKind.LOST_UPDATE, "Counter.value", Severity.ERROR, places),)


def test_an_expectation_may_name_other_marks() -> None:
    text = "# expect: write-write x warning\n# expect: read-write y warning AC\nx  # <- AB\n"
    other = "y  # <- C\n"
    expected = expectations(text, marks({"main.py": text, "other.py": other}))
    assert [item.places for item in expected] == [
        (Place("main.py", 3), Place("main.py", 3)),
        (Place("main.py", 3), Place("other.py", 1)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n",
        "# expect: lost-update Counter.value\nx  # <- AB\n",
        "# expect: lost-update Counter.value error\nx  # <- A\n",
        "# expect: lost-update Counter.value error\nx  # <- AB\ny  # <- C\n",
        "# expect: nothing\nx  # <- AB\n",
        "# expect: lost-update Counter.value error\nx  # <- AB\ny  # <- B\n",
        "# expect: no-such-kind Counter.value error\nx  # <- AB\n",
    ],
    ids=[
        "no expectation",
        "too short",
        "unmarked side",
        "unused mark",
        "marks of nothing",
        "mark twice",
        "unknown kind",
    ],
)
def test_a_program_that_does_not_say_what_it_expects_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        expectations(text, marks({"main.py": text}))
