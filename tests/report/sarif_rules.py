"""A strict check of SARIF 2.1.0, written from the specification: of the objects that Raceway writes, and of no others.

Every object may hold only the properties that are listed for it, with the listed types, and must hold those marked with
an exclamation mark. Section numbers are those of the OASIS standard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_OBJECTS: dict[str, dict[str, str]] = {
    "log": {"$schema": "uri", "version!": "=2.1.0", "runs!": "[run]"},  # 3.13
    "run": {  # 3.14
        "tool!": "tool",
        "invocations": "[invocation]",
        "originalUriBaseIds": "{artifactLocation}",
        "columnKind": "=utf16CodeUnits|unicodeCodePoints",
        "results": "[result]",
    },
    "tool": {"driver!": "toolComponent"},  # 3.18
    "toolComponent": {"name!": "text", "version": "text", "rules": "[reportingDescriptor]"},  # 3.19
    "reportingDescriptor": {  # 3.49
        "id!": "text",
        "name": "text",
        "shortDescription": "multiformatMessage",
        "fullDescription": "multiformatMessage",
        "help": "multiformatMessage",
    },
    "multiformatMessage": {"text!": "text"},  # 3.12
    "message": {"text": "text"},  # 3.11: text or id
    "invocation": {  # 3.20
        "executionSuccessful!": "boolean",
        "commandLine": "text",
        "toolExecutionNotifications": "[notification]",
    },
    "notification": {  # 3.58
        "message!": "message",
        "level": "=none|note|warning|error",
        "descriptor": "reportingDescriptorReference",
    },
    "reportingDescriptorReference": {"id": "text"},  # 3.52
    "result": {  # 3.27
        "ruleId": "text",
        "ruleIndex": "index",
        "level": "=none|note|warning|error",
        "message!": "message",
        "locations": "[location]",
        "relatedLocations": "[location]",
        "stacks": "[stack]",
        "codeFlows": "[codeFlow]",
        "suppressions": "[suppression]",
        "partialFingerprints": "{text}",
        "occurrenceCount": "count",
        "properties": "{text}",
    },
    "location": {  # 3.28
        "id": "index",
        "physicalLocation": "physicalLocation",
        "logicalLocations": "[logicalLocation]",
        "message": "message",
    },
    "physicalLocation": {"artifactLocation": "artifactLocation", "region": "region"},  # 3.29
    "artifactLocation": {"uri": "uri", "uriBaseId": "text", "description": "message"},  # 3.4
    "region": {
        "startLine": "count",
        "startColumn": "count",
        "endColumn": "count",
        "snippet": "artifactContent",
    },  # 3.30
    "artifactContent": {"text": "text"},  # 3.3
    "logicalLocation": {"fullyQualifiedName": "text", "kind": "text"},  # 3.33
    "suppression": {  # 3.35
        "kind!": "=inSource|external",
        "status": "=accepted|underReview|rejected",
        "justification": "text",
    },
    "codeFlow": {"threadFlows!": "[threadFlow]"},  # 3.36
    "threadFlow": {"id": "text", "locations!": "[threadFlowLocation]"},  # 3.37
    "threadFlowLocation": {  # 3.38
        "location": "location",
        "executionOrder": "index",
        "importance": "=important|essential|unimportant",
    },
    "stack": {"message": "message", "frames!": "[stackFrame]"},  # 3.44
    "stackFrame": {"location": "location"},  # 3.45
}
_NOT_EMPTY = frozenset({"runs", "threadFlows", "locations of a threadFlow"})
_URI = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")


def faults(document: Any) -> list[str]:
    """What is wrong with a log, one line a fault; none when all is well."""
    found = list(_faults(document, "log", "$"))
    return found or list(_references(document))


def _faults(value: Any, sort: str, path: str) -> Iterator[str]:
    if sort.startswith("["):
        if not isinstance(value, list):
            yield f"{path}: no array"
            return
        for index, item in enumerate(value):
            yield from _faults(item, sort[1:-1], f"{path}[{index}]")
    elif sort.startswith("{"):
        if not isinstance(value, dict):
            yield f"{path}: no object"
            return
        for key, item in value.items():
            yield from _faults(item, sort[1:-1], f"{path}.{key}")
    elif sort in _OBJECTS:
        yield from _object_faults(value, sort, path)
    elif not _is(value, sort):
        yield f"{path}: {value!r} is no {sort}"


def _object_faults(value: Any, sort: str, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: no object"
        return
    rules = {name.rstrip("!"): rule for name, rule in _OBJECTS[sort].items()}
    for name in value.keys() - rules.keys():
        yield f"{path}.{name}: {sort} has no such property"
    for name in (name[:-1] for name in _OBJECTS[sort] if name.endswith("!")):
        if name not in value:
            yield f"{path}.{name}: {sort} needs it"
    for name, item in value.items():
        if name in rules:
            yield from _faults(item, rules[name], f"{path}.{name}")
    if sort in ("codeFlow", "threadFlow") and not next(
        iter(value.values() if sort == "codeFlow" else [value["locations"]])
    ):
        yield f"{path}: needs at least one"


def _is(value: Any, sort: str) -> bool:
    if sort.startswith("="):
        return value in sort[1:].split("|")
    if sort in ("index", "count"):
        return type(value) is int and value >= (sort == "count")
    if sort == "boolean":
        return isinstance(value, bool)
    return isinstance(value, str) and (sort != "uri" or _URI.fullmatch(value) is not None)


def _references(log: Any) -> Iterator[str]:
    """What one part says of another: rules by index, base names of paths, regions that do not end before they begin."""
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        bases = run.get("originalUriBaseIds", {})
        for index, result in enumerate(run["results"]):
            rule = rules[result["ruleIndex"]]["id"] if result["ruleIndex"] < len(rules) else None
            if rule != result["ruleId"]:
                yield f"result {index}: rule {result['ruleIndex']} is {rule}, not {result['ruleId']}"
            for location in _everything(result, "artifactLocation"):
                if location.get("uriBaseId", next(iter(bases), None)) not in bases:
                    yield f"result {index}: no base {location['uriBaseId']}"
            for region in _everything(result, "region"):
                if region.get("endColumn", 1) < region.get("startColumn", 1):
                    yield f"result {index}: a region ends before it begins"


def _everything(value: Any, name: str) -> Iterator[dict[str, Any]]:
    """Every object under that name, however deep."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in children:
        if key == name:
            yield item
        yield from _everything(item, name)
