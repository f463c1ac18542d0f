"""JUnit XML, GitHub annotations and Markdown: well formed for any report, and true to the findings."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from raceway.model.findings import Report
from raceway.model.kinds import FindingKind, Severity
from raceway.model.struct import replace
from raceway.report.explanations import EXPLANATIONS
from raceway.report.formats import FORMATS, form
from tests.report import samples
from tests.report.strategies import reports


def text(report: Report, name: str) -> str:
    """The report in one of the forms."""
    return "".join(form(name)(report))


def test_every_format_has_a_form_but_text_which_goes_to_streams() -> None:
    assert all(text(samples.EVERYTHING, name) for name in FORMATS if name != "text")
    with pytest.raises(ValueError, match="no form 'pdf'"):
        form("pdf")


@settings(max_examples=60, deadline=None)
@given(reports())
def test_any_report_is_junit_that_parses_and_adds_up(report: Report) -> None:
    suites = ET.fromstring(text(report, "junit").encode("utf-8"))
    cases = suites.findall("testsuite/testcase")
    assert int(suites.attrib["tests"]) == len(cases)
    assert int(suites.attrib["failures"]) == len(suites.findall("testsuite/testcase/failure"))
    assert int(suites.attrib["skipped"]) == len(suites.findall("testsuite/testcase/skipped"))


def test_junit_fails_for_errors_and_warnings_and_skips_the_rest() -> None:
    suite = ET.fromstring(text(samples.EVERYTHING, "junit")).find("testsuite")
    assert suite is not None
    cases = {case.attrib["name"]: case for case in suite}
    failed = cases["Account.balance [3f2a90c1]"].find("failure")
    assert failed is not None
    assert failed.attrib["message"] == samples.LOST_UPDATE.message
    assert "holding Bank.lock" in (failed.text or "")
    skipped = cases["stats.hits [0123abcd]"].find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == samples.KNOWN.suppressed
    assert cases["Worker.stopping [77aa01f0]"].find("failure") is None


def test_junit_of_a_quiet_run_is_one_case_that_passed() -> None:
    suite = ET.fromstring(text(samples.QUIET, "junit")).find("testsuite")
    assert suite is not None
    assert [(case.attrib["name"], list(case)) for case in suite] == [("no races found", [])]


@settings(max_examples=60, deadline=None)
@given(reports())
def test_every_annotation_is_one_command(report: Report) -> None:
    lines = text(report, "github").split("\n")[:-1]
    assert all(
        re.match(r"::(error|warning|notice) (file=[^,:]*,line=\d+,col=\d+,)?title=[^,:]*::", line) for line in lines
    )
    assert len(lines) >= len(report.findings)


def test_annotations_stand_at_both_sides_and_escape_what_is_special() -> None:
    finding = replace(samples.LOST_UPDATE, message="50% of\nit::x", variable="a,b:c")
    first, second = text(samples.report(finding), "github").splitlines()
    assert first.startswith(
        "::error file=bank.py,line=12,col=9,title=lost-update on a%2Cb%3Ac [3f2a90c1]::50%25 of%0Ait::x"
    )
    assert second.startswith("::error file=bank.py,line=107,col=9,")
    assert "see bank.py:12" in second


def test_both_sides_in_one_line_are_annotated_once() -> None:
    assert text(samples.report(samples.COUNTER), "github").count("\n") == 1


@settings(max_examples=60, deadline=None)
@given(reports())
def test_no_name_becomes_markup_in_markdown(report: Report) -> None:
    rendered = text(report, "markdown")
    outside = re.sub(r"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", rendered)
    assert re.search(r"[<>`]", outside) is None
    rows = [line for line in rendered.splitlines() if line.startswith("| ")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in rows[1 : 1 + len(report.findings)]}
    assert widths <= {6}


def test_markdown_has_the_interleaving_as_a_table() -> None:
    rendered = text(samples.report(samples.LOST_UPDATE), "markdown")
    assert "| | teller-1 | MainThread |\n|---|---|---|\n| 1 | read `bank.py:11` |  |\n" in rendered
    assert "**write `bank.py:12`**: from the value read before" in rendered
    assert "**1 error**" in rendered


def test_every_kind_is_explained_with_an_example_that_compiles_to_something() -> None:
    assert set(EXPLANATIONS) == set(FindingKind)
    for about in EXPLANATIONS.values():
        assert about.example != about.fixed
        assert about.what.endswith(".")
        assert about.remedy.endswith(".")


def test_severities_have_words_everywhere() -> None:
    for severity in Severity:
        report = samples.report(replace(samples.COUNTER, severity=severity))
        assert all(text(report, name) for name in FORMATS if name != "text")
