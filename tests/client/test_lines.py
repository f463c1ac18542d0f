"""What a client sends when nobody looks at events: the same as what plugins are shown, written at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from raceway import Config, RacewayClient, Redactor, set_context, track_function
from raceway.client.teller import Origin, Teller
from raceway.model.events import Event
from raceway.pipeline.encode import UnfitError, decode, fitting
from tests.pipeline.protocol import check_event, parse
from tests.pipeline.test_encode import HOSTILE

REDACTOR = Redactor(patterns=[r"\d{7}"], fields=["iban"])
NAMES = ("cart.total", "user.password", "user.iban", "ümlaut", 'q"uo\\te\n', "\ud800", "")
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**6 - 1, 10**6, 2**63 - 1, -(2**63), 1.5, "x", "7654321", "ümlaut\u2028\x00",
    "Bearer abcdefghij", {"a": 1, "password": "x"}, [1, [2]], *(HOSTILE[name]() for name in HOSTILE),
)  # fmt: skip


class Marks:
    """Takes what tracking calls put, in the place of a pipeline."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def put(self, mark: Any) -> bool:
        self.kept.append(mark)
        return True


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RacewayClient, Marks]]:
    taken = Marks()
    client = RacewayClient(Config(service_name="s\u00e9rvice", instance_id="i1"), sinks=[])
    monkeypatch.setattr(client, "put", taken.put)
    client.start_trace({"raceway-clock": "v1;eyJjbG9jayI6W1siYSMxIiwzXV19"})
    yield client, taken
    set_context(None)
    client.shutdown()


def comparable(event: Event) -> dict[str, Any]:
    """All that an event says."""
    found: dict[str, Any] = parse(fitting(event)[1])
    return found


def check(taken: Marks) -> None:
    """Both ways tell the same of every mark; what is written at once passes the strict reader."""
    assert taken.kept
    origin = Origin("s\u00e9rvice", "test", {"sdk_language": "python"})
    for mark in taken.kept:
        teller = Teller(origin, REDACTOR, lambda: None)
        try:
            event, _, mended = fitting(teller.event(mark))
        except UnfitError:
            continue
        line = teller.line(mark)
        if line is None:
            assert mended
            continue
        check_event(parse(line))
        assert comparable(decode(line)) == comparable(event)
    taken.kept.clear()


def test_state_changes(marks: tuple[RacewayClient, Marks]) -> None:
    client, taken = marks
    places: tuple[Any, ...] = ("a.py:1", ["a"], 5, (), (1, 2))
    for name in NAMES:
        for place, value in enumerate(VALUES):
            client.track_state_change(name, VALUES[place - 1], value, "Read" if place % 2 else "Write")
            client.track_state_change(name, value, None, places[place % 5], ("Write", "nonsense")[place % 2])
    check(taken)


def test_all_other_calls(marks: tuple[RacewayClient, Marks]) -> None:
    client, taken = marks
    for name in NAMES:
        for place, first in enumerate(VALUES):
            second = VALUES[place - 1]
            client.track_function_call(name, "m", first, "f.py", second)
            client.track_http_request(name, "http://a/?q=1&password=2", {"cookie": first}, second)
            client.track_http_response(first, {"x": name}, second, first)
            client.track_async_spawn(name, first)
            client.track_async_await(name)
            client.track_lock_acquire(name, first)
            client.track_lock_release(name)
            client.track_error(name, first, second)
            track_function(client)(lambda value: value)(first)
    check(taken)


def test_most_calls_are_written_at_once(marks: tuple[RacewayClient, Marks]) -> None:
    client, taken = marks
    for number in range(3):
        client.track_state_change("a", number, {"b": number}, "Write")
        client.track_function_call("pay", {"amount": number})
        client.track_lock_acquire("m", "Lock")
    teller = Teller(Origin("s", "test", {}), Redactor(), lambda: None)
    lines = [teller.line(mark) for mark in taken.kept]
    assert None not in lines
    events = [decode(line) for line in lines if line is not None]
    assert [event.parent_id for event in events[1:]] == [event.id for event in events[:-1]]
