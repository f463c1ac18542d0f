"""How runs of a suite are compared, and the tables that are made of that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.suites import cpython
from tests.suites.__main__ import main
from tests.suites.catalogue import load
from tests.suites.execution import read_report
from tests.suites.outcomes import Outcome, Outcomes, aligned, compare, read, settled
from tests.suites.page import PAGE, Row, cpython_table, table, with_section


def outcomes(**ended: str) -> Outcomes:
    return {test: Outcome((how,), "") for test, how in ended.items()}


def test_tests_are_compared_by_their_id() -> None:
    first = outcomes(a="passed", b="passed", c="failed", d="passed", e="passed")
    again = outcomes(a="passed", b="failed", c="failed", d="passed")
    watched = outcomes(a="passed", b="passed", c="passed", e="passed")
    found = compare(first, again, watched)
    assert (found.same, found.different, found.flaky) == (("a",), ("c", "d"), ("b", "e"))


def test_what_one_of_more_plain_runs_ends_as_the_watched_one_is_flaky() -> None:
    watched = outcomes(a="failed", b="failed", c="passed")
    found = compare(
        outcomes(a="passed", b="passed", c="passed"), outcomes(a="passed", b="passed", c="failed"), watched
    )
    assert (found.different, found.flaky) == (("a", "b"), ("c",))
    runs = [outcomes(a="passed", b="passed"), outcomes(a="passed", b="skipped")]
    assert settled(found, watched, runs) == found
    runs.append(outcomes(a="failed", b="passed"))
    assert settled(found, watched, runs).different == ("b",)
    assert settled(found, watched, runs).flaky == ("a", "c")


def test_ids_that_hold_a_time_are_told_by_their_place() -> None:
    runs: list[Outcomes] = [
        {"t[1]": Outcome(("passed",), ""), f"t[10:0{n}]": Outcome((how,), "")}
        for n, how in enumerate(("passed", "passed", "failed"))
    ]
    found = compare(*aligned(runs))
    assert (found.same, found.different) == (("t[1]",), ("t[#1]",))


def test_outcomes_are_read_phase_by_phase(tmp_path: Path) -> None:
    file = tmp_path / "outcomes"
    assert read(file) == {}
    lines = [{"test": "a", "outcome": how, "detail": detail} for how, detail in (("setup passed", ""), ("call", "x"))]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert read(file) == {"a": Outcome(("setup passed", "call"), "x")}


ROW = Row(version="1.0", python="3.11", tests=10, different=1, explained=1, flaky=0, modules=3, ratio=1.5, accesses=7)


def test_the_tables_have_sums() -> None:
    assert "| **2 suites** | | 20 | 2 | 2 | 0 | 6 | median 1.50 |" in table({"a": ROW, "b": ROW})
    made = cpython_table({"test_a 3.11": ROW, "test_b 3.11": ROW})
    assert "| `test_a` | 10 | 1 (1 explained) |" in made
    assert "| **all** | 20 | 2 |" in made
    assert "| accesses watched | 14 | |" in made


def test_modules_that_were_not_watched_are_told(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    watched = [{"module": "a", "sites": 3}, {"module": "empty", "sites": 0}]
    parts = {"summary": {"modules": 2, "sites": 3, "accesses": 7}, "not_seen": [], "coverage": {"watched": watched}}
    report.write_text(json.dumps(parts), encoding="utf-8")
    read_back = read_report(report)
    assert read_back is not None
    assert read_back.missing(["a", "empty", "b"]) == ["empty", "b"]
    assert read_report(tmp_path / "none") is None


def test_a_section_is_replaced() -> None:
    page = "before\n<!-- x: written by make -->\nold\n<!-- end of x -->\nafter\n"
    assert with_section(page, "x", "new\n").splitlines()[2:4] == ["", "new"]
    with pytest.raises(ValueError, match="no place for y"):
        with_section(page, "y", "new")
    text = PAGE.read_text(encoding="utf-8")
    assert with_section(with_section(text, "suites", ""), "cpython", "") != ""


def test_the_catalogue_is_pinned() -> None:
    catalogue = load()
    assert len(catalogue.suite) >= 20
    pinned = [*catalogue.common, *(name for suite in catalogue.suite.values() for name in suite.requires)]
    assert [name for name in pinned if "==" not in name] == []


def test_explained_differences_are_few() -> None:
    catalogues: list[Mapping[str, str]] = [suite.explained for suite in load().suite.values()]
    catalogues += [module.explained for module in cpython.load().values()]
    assert sum(map(len, catalogues)) <= 10


def test_an_unknown_suite_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere"]) == 2
    assert "no such suite: nowhere" in capsys.readouterr().err
