"""`make suites-pytest`: other people's suites by `pytest` and by `pytest --raceway`.

Asserts are rewritten in both. Outcomes must be the same but for those of tests that differ from run to run: a test that
ended differently is repeated, and differs if it never ends watched as it ever did plain. Findings fail no test: that
they are found is for other tests, and what they are is for the authors of the packages.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from tests.suites.catalogue import Suite, load
from tests.suites.environment import ROOT, Place, SetUpError, prepare
from tests.suites.outcomes import MISSING, Outcomes, aligned, compare, read
from tests.suites.page import with_section

SUITES = ("pluggy", "toolz", "cachetools", "click", "packaging", "sqlparse", "marshmallow", "attrs")
"""Pure Python, popular, and quick to run."""

_PAGE = ROOT / "docs" / "pytest.md"
_ROUNDS = 10
"""How often a test that ended differently is repeated, at most."""

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "raceway-pytest-suites"
_PYTEST = ("-m", "pytest", "-q", "-p", "suite_outcomes", "-p", "no:cacheprovider")
_RACEWAY = ("-p", "raceway.pytest_plugin", "--raceway", "--raceway-fail-on=never")


def main(names: Sequence[str]) -> int:
    """Run the suites, and note the figures when none is left out; 1 when an outcome has changed."""
    catalogue = load()
    rows, failed = [], 0
    for name in names or SUITES:
        suite = catalogue.suite[name]
        try:
            row = _compared(name, suite, prepare(name, suite, catalogue, _CACHE))
        except SetUpError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = 1
            continue
        rows.append(row)
        failed |= row.different or not row.same
    if not names and len(rows) == len(SUITES):
        _PAGE.write_text(with_section(_PAGE.read_text(encoding="utf-8"), "suites", _table(rows)), encoding="utf-8")
    return int(bool(failed))


class _Row(NamedTuple):
    name: str
    version: str
    same: int
    different: int
    flaky: int
    accesses: str


def _compared(name: str, suite: Suite, place: Place) -> _Row:
    watching = (*_RACEWAY, *(f"--raceway-include={glob}" for glob in suite.include))
    runs = [_run(place, suite, name, more) for more in ((), watching, ())]
    plain, watched, again = aligned((runs[0][0], runs[1][0], runs[2][0]))
    found = compare(plain, again, watched)
    seen = {test: ({plain.get(test, MISSING).phases}, {watched.get(test, MISSING).phases}) for test in found.different}
    for _ in range(_ROUNDS):
        left = [test for test, (before, after) in seen.items() if not before & after]
        if not left or any("[#" in test for test in left):  # such names are ours
            break
        for more, which in (((), 0), (watching, 1)):
            outcomes, _said = _run(place, replace(suite, arguments=tuple(left)), f"{name}-again", more)
            for test in left:
                seen[test][which].add(outcomes.get(test, MISSING).phases)
    different = [test for test, (before, after) in seen.items() if not before & after]
    flaky = len(found.flaky) + len(found.different) - len(different)
    said = runs[1][1]
    row = _Row(name, suite.version, len(found.same), len(different), flaky, said)
    print(
        f"{name} {suite.version}: {row.same} the same, {row.different} differ, {row.flaky} vary by themselves, {said}"
    )
    for test in different:
        print(f"  {test}: {sorted(seen[test][0])} -> {sorted(seen[test][1])}")
    sys.stdout.flush()
    return row


def _table(rows: Sequence[_Row]) -> str:
    lines = [
        "| suite | version | tests | different | vary by themselves | accesses watched |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for row in rows:
        found = re.search(r"([0-9,]+) accesses", row.accesses)
        accesses = found[1] if found is not None else ""
        tests = row.same + row.different + row.flaky
        lines.append(f"| {row.name} | {row.version} | {tests} | {row.different} | {row.flaky} | {accesses} |")
    return "\n".join(lines) + "\n"


def _run(place: Place, suite: Suite, name: str, more: Sequence[str]) -> tuple[Outcomes, str]:
    """Outcomes, and the last line of the section of Raceway."""
    results = _CACHE / f"{name}.outcomes"
    results.unlink(missing_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RACEWAY_", "PYTHON", "PYTEST"))}
    path = os.pathsep.join(map(str, place.search))
    fixed = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "SUITE_OUTCOMES": str(results), "TERM": "dumb"}
    done = subprocess.run(
        [place.python, *_PYTEST, *more, *suite.arguments],
        cwd=place.directory,
        env={**kept, **fixed, **suite.environ, "RACEWAY_CACHE_DIR": str(place.cache)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=suite.timeout_s,
        check=False,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("raceway: ")]
    (_CACHE / f"{name}{'-watched' if more else ''}.log").write_text(done.stdout, encoding="utf-8")
    return read(results), told[-1] if told else f"status {done.returncode}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
