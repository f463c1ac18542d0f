"""The JSON report, schema 1: a `Report` as one document, and back. Serves the report stage, and alone uses msgspec.

Keys come in the documented order. Some keys are there only when they say something: `_OPTIONAL` lists them.
"""

from __future__ import annotations

import enum
import functools
import operator
from collections.abc import Iterable, Iterator
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from raceway.errors import ReportError
from raceway.model.baseline import VERSION, Baseline, of_report
from raceway.model.findings import SCHEMA, AccessSide, Finding, Life, NotSeen, Report, Step, Tool
from raceway.model.struct import Struct, defaults, fields, made, values

_OPTIONAL: dict[type[Struct], frozenset[str]] = {
    Report: frozenset({"suppressed", "notes", "lives", "coverage"}),
    Tool: frozenset({"fallback", "fingerprints"}),
    Finding: frozenset({"reason", "tests", "state", "steps", "guard", "suppressed", "key", "also", "related"}),
    AccessSide: frozenset({"indent", "context", "context_line"}),
    Step: frozenset({"value", "harm"}),
    Life: frozenset({"ended"}),
    NotSeen: frozenset({"detail"}),
}
"""Fields that are left out when they have their default, which is empty."""


class _Header(msgspec.Struct):
    schema: int


class _BaselineHeader(msgspec.Struct):
    baseline: int


def encode(report: Report) -> bytes:
    """The document, indented by two spaces, with a newline at its end.

    A lone surrogate, which file names may hold and UTF-8 cannot, is written as its escape in text.
    """
    return encode_plain(_document(report))


def pieces(report: Report) -> Iterator[str]:
    """The document, in one piece: the form of the report that `raceway report --format json` gives."""
    yield encode(report).decode()


def encode_plain(value: object) -> bytes:
    """Values of any sort as JSON, structs as objects of all their fields; laid out as the report is."""
    document = _plain(value)
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
        report: Report = _back(msgspec.json.decode(data, type=_twin(Report)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        cause = f"the report does not keep to schema {SCHEMA}: {error}"
        raise ReportError(f"{cause}; use the Raceway that wrote it, or run the program again with --json") from error
    return report


def encode_baseline(baseline: Baseline) -> bytes:
    """The baseline file, laid out as the report is, so that a version control shows what changed."""
    return encode_plain({"baseline": baseline.baseline, "findings": baseline.findings})


def decode_baseline(data: bytes) -> Baseline:
    """The baseline that `encode_baseline` wrote, or that a whole report stands for. ReportError for anything else, and
    for one whose fingerprints compare with none of ours."""
    try:
        header = msgspec.json.decode(data, type=_BaselineHeader)
    except msgspec.ValidationError:
        report = decode(data)
        check_fingerprints(report)
        return of_report(report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError(f"the baseline is not whole JSON: {error}; {_WRITE_AGAIN}") from error
    if header.baseline != VERSION:
        cause = f"the baseline has version {header.baseline}, and this Raceway reads version {VERSION}"
        raise ReportError(f"{cause}; {_WRITE_AGAIN}")
    try:
        baseline: Baseline = _back(msgspec.json.decode(data, type=_twin(Baseline)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError(f"the baseline does not keep to version {VERSION}: {error}; {_WRITE_AGAIN}") from error
    return baseline


def check_fingerprints(report: Report) -> None:
    """Raises ReportError for a report whose fingerprints are made in another way than ours."""
    if report.tool.fingerprints != VERSION:
        cause = f"the report has fingerprints of version {report.tool.fingerprints}, and this Raceway makes version"
        raise ReportError(f"{cause} {VERSION}; run the program again with --json")


_WRITE_AGAIN = "write it again with raceway baseline write, from a new report"


def _document(value: Any) -> Any:
    """What JSON knows, without the optional fields that say nothing; the schema comes first."""
    match value:
        case Struct():
            cls = type(value)
            optional, usual = _OPTIONAL.get(cls, frozenset()), defaults(cls)
            pairs = zip(fields(cls), values(value), strict=True)
            document = {name: _document(item) for name, item in pairs if name not in optional or item != usual[name]}
            return {"schema": document.pop("schema"), **document} if cls is Report else document
        case list() | tuple():
            return [_document(item) for item in value]
        case _:
            return _plain(value)


def _plain(value: Any) -> Any:
    """What JSON knows: objects, arrays, and the values of enums."""
    match value:
        case Struct():
            return {name: _plain(item) for name, item in zip(fields(type(value)), values(value), strict=True)}
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case enum.Enum():
            return value.value
        case _:
            return value


_ORIGINALS: dict[type, type[Struct]] = {}
"""The structs by the twins that msgspec reads."""


@cache
def _twin(cls: type[Struct]) -> type[Any]:
    """The struct as msgspec checks it: the same fields, types and defaults."""
    hints, optional = get_type_hints(cls), defaults(cls)
    described = [
        (name, _checked(hints[name]), optional[name]) if name in optional else (name, _checked(hints[name]))
        for name in fields(cls)
    ]
    twin = msgspec.defstruct(cls.__name__, described)
    _ORIGINALS[twin] = cls
    return twin


def _checked(hint: Any) -> Any:
    """A type with twins in place of structs."""
    if isinstance(hint, type) and issubclass(hint, Struct):
        return _twin(hint)
    if isinstance(hint, UnionType):
        return functools.reduce(operator.or_, map(_checked, get_args(hint)))
    if get_origin(hint) is tuple:
        return tuple[tuple(_checked(argument) for argument in get_args(hint))]  # type: ignore[misc]
    return hint


def _back(value: Any) -> Any:
    """The value with structs in place of twins."""
    if isinstance(value, tuple):
        return tuple(map(_back, value))
    cls = _ORIGINALS.get(type(value))
    return value if cls is None else made(cls, map(_back, _attributes(value, fields(cls))))


def _attributes(value: object, names: Iterable[str]) -> list[Any]:
    return [getattr(value, name) for name in names]


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
