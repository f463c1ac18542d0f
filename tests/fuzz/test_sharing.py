"""Both cores find the same in random programs that share things between threads."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT, RunRaceway, available_cores
from tests.fuzz.sharing import program

SCENARIOS = 60
Found = set[tuple[str, str, str]]


def findings(run_raceway: RunRaceway, core: str) -> Found:
    """Kind, severity and variable of what is found, whatever its severity.

    Of several accesses of one function that race alike the cores may keep another one.
    """
    environ = {"PYTHONPATH": str(ROOT / "fixtures"), "RACEWAY_CORE": core}
    run = run_raceway("--exclude", "hidden", "--show", "info", "--fail-on", "never", "app.py", environ=environ)
    assert run.status == 0
    return {(found["kind"], found["severity"], found["variable"]) for found in run.findings}


@pytest.mark.parametrize("seed", range(6))
def test_both_cores_find_the_same(run_raceway: RunRaceway, seed: int) -> None:
    cores = available_cores()
    if len(cores) < 2:
        pytest.skip("there is one core only")
    run_raceway.write("app.py", program(seed, SCENARIOS))
    native, pure = (findings(run_raceway, core) for core in ("native", "pure"))
    assert native
    assert native == pure
