"""What is written of the benchmarks: the kept figures, the tables, the generated section of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.page import BEGIN, END, PAGE, PageError, with_section
from benchmarks.results import Bar, Circumstances, Measurement, Result, Table, at_least, at_most, keep, load
from benchmarks.tables import as_text, page_section


def measurement(group: str, value: str, date: str = "2026-01-01") -> Measurement:
    """A group with one bar and one table."""
    circumstances = Circumstances(date, "abc1234", "a processor", "CPython 3.11.7", "libcst 1", "native", "full", 5)
    result = Result(
        group, (Bar(f"time of {group}", value, "at most 2", True),), (Table(("program", "ratio"), (("x", value),)),)
    )
    return Measurement(result, circumstances)


def test_a_bar_says_whether_it_is_met() -> None:
    assert at_most("time", 1.5, 1.5, " times") == Bar("time", "1.50 times", "at most 1.5 times", True)
    assert at_most("time", float("nan"), 1.5).met is False
    assert at_least("speed", 7999, 8000) == Bar("speed", "7,999", "at least 8000", False)


def test_a_group_that_is_measured_again_replaces_its_figures(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    assert load(file) == []
    keep([measurement("cpu", "1.1"), measurement("web", "0.9")], file)
    keep([measurement("cpu", "1.2")], file)
    assert {kept.result.group: kept.result.bars[0].value for kept in load(file)} == {"cpu": "1.2", "web": "0.9"}


def test_the_section_has_the_bars_first_and_then_each_group_in_order() -> None:
    section = page_section([measurement("web", "0.9"), measurement("cpu", "1.2")], ("cpu", "web"))
    assert section.splitlines()[0].startswith("Measured on 2026-01-01 at commit abc1234: a processor; ")
    bars = ["| time of cpu | 1.2 | at most 2 | met |", "| time of web | 0.9 | at most 2 | met |"]
    places = [section.index(text) for text in (*bars, "### cpu", "| x | 1.2 |", "### web", "| x | 0.9 |")]
    assert places == sorted(places)


def test_groups_measured_apart_have_their_own_circumstances() -> None:
    section = page_section([measurement("cpu", "1"), measurement("web", "1", "2026-02-02")], ("cpu", "web"))
    assert "cpu: Measured on 2026-01-01" in section
    assert "web: Measured on 2026-02-02" in section


def test_columns_stand_under_each_other() -> None:
    assert list(as_text(Table(("program", "ratio"), (("x", "1.25"), ("longer name", "10.00"))))) == [
        "program      ratio",
        "x             1.25",
        "longer name  10.00",
    ]


def test_only_the_generated_section_of_the_page_changes() -> None:
    page = f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n"
    assert with_section(page, "new") == f"before\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"


def test_the_page_of_the_project_has_the_section() -> None:
    assert "new" in with_section(PAGE.read_text(encoding="utf-8"), "new")


def test_a_page_without_the_section_is_refused() -> None:
    with pytest.raises(PageError):
        with_section("nothing here", "new")
