"""The JSON report, schema 1: a `Report` as one document, and back. Serves the report stage.

Keys come in the documented order. Two keys are there only when they say something: `reason` of a finding and
`detail` of a module that was not seen.
"""

from __future__ import annotations

from typing import Any

import msgspec

from raceway.errors import ReportError
from raceway.model.findings import SCHEMA, Report


class _Header(msgspec.Struct):
    schema: int


def encode(report: Report) -> bytes:
    """The document, indented by two spaces, with a newline at its end.

    A lone surrogate, which file names may hold and UTF-8 cannot, is written as its escape in text.
    """
    document = _document(report)
    try:
        data = msgspec.json.encode(document)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_without_surrogates(document))
    return msgspec.json.format(data, indent=2) + b"\n"


def decode(data: bytes) -> Report:
    """The report that `encode` wrote. Unknown keys are skipped; anything else that does not fit is a ReportError."""
    try:
        header = msgspec.json.decode(data, type=_Header)
    except msgspec.ValidationError as error:
        raise ReportError(f"this is not a Raceway report: {error}; give the file that --json wrote") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError(f"the report is not whole JSON: {error}; run the program again with --json") from error
    if header.schema != SCHEMA:
        cause = f"the report has schema {header.schema}, and this Raceway reads schema {SCHEMA}"
        raise ReportError(f"{cause}; use the Raceway that wrote it, or run the program again with --json")
    try:
        return msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        cause = f"the report does not keep to schema {SCHEMA}: {error}"
        raise ReportError(f"{cause}; use the Raceway that wrote it, or run the program again with --json") from error


def _document(report: Report) -> dict[str, Any]:
    document: dict[str, Any] = {"schema": report.schema}
    document |= {key: value for key, value in msgspec.to_builtins(report).items() if key != "schema"}
    for owners, key in ((document["findings"], "reason"), (document["not_seen"], "detail")):
        for owner in owners:
            if not owner[key]:
                del owner[key]
    return document


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case dict():
            return {key: _without_surrogates(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
        case _:
            return value
