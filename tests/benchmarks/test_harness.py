"""The benchmarks as `make bench` runs them, on the least that there is to measure; no time is held against anything."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import groups_to_run, programs_to_run, wants_page
from benchmarks.groups import BY_NAME_ONLY, GROUPS, PROGRAMS, collectors, threads
from benchmarks.options import parse
from benchmarks.processes import BenchmarkError, Counts, Measured
from benchmarks.processes import parse as parse_output
from benchmarks.rounds import PLAIN, RACEWAY, cpu_s, interleave, ratio, spread
from tests.conftest import ROOT, clean_environ

ALL_PROGRAMS = tuple(name for names in PROGRAMS.values() for name in names)


def measured(work: Path, what: str, *more: str) -> list[str]:
    """What is printed when the least of this group or program is measured."""
    options = ["--only", what, "--size", "tiny", "--rounds", "1", "--no-write", "--work", str(work), *more]
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options],
        cwd=ROOT,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


def test_one_program_is_measured_plainly_and_watched(tmp_path: Path) -> None:
    lines = measured(tmp_path, "locks", "--core", "pure")
    (row,) = (line.split() for line in lines if line.strip().startswith("locks "))
    accesses, sites, findings = (int(cell.replace(",", "")) for cell in row[-3:])
    assert accesses > sites > 0
    assert findings == 0
    assert any("CPU time of multi-threaded programs, geometric mean" in line for line in lines)


def test_every_event_is_accounted_for_when_a_collector_is_not_well(tmp_path: Path) -> None:
    lines = measured(tmp_path, "collectors")
    counted = [line for line in lines if "events unaccounted for" in line or "events lost" in line]
    assert len(counted) == 2 * len(collectors.CASES) - 1  # of a small spool some are lost
    assert all(line.endswith(" met") and "not met" not in line for line in counted), "\n".join(counted)


@pytest.mark.parametrize("name", threads.PROGRAMS)
def test_a_program_of_several_threads_checks_what_it_did(name: str) -> None:
    program = importlib.import_module(f"benchmarks.programs.{name}")
    program.work(program.SIZES["tiny"])


def test_variants_are_interleaved_in_alternating_order() -> None:
    ran: list[str] = []

    def variant(name: str, cpu: float) -> Measured:
        ran.append(name)
        return Measured(cpu_s=cpu)

    samples = interleave({PLAIN: lambda: variant(PLAIN, 2.0), RACEWAY: lambda: variant(RACEWAY, 3.0)}, 3)
    assert ran == [PLAIN, RACEWAY, RACEWAY, PLAIN, PLAIN, RACEWAY]
    assert ratio(samples, cpu_s) == 1.5
    assert spread(samples, cpu_s) == (1.5, 1.5)


def test_what_a_program_tells_is_found_in_its_output() -> None:
    measured = parse_output('noise\nRESULT {"cpu_s": 0.5, "samples": [1, 2]}\nmore noise\n')
    assert measured == Measured(cpu_s=0.5, values={"samples": [1, 2]}, counts=Counts())


def test_a_program_that_tells_nothing_is_an_error() -> None:
    with pytest.raises(BenchmarkError, match="no result"):
        parse_output("done\n")


@pytest.mark.parametrize(
    ("only", "groups", "programs", "page"),
    [
        ("", {*GROUPS} - BY_NAME_ONLY, (), True),
        ("startup,cpu", {"startup", "cpu"}, (), False),
        ("locks,richards", {"threads", "cpu"}, ("locks", "richards"), False),
        ("cpu,locks", {"threads", "cpu"}, ("locks",), False),
        ("counts", {"counts"}, (), False),
    ],
)
def test_only_chooses_groups_and_programs(only: str, groups: set[str], programs: tuple[str, ...], page: bool) -> None:
    options = parse(["--only", only], tuple(GROUPS), ALL_PROGRAMS)
    assert set(groups_to_run(options)) == groups
    assert programs_to_run(options, "threads") == programs
    assert all(programs_to_run(options, group) == () for group in options.groups)
    assert wants_page(options) is page


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--only", "nothing"], tuple(GROUPS), ALL_PROGRAMS)
    assert "there is no nothing" in capsys.readouterr().err
