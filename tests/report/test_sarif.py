"""SARIF: a valid log of the standard, whatever the report holds, with results that say what the findings say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from raceway.model.findings import Report
from raceway.model.kinds import FindingKind
from raceway.model.struct import replace
from raceway.report.lines import well_formed
from raceway.report.sarif import pieces
from tests.report import samples
from tests.report.sarif_rules import faults
from tests.report.strategies import reports

PUBLISHED = os.environ.get("RACEWAY_SARIF_SCHEMA", "")
"""The published schema, which is not ours to keep here: docs/ci.md says where it is."""


def log(report: Report) -> Any:
    """The log of a report, parsed."""
    return json.loads("".join(pieces(report)))


@settings(max_examples=60, deadline=None)
@given(reports())
def test_any_report_is_a_valid_log(report: Report) -> None:
    assert faults(log(report)) == []


@pytest.mark.skipif(not PUBLISHED, reason="RACEWAY_SARIF_SCHEMA does not name the published schema")
@settings(max_examples=60, deadline=None)
@given(reports())
def test_any_report_is_valid_by_the_published_schema(report: Report) -> None:
    schema = json.loads(Path(PUBLISHED).read_bytes())
    jsonschema = pytest.importorskip("jsonschema")
    assert list(jsonschema.validators.validator_for(schema)(schema).iter_errors(log(report))) == []


def test_a_result_says_what_the_finding_says() -> None:
    (run,) = log(samples.EVERYTHING)["runs"]
    first, *_, known = run["results"]
    assert first["ruleId"] == "lost-update"
    assert first["level"] == "error"
    assert samples.LOST_UPDATE.fix in first["message"]["text"]
    assert first["partialFingerprints"] == {"raceway/v2": "3f2a90c1"}
    (place,) = first["locations"]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "bank.py", "uriBaseId": "ROOT"}
    assert place["physicalLocation"]["region"] | {"snippet": None} == {
        "startLine": 12,
        "startColumn": 9,
        "endColumn": 21,
        "snippet": None,
    }
    assert place["message"]["text"] == "thread teller-1: read-modify-write, holding Bank.lock"
    assert [other["physicalLocation"]["region"]["startLine"] for other in first["relatedLocations"]] == [107]
    assert known["suppressions"][0]["justification"] == samples.KNOWN.suppressed
    assert sum("suppressions" in result for result in run["results"]) == 1


def test_the_interleaving_is_a_code_flow() -> None:
    result = log(samples.report(samples.LOST_UPDATE))["runs"][0]["results"][0]
    flows = result["codeFlows"][0]["threadFlows"]
    assert [flow["id"] for flow in flows] == ["1: thread teller-1", "2: thread MainThread"]
    assert [[step["executionOrder"] for step in flow["locations"]] for flow in flows] == [[1, 3], [2]]
    assert flows[0]["locations"][1]["importance"] == "essential"


def test_every_kind_is_a_rule_with_words() -> None:
    rules = log(samples.QUIET)["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [kind.value for kind in FindingKind]
    assert all(len(rule["help"]["text"]) > 40 for rule in rules)


@pytest.mark.parametrize(
    ("path", "uri"),
    [("a b/ä.py", "a%20b/%C3%A4.py"), ("/tmp/x#y.py", "file:///tmp/x%23y.py"), ("caf\udce9.py", "caf%5Cudce9.py")],
)
def test_paths_become_references_that_are_valid(path: str, uri: str) -> None:
    side = samples.LOST_UPDATE.accesses[0]
    report = samples.report(replace(samples.LOST_UPDATE, accesses=(replace(side, file=path),)))
    result = log(report)["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
    assert well_formed(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda log: log.pop("version"),
        lambda log: log["runs"][0].update(result=[]),
        lambda log: log["runs"][0]["results"][0].update(level="bad"),
        lambda log: log["runs"][0]["results"][0].update(ruleIndex=1),
        lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
        lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(endColumn=1),
        lambda log: log["runs"][0]["results"][0]["codeFlows"][0].update(threadFlows=[]),
        lambda log: log["runs"][0]["results"][0].pop("message"),
    ],
)
def test_the_check_finds_faults(damage: Any) -> None:
    document = log(samples.EVERYTHING)
    assert faults(document) == []
    damage(document)
    assert faults(document) != []
