"""The report as SARIF 2.1.0, which code hosts and editors read. Serves the report stage.

One run with a rule for each kind of finding and a result for each finding. The worst side is the result's location, the
others are related locations, the interleaving is a code flow with one thread flow for each actor, and a suppressed
finding is a result with a suppression. Specification: OASIS SARIF 2.1.0; columns there begin with 1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from urllib.parse import quote

from raceway.model.findings import AccessSide, Finding, Frame, Report, Step
from raceway.model.kinds import FindingKind, Severity
from raceway.model.typing import Any
from raceway.report.explanations import EXPLANATIONS
from raceway.report.lines import well_formed
from raceway.report.wording import explained

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_ROOT = "ROOT"
_INDENT = 2
_RULES = {kind: number for number, kind in enumerate(FindingKind)}


def pieces(report: Report) -> Iterator[str]:
    """The log, piece by piece: the results are made one at a time."""
    run: dict[str, Any] = {
        "tool": {"driver": _driver(report)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The directory that the program was run in."}}},
        "invocations": [_invocation(report)],
        "results": [],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    head, tail = _text(log).split('"results": []')
    yield f'{head}"results": ['
    separator = "\n"
    for finding in (*report.findings, *report.suppressed):
        yield separator + _text(_result(finding, report.tool.fingerprints))
        separator = ",\n"
    yield f"]{tail}\n"


def _text(value: object) -> str:
    return json.dumps(value, indent=_INDENT, ensure_ascii=False)


def _driver(report: Report) -> dict[str, Any]:
    return {
        "name": report.tool.name,
        "version": well_formed(report.tool.version),
        "rules": [_rule(kind) for kind in FindingKind],
    }


def _rule(kind: FindingKind) -> dict[str, Any]:
    about = EXPLANATIONS[kind]
    return {
        "id": kind.value,
        "name": "".join(word.capitalize() for word in kind.value.split("-")),
        "shortDescription": {"text": about.what},
        "fullDescription": {"text": f"{about.what} {about.why}"},
        "help": {"text": about.remedy},
    }


def _invocation(report: Report) -> dict[str, Any]:
    unseen = [
        {
            "level": "note",
            "descriptor": {"id": well_formed(entry.reason)},
            "message": {"text": well_formed(f"{entry.module}: {entry.detail}" if entry.detail else entry.module)},
        }
        for entry in report.not_seen
    ]
    invocation: dict[str, Any] = {
        "executionSuccessful": report.summary.self_check != "failed",
        "commandLine": well_formed(" ".join(("python", "-m", "raceway.run", *report.run.command))),
    }
    if unseen:
        invocation["toolExecutionNotifications"] = unseen
    return invocation


def _result(finding: Finding, version: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.kind.value,
        "ruleIndex": _RULES[finding.kind],
        "level": _LEVELS[finding.severity],
        "message": {"text": well_formed(_message(finding)) or finding.kind.value},
        "partialFingerprints": {f"raceway/v{version}": well_formed(finding.fingerprint)},
        "occurrenceCount": max(1, finding.count),
        "properties": {"confidence": finding.confidence.value, "variable": well_formed(finding.variable)},
    }
    if finding.accesses:
        first, *others = finding.accesses
        result["locations"] = [_location(first)]
        if others:
            result["relatedLocations"] = [_location(side, number) for number, side in enumerate(others, 1)]
        result["stacks"] = [_stack(side) for side in finding.accesses if side.stack]
    flows = _thread_flows(finding)
    if flows:
        result["codeFlows"] = [{"threadFlows": flows}]
    if finding.suppressed:
        justification = well_formed(finding.suppressed)
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    return result


def _message(finding: Finding) -> str:
    return finding.message if explained(finding) else f"{finding.message} {finding.fix}".strip()


def _location(side: AccessSide, number: int = 0) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": max(1, side.line)}
    if side.column >= 0:
        region["startColumn"] = side.column + 1
        region["endColumn"] = max(side.column, side.end_column) + 1
    if side.source:
        region["snippet"] = {"text": well_formed(side.source)}
    held = f"holding {', '.join(side.locks)}" if side.locks else "holding no lock"
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": _artifact(side.file), "region": region},
        "logicalLocations": [{"fullyQualifiedName": well_formed(side.function), "kind": "function"}],
        "message": {"text": well_formed(f"{side.actor.kind} {side.actor.name}: {side.operation}, {held}")},
    }
    if number:
        location["id"] = number
    return location


def _stack(side: AccessSide) -> dict[str, Any]:
    actor = well_formed(f"{side.actor.kind} {side.actor.name}")
    return {"message": {"text": actor}, "frames": [_frame(frame) for frame in side.stack]}


def _frame(frame: Frame) -> dict[str, Any]:
    return {
        "location": {
            "physicalLocation": _place(frame.file, frame.line),
            "logicalLocations": [{"fullyQualifiedName": well_formed(frame.function), "kind": "function"}],
        }
    }


def _thread_flows(finding: Finding) -> list[dict[str, Any]]:
    """One thread flow per actor; `executionOrder` interleaves them."""
    flows: list[dict[str, Any]] = []
    for index, side in enumerate(finding.accesses):
        steps = [(order, step) for order, step in enumerate(finding.steps, 1) if step.side == index]
        if steps:
            flow = {"id": well_formed(f"{index + 1}: {side.actor.kind} {side.actor.name}")}
            flows.append(flow | {"locations": [_flow_location(order, step) for order, step in steps]})
    return flows


def _flow_location(order: int, step: Step) -> dict[str, Any]:
    words = f"{step.operation}: {step.harm}" if step.harm else step.operation
    location: dict[str, Any] = {"message": {"text": well_formed(words)}}
    if step.file:
        location["physicalLocation"] = _place(step.file, step.line)
    return {"executionOrder": order, "location": location, "importance": "essential" if step.harm else "important"}


def _place(file: str, line: int) -> dict[str, Any]:
    return {"artifactLocation": _artifact(file), "region": {"startLine": max(1, line)}}


def _artifact(file: str) -> dict[str, Any]:
    path = quote(well_formed(file).replace(os.sep, "/"))
    return {"uri": f"file://{path}"} if path.startswith("/") else {"uri": path, "uriBaseId": _ROOT}
