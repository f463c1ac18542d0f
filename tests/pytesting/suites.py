"""`python -m tests.pytesting.suites`: other people's suites by `pytest` and by `pytest --raceway`.

Asserts are rewritten in both. Outcomes must be the same but for those of tests that differ from run to run. Findings
fail no test here: that they are found is for other tests, and what they are is for the authors of the packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.suites.catalogue import Suite, load
from tests.suites.environment import Place, SetUpError, prepare
from tests.suites.outcomes import Outcomes, aligned, compare, read

SUITES = ("pluggy", "toolz", "cachetools", "click", "packaging", "sqlparse", "marshmallow", "attrs")
"""Pure Python, popular, and quick to run."""

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "raceway-pytest-suites"
_PYTEST = ("-m", "pytest", "-q", "-p", "suite_outcomes", "-p", "no:cacheprovider")
_RACEWAY = ("-p", "raceway.pytest_plugin", "--raceway", "--raceway-fail-on=never")


def main(names: Sequence[str]) -> int:
    """Run the suites; 1 when an outcome has changed."""
    catalogue = load()
    failed = 0
    for name in names or SUITES:
        suite = catalogue.suite[name]
        try:
            place = prepare(name, suite, catalogue, _CACHE)
        except SetUpError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = 1
            continue
        include = [f"--raceway-include={glob}" for glob in suite.include]
        runs = [_run(place, suite, name, more) for more in ((), (*_RACEWAY, *include), ())]
        plain, watched, again = aligned((runs[0][0], runs[1][0], runs[2][0]))
        found = compare(plain, again, watched)
        print(
            f"{name} {suite.version}: {len(found.same)} the same, {len(found.different)} differ, {runs[1][1]}",
            flush=True,
        )
        for test in found.different:
            print(f"  {test}")
        failed |= bool(found.different) or not found.same
    return int(failed)


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
