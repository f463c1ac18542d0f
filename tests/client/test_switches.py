"""Production switches: which traces are told of, what that may cost, off and on; the program never notices."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from werkzeug.test import Client as Caller

import raceway
from raceway import Config, RacewayClient, raceway_context, track_function
from raceway.client import budget
from raceway.client.budget import LEAST, LOOK, Budget, cost_of_a_mark
from raceway.client.context import enter
from raceway.client.sampling import Sampling
from raceway.errors import ConfigError, RacewayContextError
from raceway.middleware.flask import flask_middleware
from raceway.pipeline import Batch, SinkCounts, new_uuid


class Kept:
    """A sink that keeps events."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def take(self, batch: Batch) -> None:
        self.events += batch.events

    def work(self) -> float | None:
        return None

    def flush(self, until: float) -> bool:
        return True

    def close(self, until: float) -> bool:
        return True

    def attend(self, meanwhile: Callable[[], object]) -> None:
        pass

    def interrupt(self) -> None:
        pass

    def after_fork(self) -> None:
        pass

    def counts(self) -> SinkCounts:
        return SinkCounts(sent=len(self.events))


class Clients:
    """Makes clients, and says which events one has sent."""

    def __init__(self) -> None:
        self._made: list[tuple[RacewayClient, Kept]] = []

    def __call__(self, **settings: Any) -> RacewayClient:
        kept = Kept()
        self._made.append((RacewayClient(Config(**settings), sinks=[kept]), kept))
        return self._made[-1][0]

    def events(self, client: RacewayClient) -> Sequence[Any]:
        assert client.flush(20)
        return next(kept.events for one, kept in self._made if one is client)

    def variables(self, client: RacewayClient) -> list[str]:
        return [event.kind.StateChange.variable for event in self.events(client) if event.kind.StateChange]

    def close(self) -> None:
        enter(None)
        for client, _ in self._made:
            client.shutdown()


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


def test_a_share_of_the_traces_is_told_whole_and_by_all_services_alike(clients: Clients) -> None:
    shop, stock = clients(sample_rate=0.25, service_name="shop"), clients(sample_rate=0.25, service_name="stock")
    traces = []
    for _ in range(400):
        traces.append(shop.start_trace())
        shop.track_state_change("order", None, 1, "Write")
        headers = shop.propagation_headers()
        shop.track_state_change("order", 1, 2, "Write")
        stock.start_trace(headers)
        stock.track_state_change("level", 1, 0, "Write")
    told = [event.trace_id for event in clients.events(shop)]
    kept = set(told)
    assert 50 < len(kept) < 150
    assert all(told.count(trace) == 2 for trace in kept)
    assert {event.trace_id for event in clients.events(stock)} == kept, "whoever calls has decided"
    other = Sampling(0.25)
    assert {trace for trace in traces if other.weigh(trace) < 1} == kept, "the same in every process"
    assert (shop.sampling.kept, shop.sampling.left_out) == (len(kept), 400 - len(kept))


def test_so_many_traces_begin_in_a_second(clients: Clients) -> None:
    client = clients(traces_per_second=0.001)
    for number in range(5):
        client.start_trace()
        client.track_state_change(f"v{number}", None, 1, "Write")
    assert clients.variables(client) == ["v0"]


def test_routes_have_rates_of_their_own(clients: Clients) -> None:
    flask = pytest.importorskip("flask")
    client = clients(routes={"/health": 0, "POST /pay/*": 1, "/pay/*": 0})
    app, middleware = flask.Flask(__name__), flask_middleware(client)
    app.before_request(middleware.before_request)
    app.after_request(middleware.after_request)

    def handle(path: str) -> str:
        client.track_state_change(path, None, 1, "Write")
        return "done"

    app.add_url_rule("/<path:path>", view_func=handle, methods=["GET", "POST"])
    caller = Caller(app)
    for method, path in [("GET", "/health?x=1"), ("GET", "/pay/1"), ("POST", "/pay/2"), ("GET", "/other")]:
        assert caller.open(path, method=method).text == "done"
    assert clients.variables(client) == ["pay/2", "other"]
    told = [event.kind.HttpRequest.url for event in clients.events(client) if event.kind.HttpRequest]
    assert told == ["/pay/2", "/other"]


def test_what_a_caller_has_decided_holds_but_for_routes_that_are_never_told() -> None:
    sampling, trace = Sampling(0.0), new_uuid()
    assert sampling.weigh(trace, decided=True) >= 1, "rate 0 is never"
    sampling = Sampling(1e-9, routes={"/health": 0})
    assert sampling.weigh(trace) >= 1
    assert sampling.weigh(trace, decided=True) < 1
    assert sampling.weigh(trace, True, ("GET", "/health")) >= 1
    assert Sampling(1.0).weigh(trace, decided=False) >= 1


def test_a_client_that_is_off_does_nothing_and_raises_nothing(clients: Clients) -> None:
    client = clients()

    @track_function(client)
    def work(number: int) -> int:
        client.track_state_change("within", None, number, "Write")
        return number

    with pytest.raises(RacewayContextError):
        client.track_state_change("nowhere", None, 1, "Write")
    client.disable()
    client.track_state_change("nowhere", None, 1, "Write")
    client.track_lock_acquire("nowhere", "Mutex")
    assert client.propagation_headers({"a": "b"}) == {"a": "b"}
    with raceway_context():
        assert work(1) == 1
        client.enable()
        assert work(2) == 2, "a trace that began meanwhile goes on"
        raceway.disable()
        assert work(3) == 3
        raceway.enable()
    assert [event.kind.StateChange.new_value for event in clients.events(client) if event.kind.StateChange] == [2]


@pytest.mark.parametrize(("settings", "value"), [({}, "0"), ({"enabled": False}, "1"), ({"enabled": True}, "off")])
def test_it_may_begin_off(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, settings: dict[str, bool], value: str
) -> None:
    monkeypatch.setenv("RACEWAY_ENABLED", value)
    client = clients(**settings)
    client.start_trace()
    client.track_state_change("v", None, 1, "Write")
    assert client.counts().put == 0
    client.enable()
    client.track_state_change("w", None, 1, "Write")
    assert clients.variables(client) == ["w"]


def test_a_signal_switches_and_does_what_it_did_before(clients: Clients) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR2, lambda number, _frame: seen.append(number))
    try:
        client = clients(switch_signal="SIGUSR2")
        client.start_trace()
        for variable in ("on", "off", "again"):
            client.track_state_change(variable, None, 1, "Write")
            signal.raise_signal(signal.SIGUSR2)  # one sent to the process may come later, by another thread
        assert clients.variables(client) == ["on", "again"]
        assert seen == [signal.SIGUSR2] * 3
        handler = signal.getsignal(signal.SIGUSR2)
        client.shutdown()
        assert signal.getsignal(signal.SIGUSR2) is not handler
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_the_budget_turns_down_what_costs_too_much_and_up_again() -> None:
    sampling, now, used, marks = Sampling(), 0.0, 0.0, 0
    look = Budget(0.01, 2e-6, lambda: marks, sampling, lambda: now, lambda: used)
    levels = []
    for made, worked in [(0, 0.0), (1000, 0.0), (10_000, 0.0), (100, 0.2), (1000, 0.002), (100, 0.0), (0, 0.0)]:
        now, marks, used = now + LOOK, marks + made, used + worked
        look()
        levels.append(sampling.share)
        assert look() == (), "once in a while"
    assert levels == [1, 1, 0.5, 0.25, 0.25, 0.5, 1]
    sampling.switch(on=False)
    for _ in range(40):
        now, used = now + LOOK, used + LOOK
        look()
    assert (sampling.share, sampling.level) == (0, LEAST)
    sampling.switch(on=True)
    assert sampling.share == LEAST


def test_the_budget_of_a_client_cuts_traces_that_cost_too_much(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "LOOK", 0.001)
    client = clients(overhead_budget=1e-9, flush_interval=0.01)
    client.start_trace()
    told = 0
    while client.sampling.level > LEAST:  # the worker looks in its own time
        client.track_state_change("v", None, told, "Write")
        told += 1
    client.track_state_change("last", None, told, "Write")
    assert len(clients.variables(client)) < told
    assert 1e-7 < cost_of_a_mark() < 1e-3


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"sample_rate": 1.5}, "sample_rate"),
        ({"sample_rate": "all"}, "sample_rate"),
        ({"traces_per_second": 0}, "traces_per_second"),
        ({"routes": {"/health": -1}}, "routes"),
        ({"overhead_budget": 0}, "overhead_budget"),
        ({"switch_signal": "SIGNAL"}, "switch_signal"),
        ({"switch_signal": "SIGKILL"}, "switch_signal"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        RacewayClient(Config(**settings), sinks=[Kept()])
