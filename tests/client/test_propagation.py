"""Trace headers, out and in: what is sent is read back, and nothing that comes in can do harm."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from raceway import RacewayClient, get_context
from raceway.client.actors import NOTHING
from raceway.client.propagation import HEADERS, incoming
from tests.client.collecting import Captured, Collector, before

TRACE = "0c9d2f3e-54a8-4b7c-8a3f-2f1f6f7f9b01"
PARENT = f"00-{TRACE.replace('-', '')}-a1b2c3d4e5f60718-01"


def packed(document: Any) -> str:
    """A clock header."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return "v1;" + base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_a_trace_goes_on_in_another_service(client: RacewayClient, captured: Captured, trace: str) -> None:
    client.track_state_change("a", None, 1, "Write")
    headers = client.propagation_headers({"x-service-name": "payments", "TraceState": "mine"})
    assert headers["x-service-name"] == "payments"
    assert headers["TraceState"] == "mine"
    mine = get_context()
    client.start_trace({name.upper().encode(): value.encode() for name, value in headers.items()})
    theirs = get_context()
    assert mine is not None
    assert theirs is not None
    assert theirs.trace_id == trace
    assert theirs.span_id == headers["traceparent"].split("-")[2]
    assert theirs.upstream_span_id == mine.span_id
    client.track_state_change("b", None, 1, "Write")
    first, second = captured
    assert before(first, second)
    assert client.propagation_headers()["tracestate"] == "mine"


@pytest.mark.parametrize(
    "header",
    [
        "", "v1;", "v2;e30", "v1;!!!", "v1;" + "A" * 100_000, packed(b"\xff\xfe"), packed([1]), packed(b"null"),
        packed(3),
        packed(b"[" * 50_000), packed(b'{"a":' * 9_000), "v1;\ud800", "v1;é",
    ],
    ids=range(13),
)  # fmt: skip
def test_a_malformed_clock_is_ignored(header: str) -> None:
    assert incoming({"raceway-clock": header}) == NOTHING
    assert incoming({"raceway-clock": header, "traceparent": PARENT}).trace_id == TRACE


@pytest.mark.parametrize(
    "header",
    ["", "00", "00-x-y-01", PARENT + "-00", PARENT.replace("a1b2", "g1b2"), "é" * 40, "x" * 10**5],
    ids=range(7),
)
def test_a_malformed_traceparent_is_ignored(header: str) -> None:
    assert incoming({"traceparent": header}) == NOTHING


def test_only_what_fits_is_taken_of_a_clock() -> None:
    wrong = [["b", True], ["c", -1], ["d", 2**63], ["e", 1.5], ["f"], "g", [1, 2], ["", 1], ["\ud800", 1]]
    clock = [["a", 3], *wrong, ["h", 0]]
    found = incoming({"raceway-clock": packed({"trace_id": "no uuid", "span_id": 3, "clock": clock})})
    assert found.distributed
    assert (found.trace_id, found.span_id, found.clock) == ("", "", (("a", 3), ("h", 0)))
    assert incoming({"raceway-clock": packed({"clock": None, "trace_id": TRACE.upper()})}).trace_id == TRACE


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(HEADERS), st.one_of(st.text(), st.binary())))
@example({"raceway-clock": packed({"clock": [["a", float("inf")]]})})
def test_no_header_raises(headers: dict[str, Any]) -> None:
    found = incoming(headers)
    assert found.trace_id == "" or len(found.trace_id) == 36


@pytest.mark.parametrize("headers", [None, 3, [1], [(1, 2, 3)], "text", object()])
def test_no_kind_of_headers_raises(headers: Any) -> None:
    assert incoming(headers) == NOTHING


def test_request_takes_what_users_of_requests_pass(client: RacewayClient, collector: Collector) -> None:
    url = f"{collector.endpoint}/debit"
    assert client.request("POST", url, json={"amount": 1}, params={"a": 1}, timeout=(5, 5)).status_code == 200
    trace = client.start_trace()
    client.request("POST", url, data={"a": "b"}, headers={"X-Own": "1"}, allow_redirects=False, timeout=5)
    client.request("POST", url, data=b"raw", headers={"traceparent": "mine"})
    plain, form, raw = collector.requests
    assert (plain[0], json.loads(plain[2])) == ("/debit?a=1", {"amount": 1})
    assert "traceparent" not in plain[1]
    assert form[2] == b"a=b"
    assert form[1]["traceparent"].split("-")[1] == trace.replace("-", "")
    assert form[1]["X-Own"] == "1"
    assert (raw[1]["traceparent"], raw[2]) == ("mine", b"raw")
    assert not any(name.lower() in ("authorization", "x-raceway-key") for one in collector.requests for name in one[1])


@pytest.mark.parametrize("traced", [False, True])
def test_request_reads_its_options_as_requests_does(client: RacewayClient, collector: Collector, traced: bool) -> None:
    if traced:
        client.start_trace()
    url = f"{collector.endpoint}/debit"
    client.request("POST", f"{url}?x=1#part", params={"a": [1, 2], "none": None})
    headers = {"X-None": None, "X-Own": "1"}
    client.request("POST", f"{url}?x=1", params={}, headers=headers, cookies={"a": "b", "c": "d"})
    client.request("POST", url, params=b"a=1&b=2", data={"a": 1, "none": None})
    client.request("POST", url, params=[("a", 1), ("a", 2), ("none", None)], data=[("a", 1), ("none", None)])
    assert [path for path, _, _ in collector.requests] == [
        "/debit?x=1&a=1&a=2", "/debit?x=1", "/debit?a=1&b=2", "/debit?a=1&a=2",
    ]  # fmt: skip
    _, sent, _ = collector.requests[1]
    assert ("X-None" in sent, sent["X-Own"], sent["Cookie"]) == (False, "1", "a=b; c=d")
    assert [body for _, _, body in collector.requests[2:]] == [b"a=1", b"a=1"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [([("x-a", "b")], {"x-a": "b"}), ({b"x-a": b"b"}, {"x-a": b"b"}), (5, {}), ([1], {}), ({None: "x"}, {})],
    ids=repr,
)
def test_headers_of_the_caller_may_be_anything(
    client: RacewayClient, trace: str, given: Any, kept: dict[str, Any]
) -> None:
    headers = client.propagation_headers(given)
    assert {name: value for name, value in headers.items() if name not in HEADERS} == kept
    assert {"traceparent", "raceway-clock"} <= headers.keys()
