"""Primitives in the hands of a program that subclasses, replaces and misuses them: it runs as ever, on each core."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import RunRaceway, clean_environ
from tests.fixture_format import FIXTURES

PROGRAM = FIXTURES / "programs" / "odd_primitives.py"
CORES = {"python": "pure", "native": "native"}


def test_misuse_gives_what_it_gives_plainly(run_raceway: RunRaceway, request: pytest.FixtureRequest) -> None:
    core = CORES[request.node.callspec.params["core_of_models"]]
    plain = subprocess.run(
        [sys.executable, str(PROGRAM)], env=clean_environ(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (plain.returncode, plain.stderr) == (0, "")
    watched = run_raceway("--core", core, "--fail-on", "never", PROGRAM)
    assert (watched.status, watched.stdout) == (0, plain.stdout)
    assert watched.report["summary"]["dropped"] == 0
    assert watched.findings == []
