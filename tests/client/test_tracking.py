"""The tracking calls: long and short forms, places, hostile values, and what happens outside of a trace."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raceway import Config, Plugin, RacewayClient, RacewayContextError, RacewayError, Redactor, set_context
from raceway.pipeline import uuid_of
from tests.client.collecting import Captured

HERE = Path(__file__).as_posix()


def place() -> str:
    """The line of the call, as it is told."""
    return f"{HERE}:{sys._getframe(1).f_lineno}"


def test_forms_of_a_state_change(client: RacewayClient, captured: Captured, trace: str) -> None:
    client.track_state_change("a", 1, 2, "app.py:42", "Write")
    client.track_state_change("a", None, 2, "Read"); here = place()  # noqa: E702
    client.track_state_change(variable="a", old_value=1, new_value=2, location="x.py:1", access_type="AtomicRMW")
    client.track_state_change("a", 1, 2)
    told = [event.kind.StateChange for event in captured]
    assert [(one.location, one.access_type) for one in told[:3]] == [
        ("app.py:42", "Write"), (here, "Read"), ("x.py:1", "AtomicRMW"),
    ]  # fmt: skip
    assert told[3].access_type == "Write"
    assert {event.trace_id for event in captured} == {trace}


def test_forms_of_a_function_call(client: RacewayClient, captured: Captured, trace: str) -> None:
    client.track_function_call("f", "m", {"a": 1}, "f.py", 3)
    client.track_function_call("f", {"a": 1}); here = place()  # noqa: E702
    client.track_function_call(function_name="f", module="m", args=None, file="g.py", line=4)
    first, second, third = (event.kind.FunctionCall for event in captured)
    assert (first.module, first.args, first.file, first.line) == ("m", {"a": 1}, "f.py", 3)
    assert (second.module, second.args, f"{second.file}:{second.line}") == (__name__, {"a": 1}, here)
    assert (third.args, third.file, third.line) == (None, "g.py", 4)


def test_forms_of_locks_and_tasks(client: RacewayClient, captured: Captured, trace: str) -> None:
    client.track_lock_acquire("m", "Lock", "a.py:1")
    client.track_lock_release("m", "a.py:2")
    client.track_lock_acquire("m", "RWLock"); here = place()  # noqa: E702
    client.track_lock_release("m", "RWLock")
    assert client.track_async_spawn("task-1", "job", "a.py:3") == "task-1"
    generated = client.track_async_spawn("job")
    client.track_async_await("task-1", "a.py:4")
    client.track_async_await(generated)
    events = captured.now()
    released, acquired = events[1].kind.LockRelease, events[2].kind.LockAcquire
    assert released is not None
    assert acquired is not None
    assert (released.lock_type, released.location) == ("Lock", "a.py:2")
    assert (acquired.lock_type, acquired.location) == ("RWLock", here)
    spawned, awaited = events[4].kind.AsyncSpawn, events[6].kind.AsyncAwait
    assert spawned is not None
    assert awaited is not None
    assert spawned.task_id == awaited.future_id == uuid_of("task-1")
    assert "job" in spawned.spawned_by
    assert "task-1" in awaited.awaited_at
    assert events[5].kind.AsyncSpawn is not None
    assert events[5].kind.AsyncSpawn.task_id == generated


def test_parents_and_clocks_of_a_flow(client: RacewayClient, captured: Captured, trace: str) -> None:
    for value in range(3):
        client.track_state_change("a", None, value, "Write")
    headers = client.propagation_headers()
    client.track_error("E", "m")
    events = captured.now()
    assert [event.causality_vector[-1][1] for event in events] == [1, 2, 3, 5]
    assert [event.parent_id for event in events] == [None, *(event.id for event in events[:-1])]
    assert headers["traceparent"].split("-")[1] == trace.replace("-", "")
    assert events[0].metadata.instance_id == "i1"
    assert events[0].metadata.distributed_span_id
    assert events[3].kind.Error is not None
    assert events[3].kind.Error.stack_trace[0].startswith(HERE)


@pytest.mark.parametrize(
    ("call", "values"),
    [
        ("track_state_change", ("a", 1, 2, "Write")),
        ("track_function_call", ("f", {})),
        ("track_http_request", ("GET", "/")),
        ("track_http_response", (200,)),
        ("track_async_spawn", ("a",)),
        ("track_async_await", ("a",)),
        ("track_lock_acquire", ("a", "Lock")),
        ("track_lock_release", ("a", "Lock")),
        ("track_error", ("E", "m")),
        ("propagation_headers", ()),
    ],
)
def test_outside_of_a_trace(client: RacewayClient, call: str, values: tuple[Any, ...]) -> None:
    with pytest.raises(RacewayContextError) as caught:
        getattr(client, call)(*values)
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, RacewayError)
    text = str(caught.value)
    assert text.startswith(f"{call}() called outside of Raceway context")
    for part in ("@raceway_context", "middleware", "create_context()", "https://docs.raceway.dev/python/context"):
        assert part in text


class Hostile:
    """Raises at everything."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError


def cyclic() -> list[Any]:
    """A list that holds itself."""
    made: list[Any] = []
    made.append(made)
    return made


@pytest.mark.parametrize(
    "make",
    [
        lambda: math.nan, lambda: math.inf, lambda: b"x", lambda: "x" * 10**6, lambda: "\ud800", cyclic,
        Hostile, lambda: {1: Hostile()}, lambda: 10**400, lambda: {"a": {1}},
    ],
    ids="nan infinity bytes long surrogate cycle hostile hostile-inside large set".split(),
)  # fmt: skip
def test_hostile_values_cost_nothing_but_themselves(
    client: RacewayClient, captured: Captured, trace: str, make: Callable[[], Any]
) -> None:
    value = make()
    client.start_trace(value)
    client.track_http_request(value, value, value, value)
    client.track_state_change("a", value, value, "Write")
    client.track_function_call("f", {"a": value})
    client.track_http_request("GET", "/", {"a": value}, value)
    client.track_http_response(200, {}, value, -5)
    client.track_http_response(200, {}, None, math.nan)
    client.track_error("E", value, [value])
    client.track_lock_acquire(value, value)
    client.track_lock_release(value, value)
    client.track_async_await(value)
    client.track_state_change(value, value, value, value, value)
    client.track_state_change("last", 1, 2, "Write")
    assert len(captured.changes("last")) == 1
    counts = client.counts()
    assert (counts.put, counts.unfit, counts.dropped) == (12, 0, 0)


@pytest.mark.parametrize("seen", [False, True])
def test_every_event_with_something_replaced_is_counted_once(seen: bool) -> None:
    client = RacewayClient(Config(), plugins=[Captured()] if seen else [], sinks=[])
    client.start_trace()
    client.track_state_change("a", math.nan, math.inf, "Write")
    for _ in range(2):
        client.track_state_change(Hostile(), Hostile(), math.nan, Hostile(), "Write")  # type: ignore[arg-type]
    client.track_state_change("a", 1, 2, "a:1", "Wrote")
    client.track_function_call("\ud800", "m", {"a": 1}, "f", "no number")  # type: ignore[arg-type]
    client.track_http_request("GET", "/" * 5000, [1], None)
    client.track_http_response(Hostile(), Hostile(), None, -1)  # type: ignore[arg-type]
    client.track_http_response(200, {"a": Hostile()}, None, "long")  # type: ignore[arg-type]
    client.track_lock_acquire("l", "Mutex", b"x")  # type: ignore[arg-type]
    client.track_error("E", [Hostile()])
    assert client.flush(20)
    assert (client.counts().degraded, client.counts().put) == (10, 10)
    client.track_state_change("a", None, 0.5, "Write")
    client.track_http_response(200, {"a": 1}, None, 12.7)
    client.track_function_call("f", ["a", 1])
    client.track_async_await("no uuid")
    assert client.flush(20)
    assert client.counts().degraded == 10
    set_context(None)
    client.shutdown()


class Named(str):
    """No plain text."""


def largest(value: Any) -> int:
    """Bytes of the largest thing within what a mark holds."""
    if isinstance(value, dict):
        value = (*value, *value.values())
    return max(map(largest, value), default=0) if isinstance(value, (tuple, list)) else sys.getsizeof(value)


@pytest.mark.parametrize("large", ["\u20ac" * 10**6, Named("a" * 10**7), 10**10**6], ids=["text", "named", "number"])
def test_what_waits_is_no_larger_than_what_is_told(client: RacewayClient, trace: str, large: Any) -> None:
    marks: list[Any] = []
    client.put = marks.append  # type: ignore[assignment]
    client.track_state_change(large, large, large, large, large)
    client.track_state_change("a", [large], {"b": large, large: 1}, "Write")
    client.track_function_call(large, large, large, large, large)
    client.track_http_request(large, large, {large: large}, large)
    client.track_http_response(large, [(large, large)], large, large)
    client.track_async_spawn(large, large, large)
    client.track_async_await(large, large)
    client.track_lock_acquire(large, large, large)
    client.track_lock_release(large, large, large)
    client.track_error(large, large, [large])
    client.track_error(ValueError, ValueError(large), large)
    assert len(marks) == 11
    assert max(largest((mark.place or "", mark.values)) for mark in marks) < 10_000


def test_what_is_large_is_told_as_far_as_it_goes(client: RacewayClient, captured: Captured, trace: str) -> None:
    text, number = "a" * 4096, 2**64
    client.track_state_change(text, text, -(2**63), text, "Write")
    client.track_state_change(text + "b", text + "b", number, text + "b", "Write")
    plain, large = (event.kind.StateChange for event in captured)
    assert (plain.variable, plain.old_value, plain.new_value, plain.location) == (text, text, -(2**63), text)
    cut = f"{text}... (4097 characters)"
    assert (large.variable, large.old_value, large.location) == (cut, cut, cut)
    assert (large.new_value, client.counts().degraded) == ("<int of 65 bits>", 1)


def test_a_body_may_be_longer_than_other_texts() -> None:
    captured = Captured()
    client = RacewayClient(Config(redactor=Redactor(bodies=False)), plugins=[captured], sinks=[])
    client.start_trace()
    client.track_http_request("POST", "/", {}, "a" * 100_000)
    client.track_http_request("POST", "/", {}, "a" * 600_000)
    whole, cut = (event.kind.HttpRequest.body for event in captured)
    assert (whole, cut) == ("a" * 100_000, f"{'a' * 4096}... (600000 characters)")
    assert client.counts().degraded == 1
    set_context(None)
    client.shutdown()


def test_headers_are_read_as_far_as_they_are_told(client: RacewayClient, captured: Captured, trace: str) -> None:
    numbers = itertools.count()
    client.track_http_request("GET", "/", ((str(number), "v") for number in numbers))
    assert len(captured[0].kind.HttpRequest.headers) == 1000
    assert (next(numbers), client.counts().degraded) == (1001, 1)


class SpeakingError(Exception):
    """Says something with code of the program."""

    def __str__(self) -> str:
        raise AssertionError


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("broken"), "broken"),
        (AttributeError("no such thing", name="x", obj=1), "no such thing"),
        (KeyError("k"), "'k'"),
        (FileNotFoundError(2, "No such file", "a.txt"), "[Errno 2] No such file: 'a.txt'"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "'utf-8' codec can't decode byte 0xff in position 0: bad"),
        (ModuleNotFoundError("No module named 'm'", name="m"), "No module named 'm'"),
        (ExceptionGroup("two", [ValueError(1), SpeakingError()]), "two (2 sub-exceptions)"),
        (ValueError(), ""),
        (ValueError(SpeakingError()), "<ValueError>"),
        (SpeakingError("words"), "words"),
        (SpeakingError(), "<SpeakingError>"),
    ],
    ids=repr,
)
def test_what_an_exception_says(
    client: RacewayClient, captured: Captured, trace: str, error: Exception, message: str
) -> None:
    client.track_error(type(error), error)
    assert captured[0].kind.Error.message == message


def test_a_stack_is_told_line_by_line(client: RacewayClient, captured: Captured, trace: str) -> None:
    for stack in (["a:1", "b:2"], ("a:1", "b:2"), "a:1", ["a:1"] * 200, []):
        client.track_error("E", "m", stack)
    told = [event.kind.Error.stack_trace for event in captured]
    assert told == [("a:1", "b:2"), ("a:1", "b:2"), ("a:1",), ("a:1",) * 200, ()]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(), st.integers(), st.one_of(st.floats(), st.text(), st.none())), max_size=8))
def test_state_tracking_invariants(calls: list[tuple[str, int, Any]]) -> None:
    captured = Captured()
    client = RacewayClient(Config(redactor=None), plugins=[captured], sinks=[])
    client.start_trace()
    for variable, old, new in calls:
        client.track_state_change(variable, old, new, "Write")
    events = captured.now()
    assert [event.causality_vector[-1][1] for event in events] == list(range(1, len(calls) + 1))
    seen = {None}
    for event in events:
        assert event.parent_id in seen
        seen.add(event.id)
    set_context(None)
    client.shutdown()


def test_secrets_are_hidden_by_default(client: RacewayClient, captured: Captured, trace: str) -> None:
    client.track_http_request("GET", "/a?card=1&b=2#c", {"Authorization": "Bearer abc", "X": "y"}, {"name": "Alice"})
    client.track_function_call("f", {"password": "p", "deep": [{"api_key": "k"}], "n": 1})
    client.track_state_change("user.password", "old", "new", "Write")
    request, call, change = (event.kind.fields for event in captured)
    assert request.url == "/a?card=[REDACTED]&b=[REDACTED]#c"
    assert request.headers == {"Authorization": "[REDACTED]", "X": "y"}
    assert request.body == "[REDACTED]"
    assert call.args == {"password": "[REDACTED]", "deep": [{"api_key": "[REDACTED]"}], "n": 1}
    assert (change.old_value, change.new_value) == ("[REDACTED]", "[REDACTED]")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("/a?q=my secret words&b", "/a?q=[REDACTED]&b"),
        ("/a?q=one;two", "/a?q=[REDACTED]"),
        ("/a#access_token=t&n", "/a#access_token=[REDACTED]&n"),
        ("/a?x=1#/b?y=2", "/a?x=[REDACTED]#/b?y=[REDACTED]"),
        ("redis://:word@host/0", "redis://[REDACTED]@host/0"),
        ("/a", "/a"),
    ],
)
def test_addresses_without_their_secrets(url: str, told: str) -> None:
    assert Redactor().url(url) == told


def test_addresses_in_headers_are_told_without_their_secrets() -> None:
    given = {"Referer": "http://shop/reset?key=1", "Location": "/x?a=b#c", "Accept": "text/html;q=0.9", "Q": "what?a=b"}
    assert Redactor().headers(given) == {
        **given, "Referer": "http://shop/reset?key=[REDACTED]", "Location": "/x?a=[REDACTED]#c",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["db_password", "user.newPassword", "AWS_SECRET_ACCESS_KEY", "X-Auth-Token"])
def test_names_that_end_as_secrets_do_are_hidden(name: str) -> None:
    assert (Redactor().hides(name), Redactor(defaults=False).hides(name)) == (True, False)
    assert not any(map(Redactor().hides, ("passwords_seen", "page_token", "tokens", "secretary", "key")))


def test_patterns_and_fields_of_a_redactor() -> None:
    redactor = Redactor(patterns=[r"\d{16}", r"ssn:\d{9}"], fields=["iban"])
    assert redactor.value({"a": 1234567812345678, "b": "x ssn:123456789", "iban": 3, "c": 12}) == {
        "a": "[REDACTED]", "b": "x [REDACTED]", "iban": "[REDACTED]", "c": 12,
    }  # fmt: skip
    with pytest.raises(RacewayError, match="not a regular expression"):
        Redactor(patterns=["("])


class UnspeakableError(Exception):
    """Cannot be spelled."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), UnspeakableError()])
def test_a_plugin_that_raises_is_left_out(
    client: RacewayClient, captured: Captured, trace: str, error: BaseException
) -> None:
    class Failing(Plugin):
        calls = 0

        def on_event(self, event: object) -> None:
            self.calls += 1
            raise error

    class Holding(Plugin):
        def filter(self, event: Any) -> bool:
            return event.kind.Error is None

    failing, seen = Failing(), Captured()
    for plugin in (failing, Holding(), seen):
        client.add_plugin(plugin)
    client.track_state_change("a", 1, 2, "Write")
    client.track_error("E", "m")
    client.track_state_change("b", 1, 2, "Write")
    assert [event.kind.name for event in captured] == ["StateChange", "Error", "StateChange"]
    assert seen.kinds() == ["StateChange", "StateChange"]
    assert failing.calls == 1
    assert client.counts().filtered == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "localhost"}, {"batch_size": 0}, {"batch_size": math.inf}, {"buffer_size": 1e300},
        {"flush_interval": "x"}, {"flush_interval": math.inf}, {"flush_interval": math.nan}, {"api_key": 5},
        {"spool": 5}, {"redactor": "x"}, {"propagate": 5}, {"routes": 5}, {"switch_signal": 10}, {"enabled": "no"},
        {"debug": 1},
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_cannot_be_meant(wrong: dict[str, Any]) -> None:
    with pytest.raises(RacewayError):
        Config(**wrong)
