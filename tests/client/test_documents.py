"""The examples of the documents run as they are written, given the objects that they name."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import subprocess
import sys
import textwrap
import threading
import types
from pathlib import Path
from typing import Any

import pytest

import raceway
from raceway import Config, RacewayClient
from tests.client.collecting import Captured, Collector
from tests.conftest import ROOT, clean_environ

EXAMPLES = Path(__file__).parent / "examples"

_BLOCK = re.compile(r"^( *)```python\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_EMPTY = re.compile(r"^( *)# critical section\n", re.MULTILINE)


def blocks(document: Path) -> list[str]:
    """The Python blocks of a document. A body that is a comment alone gets the statement that Python wants there."""
    found = [textwrap.dedent(body) for _, body in _BLOCK.findall(document.read_text(encoding="utf-8"))]
    return [_EMPTY.sub(r"\1# critical section\n\1pass\n", body) for body in found]


class Account:
    """What examples call an account or a user."""

    balance = 1000
    name = "Alice"


def space(client: RacewayClient) -> dict[str, Any]:
    """The objects that examples name, by their names."""

    async def do_work() -> None:
        await asyncio.sleep(0)

    class Session:
        @staticmethod
        def post(_url: str, headers: dict[str, str], json: object) -> dict[str, str]:  # noqa: ARG004
            assert {"traceparent", "raceway-clock"} <= headers.keys()
            return headers

    return {
        "__name__": "example", "raceway": raceway, "client": client, "config": Config(endpoint=client.config.endpoint),
        "accounts": {"alice": {"balance": 10}}, "user": "alice", "amount": 1, "new_balance": 9,
        "account": Account(), "lock": threading.Lock(), "my_lock": threading.Lock(), "lock1": threading.Lock(),
        "lock2": threading.Lock(), "requests": Session, "do_work": do_work, "pytest": pytest, "process_item": do_work,
    }  # fmt: skip


def run(source: str, names: dict[str, Any], file: str) -> None:
    """Run a block, `await` at its top included."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(source, file, "exec", flags=flags, dont_inherit=True)
    function = types.FunctionType(code, names)
    result = function()
    if inspect.iscoroutine(result):
        asyncio.run(result)


def examples() -> list[Any]:
    """All blocks of the users' documents but those that watch the process they run in, and of our own page."""
    found = []
    for document in [*sorted(EXAMPLES.glob("*.md")), ROOT / "docs" / "sdk.md"]:
        for number, source in enumerate(blocks(document), 1):
            if "install()" not in source and "enable_auto_instrumentation()" not in source:
                found.append(pytest.param(source, id=f"{document.stem}-{number}"))
    return found


KINDS = {
    "track_state_change": "StateChange", "track_function_call": "FunctionCall", "track_http_request": "HttpRequest",
    "track_http_response": "HttpResponse", "track_async_spawn": "AsyncSpawn", "track_async_await": "AsyncAwait",
    "track_lock_acquire": "LockAcquire", "track_lock_release": "LockRelease", "track_error": "Error",
}  # fmt: skip


def told_by(source: str) -> list[str]:
    """The kinds that the block itself tells of, not in functions that somebody would have to call, in order."""
    waiting: list[ast.AST] = [ast.parse(source)] if "await " not in source else []
    found = []
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in KINDS:
            found.append(KINDS[node.func.attr])
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            waiting[:0] = ast.iter_child_nodes(node)
    return found


@pytest.mark.parametrize("source", examples())
def test_an_example_runs_and_what_it_tells_arrives(source: str, collector: Collector, tmp_path: Path) -> None:
    source = source.replace("http://localhost:8080", collector.endpoint)
    source = source.replace("http://ledger.internal", collector.endpoint)
    captured = Captured()
    client = RacewayClient(Config(endpoint=collector.endpoint), plugins=[captured])
    if "raceway_context" not in source:
        client.start_trace()
    file = tmp_path / "example.py"
    file.write_text(source, encoding="utf-8")
    names = space(client)
    if "pytest.mark.unit" in source:  # a marker of the users' own configuration
        names["pytest"] = types.SimpleNamespace(mark=types.SimpleNamespace(unit=lambda cls: cls))
    try:
        run(source, names, str(file))
    finally:
        raceway.set_context(None)
        for one in (names.get("client"), names.get("raceway")):
            if isinstance(one, RacewayClient):
                one.shutdown()
        client.shutdown()
    if "sinks=" in source:  # it looks for itself at what it told
        return
    arrived = [kind for event in collector.events for kind in event["kind"]]
    assert [kind for kind in arrived if kind in KINDS.values()][: len(told_by(source))] == told_by(source)
    assert ("client.request(" in source) == ("/debit" in [path for path, _, _ in collector.requests])


AUTOMATIC = [source for path in sorted(EXAMPLES.glob("*.md")) for source in blocks(path) if "install()" in source]


@pytest.mark.parametrize("source", AUTOMATIC, ids=range(len(AUTOMATIC)))
def test_an_example_that_watches_its_process_runs(source: str, tmp_path: Path) -> None:
    (tmp_path / "myapp").mkdir()
    (tmp_path / "myapp" / "models.py").write_text("")
    start = "class User: balance = 1\nuser = User()\n"
    (tmp_path / "program.py").write_text(start + source)
    finished = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=clean_environ(), capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    assert "raceway" in finished.stderr


OPTIONS = next(s for s in blocks(EXAMPLES / "instrumentation-next-steps.md") if "Option A" in s)


def test_the_three_options_run_together(tmp_path: Path) -> None:
    start = "import raceway\nclass Account: balance = 1\naccount, amount = Account(), 1\n"
    (tmp_path / "program.py").write_text(start + OPTIONS + "\ntransfer(account, 2)\nassert account.balance == -2\n")
    subprocess.run([sys.executable, "program.py"], cwd=tmp_path, env=clean_environ(), timeout=60, check=True)


def example(name: str, number: int) -> str:
    return blocks(EXAMPLES / f"{name}.md")[number - 1]


def test_decorated_attributes_are_told(client: RacewayClient, captured: Captured, trace: str, tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    names = space(client)
    for number, call in ((5, "process_payment(account, 3)"), (14, "process()")):
        source = textwrap.dedent(example("instrumentation-next-steps", number)) + call
        file.write_text(source)
        run(source, names, str(file))
    told = [event.kind.StateChange for event in captured.changes("user.balance")]
    assert [(one.access_type, one.old_value, one.new_value) for one in told if one] == [
        ("Read", None, 1000), ("Read", None, 1000), ("Write", None, 997),
    ]  # fmt: skip
    assert {one.location for one in told if one} == {f"{file}:4", f"{file}:5"}


def test_the_lock_report_of_the_example(client: RacewayClient, trace: str, capsys: Any) -> None:
    names = space(client)
    run(example("contributing-python-sdk", 6), names, "example.py")
    assert re.fullmatch(r"Lock resource_[ab] had [\d.e-]+ms average wait\n", capsys.readouterr().out)


def test_the_flask_example_tells_a_transfer(collector: Collector) -> None:
    source = example("sdk-python", 16).replace("http://localhost:8080", collector.endpoint)
    accounts = {"a": {"balance": 10}, "b": {"balance": 0}}
    names: dict[str, Any] = {"__name__": "example", "accounts": accounts}
    run(source, names, "example.py")
    answer = names["app"].test_client().post("/transfer", json={"from": "a", "to": "b", "amount": 3})
    assert answer.get_json() == {"success": True}
    names["raceway"].shutdown()
    kinds = [next(iter(event["kind"])) for event in collector.wait_for(5)]
    assert kinds == ["HttpRequest", "FunctionCall", "StateChange", "StateChange", "HttpResponse"]
    changes = [event["kind"]["StateChange"] for event in collector.events if "StateChange" in event["kind"]]
    assert [(one["variable"], one["access_type"], one["new_value"]) for one in changes] == [
        ("a.balance", "Read", 10), ("a.balance", "Write", 7),
    ]  # fmt: skip
