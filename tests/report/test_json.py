"""The JSON report is the documented document, comes back as the same values, and says why a file is no report."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from raceway.errors import RacewayError, ReportError
from raceway.model.findings import AccessSide, Finding, NotSeen, Report, Step
from raceway.model.struct import fields
from raceway.report import decode_json, encode_json
from tests.report import samples
from tests.report.strategies import reports

DOCUMENTED = """
{"schema": 1, "tool": {"name": "raceway", "version": "0.1.0", "core": "native", "fingerprints": 2},
 "run": {"command": ["app.py"], "python": "3.11.7", "gil": true, "duration_s": 1.2},
 "summary": {"error": 1, "warning": 0, "info": 0, "suppressed": 0, "modules": 3, "sites": 120, "accesses": 48211,
             "actors": 5, "shared_locations": 7, "dropped": 0, "self_check": "not-run"},
 "findings": [{"fingerprint": "3f2a90c1", "kind": "lost-update", "severity": "error", "confidence": "observed",
   "verdict": {"gil": "harmful", "free_threaded": "harmful", "asyncio": null}, "variable": "Account.balance",
   "message": "...", "fix": "...",
   "count": 17,
   "accesses": [{"operation": "read-modify-write", "file": "bank.py", "line": 12, "column": 8, "end_column": 31,
     "function": "Account.withdraw", "source": "self.balance = current - amount",
     "actor": {"kind": "thread", "name": "Thread-1"},
     "locks": ["Bank.lock"], "stack": [{"file": "bank.py", "line": 12, "function": "Account.withdraw"}]}]}],
 "not_seen": [{"reason": "imported-before-hook", "module": "early"}]}
"""

EVERYTHING = samples.EVERYTHING


def in_order(text: str | bytes) -> Any:
    """The document with every object as a list of pairs, so that the order of the keys counts."""
    return json.loads(text, object_pairs_hook=list)


def test_the_documented_document_is_written_key_for_key() -> None:
    report = decode_json(DOCUMENTED.encode())
    assert in_order(encode_json(report)) == in_order(DOCUMENTED)


def test_what_was_written_reads_back_as_the_same_report() -> None:
    assert decode_json(encode_json(EVERYTHING)) == EVERYTHING


@given(reports(surrogates=False))
def test_any_report_reads_back(report: Report) -> None:
    assert decode_json(encode_json(report)) == report


@given(reports())
def test_any_report_is_written_as_utf_8_that_every_parser_takes(report: Report) -> None:
    data = encode_json(report)
    document = json.loads(data.decode("utf-8"))
    assert [one["fingerprint"] for one in document["findings"]] == [
        one.fingerprint.encode("utf-8", "backslashreplace").decode() for one in report.findings
    ]
    assert len(decode_json(data).findings) == len(report.findings)


def test_a_file_name_that_is_not_utf_8_is_written_as_an_escape() -> None:
    report = samples.report(not_seen=(NotSeen("not-transformed", "caf\udce9.py"),))
    assert decode_json(encode_json(report)).not_seen[0].module == "caf\\udce9.py"


def test_the_document_is_indented_and_ends_with_a_newline() -> None:
    lines = encode_json(EVERYTHING).decode().split("\n")
    assert lines[:3] == ["{", '  "schema": 1,', '  "tool": {']
    assert lines[-2:] == ["}", ""]


def test_unknown_keys_are_skipped() -> None:
    document = json.loads(encode_json(EVERYTHING)) | {"later": 1}
    document["findings"][0]["accesses"][0]["later"] = [{}]
    assert decode_json(json.dumps(document).encode()) == EVERYTHING


@pytest.mark.parametrize("kept", [0, 1, 300, -3])
def test_a_truncated_file_is_refused_with_cause_and_remedy(kept: int) -> None:
    with pytest.raises(ReportError, match=r"not whole JSON: .*; run the program again with --json"):
        decode_json(encode_json(EVERYTHING)[:kept])


def test_another_schema_is_refused_by_number_whatever_else_it_holds() -> None:
    with pytest.raises(ReportError, match=r"has schema 2, and this Raceway reads schema 1; use the Raceway that wrote"):
        decode_json(b'{"schema": 2, "runs": []}')


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"version": "2.1.0"}', b'{"schema": "1"}', b"null"])
def test_other_json_is_no_report(data: bytes) -> None:
    with pytest.raises(ReportError, match=r"this is not a Raceway report: .*; give the file that --json wrote"):
        decode_json(data)


def test_a_kind_of_the_future_is_refused_where_it_stands() -> None:
    data = encode_json(EVERYTHING).replace(b'"await-gap"', b'"time-travel"')
    with pytest.raises(ReportError, match=r"does not keep to schema 1: .*time-travel.*findings.*; use the Raceway"):
        decode_json(data)


@pytest.mark.parametrize("data", [b"\xff\xfe", b'{"schema": 1, "tool": "\xff"}', b"[" * 100_000, b'{"a":' * 100_000])
def test_bytes_that_no_parser_takes_are_refused(data: bytes) -> None:
    with pytest.raises(ReportError):
        decode_json(data)


def test_the_error_is_one_of_ours() -> None:
    assert issubclass(ReportError, RacewayError)
    assert ReportError.slug == "report-unreadable"


def test_the_document_has_the_fields_of_the_model_and_no_other() -> None:
    document = json.loads(encode_json(EVERYTHING))
    assert set(document) | {"coverage"} == set(fields(Report))  # which a report may lack
    finding, side = document["findings"][0], document["findings"][0]["accesses"][0]
    assert set(finding) == set(fields(Finding)) - {"reason", "suppressed", "state", "tests", "key", "also", "related"}
    assert set(side) == set(fields(AccessSide)) - {"indent"}
    assert set(finding["steps"][1]) == set(fields(Step)) - {"harm"}
    with_reason = next(finding for finding in document["findings"] if "reason" in finding)
    assert with_reason["reason"] == samples.COUNTER.reason
