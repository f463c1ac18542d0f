"""Whatever a program puts into an event, what goes out is what the protocol allows, and all kinds survive the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raceway.model import eventkinds as of
from raceway.model.events import KINDS, Event, EventKind, Metadata
from raceway.model.values import NODE_LIMIT, TEXT_LIMIT, scalar, snapshot
from raceway.pipeline import new_uuid, uuid_of
from raceway.pipeline.encode import LINE_LIMIT, UnfitError, fitting
from tests.pipeline.protocol import ProtocolError, check_body, check_event, parse
from tests.pipeline.samples import METADATA, Flow

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
_HEADERS = st.dictionaries(_TEXTS, _TEXTS, max_size=3)
_U64 = st.integers(0, 2**64 - 1)
_UUIDS = st.uuids().map(str)

_FIELDS: dict[type, dict[str, st.SearchStrategy[Any]]] = {
    of.FunctionCall: {
        "function_name": _TEXTS, "module": _TEXTS, "args": _JSON, "file": _TEXTS, "line": st.integers(0, 2**32 - 1),
    },
    of.AsyncSpawn: {"task_id": _UUIDS, "spawned_by": _TEXTS},
    of.AsyncAwait: {"future_id": _UUIDS, "awaited_at": _TEXTS},
    of.StateChange: {
        "variable": _TEXTS, "new_value": _JSON, "location": _TEXTS, "old_value": _JSON,
        "access_type": st.sampled_from(["Read", "Write", "AtomicRead", "AtomicWrite", "AtomicRMW"]),
    },
    of.LockAcquire: {"lock_id": _TEXTS, "lock_type": _TEXTS, "location": _TEXTS},
    of.LockRelease: {"lock_id": _TEXTS, "lock_type": _TEXTS, "location": _TEXTS},
    of.MemoryFence: {
        "ordering": st.sampled_from(["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"]), "location": _TEXTS,
    },
    of.HttpRequest: {"method": _TEXTS, "url": _TEXTS, "headers": _HEADERS, "body": _JSON},
    of.HttpResponse: {
        "status": st.integers(0, 2**16 - 1), "headers": _HEADERS, "duration_ms": _U64, "body": _JSON,
    },
    of.DatabaseQuery: {"query": _TEXTS, "database": _TEXTS, "duration_ms": _U64},
    of.DatabaseResult: {"rows_affected": _U64},
    of.Error: {"error_type": _TEXTS, "message": _TEXTS, "stack_trace": st.lists(_TEXTS, max_size=3).map(tuple)},
    of.Custom: {"name": _TEXTS, "data": _JSON},
}  # fmt: skip


def kinds() -> st.SearchStrategy[EventKind]:
    """Any event kind."""
    one = [
        st.builds(kind, **fields).map(lambda value: EventKind(**{type(value).__name__: value}))
        for kind, fields in _FIELDS.items()
    ]
    return st.one_of(one)


METADATAS = st.builds(
    Metadata, _TEXTS, st.integers(0, 2**32 - 1), _TEXTS, _TEXTS, _HEADERS, st.none() | _U64, st.none() | _TEXTS,
    st.none() | _TEXTS, st.none() | _TEXTS,
)  # fmt: skip

EVENTS = st.builds(
    Event,
    id=_UUIDS,
    trace_id=_UUIDS,
    timestamp=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))])),
    kind=kinds(),
    metadata=METADATAS,
    causality_vector=st.lists(st.tuples(_TEXTS, _U64), max_size=3).map(tuple),
    lock_set=st.lists(_TEXTS, max_size=3).map(tuple),
    parent_id=st.none() | _UUIDS,
)


def test_all_kinds_are_tried() -> None:
    assert {kind.__name__ for kind in _FIELDS} == set(KINDS)
    assert len(KINDS) == 13


@settings(max_examples=200, deadline=None)
@given(EVENTS)
def test_every_event_that_fits_is_sent_unchanged_and_passes_the_strict_reader(event: Event) -> None:
    fit, line, mended = fitting(event)
    assert (fit, mended) == (event, False)
    check_event(parse(line))
    assert msgspec.json.decode(line, type=Event) == event
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=Event) == event


class Hostile:
    """An object of a program that must not be touched."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("touched")

    def __repr__(self) -> str:
        raise RuntimeError("asked")

    __str__ = __repr__


class Liar(str):
    """A text whose methods are the program's."""

    __slots__ = ()

    def isascii(self) -> bool:
        raise RuntimeError("asked")


def cycle() -> list[Any]:
    """A list that holds itself."""
    items: list[Any] = []
    items.append(items)
    return items


HOSTILE: dict[str, Callable[[], Any]] = {
    "not a number": lambda: float("nan"),
    "infinity": lambda: float("-inf"),
    "bytes": lambda: b"bytes",
    "bytearray": lambda: bytearray(3),
    "lone surrogate": lambda: "\ud800",
    "surrogate within": lambda: ["\ud800"],
    "huge text": lambda: "x" * (TEXT_LIMIT + 1),
    "huge integer": lambda: 2**64,
    "negative huge integer": lambda: -(2**70),
    "complex": lambda: 1j,
    "cycle": cycle,
    "cycle within": lambda: {"a": cycle()},
    "hostile": Hostile,
    "hostile within": lambda: [Hostile()],
    "object": object,
    "class": lambda: Hostile,
    "set": lambda: {1, 2},
    "liar": lambda: Liar("lie"),
    "long list": lambda: list(range(5 * NODE_LIMIT)),
    "much in all": lambda: {str(number): [number] * 100 for number in range(100)},
    "time": lambda: datetime.now(UTC),
}
"""What programs hand over that is no JSON."""


@pytest.mark.parametrize("name", HOSTILE)
def test_values_become_json_without_running_code_of_the_program(name: str) -> None:
    copied, lossless = snapshot(HOSTILE[name]())
    assert len(json.dumps(copied, allow_nan=False)) < 100_000
    assert not lossless
    json.dumps(scalar(HOSTILE[name]()), allow_nan=False)


def test_keys_become_texts() -> None:
    copied, _ = snapshot({1: "one", None: 2, (1, 2): 3, "s": 4})
    assert copied == {"1": "one", "None": 2, "<tuple of 2>": 3, "s": 4}


@pytest.mark.parametrize("value", [None, True, 0, -5, 1.5, "text", [1, [2]], {"a": {"b": None}}, "ümlaut"])
def test_plain_values_are_taken_as_they_are(value: Any) -> None:
    assert snapshot(value) == (value, True)


def test_a_copy_does_not_follow_what_happens_later() -> None:
    items = [[1]]
    copied, _ = snapshot(items)
    items[0].append(2)
    assert copied == [[1]]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_one_bad_field_is_mended_and_the_event_passes_the_strict_reader(name: str, hostile: str) -> None:
    kind, value = getattr(of, name), HOSTILE[hostile]()
    for bad in kind.__struct_fields__:
        fields: dict[str, Any] = dict.fromkeys(kind.__struct_fields__, "x")
        fields[bad] = value
        event = Flow().event(EventKind(**{name: kind(**fields)}))
        _, line, _ = fitting(event)
        check_event(parse(line))


BROKEN: list[dict[str, Any]] = [
    {"id": "task-1"},
    {"id": None},
    {"trace_id": b"x"},
    {"parent_id": 7},
    {"timestamp": "now"},
    {"timestamp": datetime(2025, 1, 1)},
    {"causality_vector": (("a", -1),)},
    {"causality_vector": (("a", 2**64),)},
    {"causality_vector": (("a",), 5)},
    {"lock_set": None},
    {"metadata": None},
]


@pytest.mark.parametrize("broken", BROKEN, ids=repr)
def test_what_is_around_the_kind_is_mended_too(broken: dict[str, Any]) -> None:
    event = msgspec.structs.replace(Flow().change("x"), **broken)
    _, line, mended = fitting(event)
    check_event(parse(line))
    assert mended


WRONG_METADATA: list[dict[str, Any]] = [
    {"process_id": -1},
    {"duration_ns": -5},
    {"duration_ns": 1.5},
    {"tags": {"a": 1}},
    {"tags": None},
    {"thread_id": 5},
    {"service_name": "\udfff"},
]


@pytest.mark.parametrize("metadata", WRONG_METADATA, ids=repr)
def test_metadata_is_mended_too(metadata: dict[str, Any]) -> None:
    event = Flow().event(EventKind(Custom=of.Custom("x", 1)), msgspec.structs.replace(METADATA, **metadata))
    _, line, mended = fitting(event)
    check_event(parse(line))
    assert mended


def test_an_event_that_is_too_long_is_cut() -> None:
    _, line, mended = fitting(Flow().change("x", {"text": ["y" * 100_000] * 10}))
    assert mended
    assert len(line) < 50_000
    check_event(parse(line))


LARGE = "\u20ac" * 4000


@pytest.mark.parametrize(
    "kind",
    [
        EventKind(HttpRequest=of.HttpRequest("GET", "/", {f"{n}{LARGE}": LARGE for n in range(500)}, [LARGE] * 900)),
        EventKind(Error=of.Error(LARGE, LARGE, (LARGE,) * 2000)),
        EventKind(FunctionCall=of.FunctionCall(LARGE, LARGE, {LARGE + str(n): [LARGE] for n in range(900)}, LARGE, 1)),
        EventKind(StateChange=of.StateChange("x", [[LARGE] * 900], "f:1", "Write", {"a": {"b": LARGE * 50}})),
    ],
    ids=["headers", "stack", "arguments", "values"],
)
def test_an_event_is_never_too_long_to_be_told(kind: EventKind) -> None:
    event = Flow().event(kind, msgspec.structs.replace(METADATA, tags={f"{n}{LARGE}": LARGE for n in range(500)}))
    _, line, mended = fitting(msgspec.structs.replace(event, lock_set=(LARGE,) * 500))
    assert mended
    check_event(parse(line))
    assert len(line) <= LINE_LIMIT


def test_an_event_that_tells_nothing_or_two_things_cannot_be_sent_as_it_is() -> None:
    with pytest.raises(UnfitError):
        fitting(Flow().event(EventKind()))
    two = EventKind(Custom=of.Custom("x", 1), AsyncAwait=of.AsyncAwait(new_uuid(), ""))
    _, line, mended = fitting(Flow().event(two))
    assert mended
    check_event(parse(line))


@given(st.text())
def test_any_name_becomes_one_uuid(name: str) -> None:
    assert uuid_of(name) == uuid_of(name)
    assert uuid_of(uuid_of(name)) == uuid_of(name)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"events": 1}', "events"),
        (b"[]", "body"),
        (b'{"events": [{}]}', r"events\[0\].id"),
        (b'{"events": [NaN]}', "NaN"),
        (b'{"a": 1, "a": 2}', "twice"),
    ],
)
def test_the_strict_reader_is_strict(body: bytes, place: str) -> None:
    with pytest.raises(ProtocolError, match=place):
        check_body(body)


WRONG: list[tuple[str, Any]] = [
    ("id", "x"),
    ("timestamp", "2025-01-01T00:00:00"),
    ("timestamp", 5),
    ("lock_set", None),
    ("causality_vector", [["a", 1.0]]),
    ("causality_vector", [["a", 1, 2]]),
    ("metadata.process_id", 2**32),
    ("metadata.process_id", True),
    ("metadata.tags", {"a": None}),
    ("kind.StateChange.access_type", "write"),
    ("kind.StateChange.variable", None),
    ("kind", {}),
    ("kind", {"Foo": {}}),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=repr)
def test_the_strict_reader_refuses_what_receivers_refuse(path: str, value: Any) -> None:
    _, line, _ = fitting(Flow().change("x"))
    event = json.loads(line)
    check_event(event)
    *outer, last = path.split(".")
    place = event
    for name in outer:
        place = place[name]
    place[last] = value
    with pytest.raises(ProtocolError):
        check_event(event)
