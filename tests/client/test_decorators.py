"""Decorators keep what they decorate, tell of it, and never raise; tracked locks and their report."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import traceback
from typing import Any

import pytest

import raceway
from raceway import LockAnalyzer, RacewayClient, tracked_lock
from raceway.errors import RecompileWarning
from tests.client.collecting import Captured


def calls(captured: Captured) -> list[tuple[str, Any]]:
    return [(one.function_name, one.args) for event in captured if (one := event.kind.FunctionCall) is not None]


def test_every_sort_of_function(client: RacewayClient, captured: Captured, trace: str) -> None:
    @raceway.track_function
    def plain(a: int, b: int = 2) -> int:
        """Adds."""
        return a + b

    @raceway.track_function()
    async def coroutine(a: int) -> int:
        return a

    @raceway.track_function(client)
    def generator(n: int) -> Any:
        got = yield n
        return got

    @raceway.track_method
    async def stream() -> Any:
        try:
            yield 1
        except ValueError:
            yield 2

    async def use() -> list[int]:
        items = stream()
        return [await coroutine(3), await anext(items), await items.athrow(ValueError())]

    assert plain(1) == 3
    assert (plain.__name__, plain.__doc__) == ("plain", "Adds.")
    assert str(inspect.signature(plain)) == "(a: 'int', b: 'int' = 2) -> 'int'"
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(stream)
    running = generator(5)
    assert next(running) == 5
    with pytest.raises(StopIteration) as stopped:
        running.send("x")
    assert stopped.value.value == "x"
    assert asyncio.run(use()) == [3, 1, 2]
    told = calls(captured)
    names = [name.rpartition(".")[2] for name, _ in told]
    assert names[:6] == ["plain", "plain:return", "generator", "generator:return", "coroutine", "coroutine:return"]
    assert told[0][1] == {"a": 1}
    assert told[1][1]["status"] == "success"
    first = captured[0].kind.FunctionCall
    assert (first.file, first.line) == (__file__, inspect.unwrap(plain).__code__.co_firstlineno + 1)


def test_classes_and_exceptions(client: RacewayClient, captured: Captured, trace: str) -> None:
    @raceway.track_function
    class Shop:
        def __init__(self, stock: int) -> None:
            self.stock = stock

        def sell(self, count: int) -> None:
            raise KeyError(count)

        @raceway.track_method  # told once all the same
        @staticmethod
        def closed() -> bool:
            return True

        @staticmethod
        @raceway.track_method
        def shut() -> bool:
            return True

    shop = Shop(3)
    assert isinstance(shop, Shop)
    assert Shop.closed()
    assert Shop.shut()
    with pytest.raises(KeyError) as caught:
        shop.sell(1)
    files = [frame.filename for frame in traceback.extract_tb(caught.tb)]
    assert files == [__file__, __file__]
    names = [name.rpartition("Shop.")[2] for name, _ in calls(captured)]
    ends = {"sell": "error"}
    assert names == [
        part for name in ("__init__", "closed", "shut", "sell") for part in (name, f"{name}:{ends.get(name, 'return')}")
    ]
    assert calls(captured)[-1][1]["error"] == "KeyError"


def test_async_functions_that_are_started(client: RacewayClient, captured: Captured, trace: str) -> None:
    @raceway.async_tracked(client)
    async def job() -> int:
        return 1

    @raceway.track_async
    async def other() -> int:
        return await job()

    assert asyncio.run(other()) == 1
    assert captured.kinds() == ["AsyncSpawn", "AsyncSpawn", "AsyncAwait", "AsyncAwait"]


def test_nothing_is_told_outside_of_a_trace(client: RacewayClient, captured: Captured) -> None:
    @raceway.track_function
    def plain() -> int:
        return 1

    assert plain() == 1
    with tracked_lock(threading.Lock(), "l"):
        pass
    assert captured.now() == []


def test_setattr_tells_old_and_new(client: RacewayClient, captured: Captured, trace: str) -> None:
    class Account:
        balance: int
        other: int

        @raceway.track_state(variable="balance")
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)

    account = Account()
    account.balance = 1
    account.other = 2
    account.balance = 3; line = sys._getframe().f_lineno  # noqa: E702
    told = [event.kind.StateChange for event in captured]
    assert [(one.variable, one.old_value, one.new_value) for one in told] == [("balance", None, 1), ("balance", 1, 3)]
    assert told[1].location == f"{__file__}:{line}"


class Account:
    """With a property that raises."""

    def __init__(self) -> None:
        self.balance = 10

    @property
    def broken(self) -> int:
        raise LookupError("property")


@raceway.track_attrs("account.balance", "account.broken")
def withdraw(account: Account, amount: int) -> int:
    account.balance -= amount
    return account.broken


def test_a_recompiled_function_fails_as_before(client: RacewayClient, captured: Captured, trace: str) -> None:
    account = Account()
    with pytest.raises(LookupError) as caught:
        withdraw(account, 3)
    assert [frame.filename for frame in traceback.extract_tb(caught.tb)] == [__file__] * 3
    assert account.balance == 7
    assert [event.kind.StateChange.new_value for event in captured] == [10, 7]


def test_a_block_tells_from_the_next_call_on(
    client: RacewayClient, captured: Captured, trace: str, capsys: Any
) -> None:
    def block(account: Account) -> None:
        with raceway.track_variables(["account.balance"]):
            account.balance += 1
        account.balance += 1

    account = Account()
    for _ in range(3):
        block(account)
    assert account.balance == 16
    assert [event.kind.StateChange.new_value for event in captured] == [12, 13, 14, 15]
    assert capsys.readouterr().err.count("from its next call on") == 1


def test_a_function_without_source_runs_untold(client: RacewayClient, trace: str) -> None:
    space: dict[str, Any] = {"raceway": raceway}
    with pytest.warns(RecompileWarning, match="not tracked"):
        exec("@raceway.track_attrs('a.b')\ndef f(a):\n    return a.b", space)
    assert space["f"](type("A", (), {"b": 3})) == 3


def test_tracked_locks_and_their_report(client: RacewayClient, captured: Captured, trace: str) -> None:
    analyzer = LockAnalyzer(client)
    first, second = threading.Lock(), threading.Lock()
    waiting = threading.Event()

    def crossed() -> None:
        with tracked_lock(client, second, "b"), tracked_lock(client, first, "a"):
            pass

    class Slow:
        """Tells when somebody has to wait for it."""

        def acquire(self, blocking: bool = True) -> bool:
            if blocking:
                waiting.set()
            return first.acquire(blocking)

        def release(self) -> None:
            first.release()

    def contender() -> None:
        with tracked_lock(Slow(), "a"):
            pass

    thread = threading.Thread(target=contender)
    with tracked_lock(first, "a"), tracked_lock(second, "b"):
        thread.start()
        waiting.wait()
    thread.join()
    thread = threading.Thread(target=crossed)
    thread.start()
    thread.join()
    report = analyzer.get_contention_report()
    analyzer.close()
    assert report.most_contended == "a"
    assert report.wait_time_ms > 0
    assert [(one.name, one.acquisitions, one.contended) for one in report.locks] == [("a", 3, 1), ("b", 2, 0)]
    assert [one.locks for one in report.deadlocks] == [("a", "b")]
    assert captured.kinds().count("LockAcquire") == captured.kinds().count("LockRelease") == 5


def test_locks_by_name_and_of_asyncio(client: RacewayClient, captured: Captured, trace: str) -> None:
    async def main() -> None:
        async with tracked_lock(asyncio.Lock(), "async"):
            pass

    with tracked_lock("named"), tracked_lock("named"):
        pass
    asyncio.run(main())
    assert [event.kind.fields.lock_id for event in captured] == ["named"] * 4 + ["async"] * 2
    with pytest.raises(TypeError, match="tracked_lock takes"):
        tracked_lock(client)
