"""What taps record: each small program runs instrumented on the pure core, and its accesses are read back."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from raceway.detector.detector import Detector
from raceway.model.records import Access, Record
from raceway.runtime.pure import PureCore
from raceway.transform import instrument

Row = tuple[str, str]
"""Operation and variable."""


class Recorded:
    """Runs source on a core of its own and lists the accesses that reached the detector."""

    def __init__(self) -> None:
        self.core = PureCore()
        self.records: list[Record] = []
        detector: Detector = self.core.log.detector
        detector._elide = False
        feed = detector.feed

        def keep(record: Record) -> None:
            self.records.append(record)
            feed(record)

        self.core.log.stream.feed = keep

    def run(self, source: str, **names: object) -> list[Row]:
        """Run the source as a module and give the accesses it made, items and structures by their variable."""
        done = instrument(source.encode(), "sample.py", "sample")
        code = self.core.bind(*done.parted(), "sample.py")
        module = ModuleType("sample")
        module.__dict__.update(names)
        del self.records[:]
        exec(code, module.__dict__)
        assert self.core.counters().dropped == 0
        return [
            (record.operation.value, record.variable)
            for record in self.records
            if isinstance(record, Access) and record.location.key != "every item"
        ]


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """A fresh core."""
    recorded = Recorded()
    recorded.core.start()
    yield recorded
    recorded.core.stop()


SHOP = """
class Shop:
    limit = 5
    def __init__(self): self.stock = {"a": 1}; self.orders = []
    @property
    def size(self): return 1
shop = Shop()
"""


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("shop.name = 1", [("write", "Shop.name")]),
        ("shop.stock", [("read", "Shop.stock")]),
        ("shop.count = 0; shop.count += 1", [("write", "Shop.count"), ("read-modify-write", "Shop.count")]),
        ("shop.limit", [("read", "Shop.limit")]),
        ("shop.size", []),
        ("shop.x = 1; del shop.x", [("write", "Shop.x"), ("delete", "Shop.x")]),
        ("getattr(shop, 'orders')", [("read", "Shop.orders")]),
        ("setattr(shop, 'orders', 2)", [("write", "Shop.orders")]),
        ("shop.stock['a']", [("read", "Shop.stock"), ("read", "Shop.stock[...]")]),
        ("shop.stock['a'] = 2", [("read", "Shop.stock"), ("write", "Shop.stock[...]")]),
        (
            "shop.stock['new'] = 2",
            [("read", "Shop.stock"), ("write", "Shop.stock[...]"), ("structural-change", "Shop.stock")],
        ),
        ("shop.stock['a'] += 2", [("read", "Shop.stock"), ("read-modify-write", "Shop.stock[...]")]),
        ("k = 'a'; shop.stock[k] += 2", [("read", "Shop.stock"), ("read-modify-write", "Shop.stock[...]")]),
        ("'a' in shop.stock", [("read", "Shop.stock"), ("read", "Shop.stock[...]")]),
        ("shop.stock.get('a')", [("read", "Shop.stock"), ("read", "Shop.stock[...]")]),
        ("for key in shop.stock: pass", [("read", "Shop.stock"), ("iterate", "Shop.stock")]),
        ("for pair in shop.stock.items(): pass", [("read", "Shop.stock"), ("iterate", "Shop.stock")]),
        ("len(shop.orders)", [("read", "Shop.orders"), ("read", "Shop.orders")]),
        ("shop.orders.append(1)", [("read", "Shop.orders"), ("structural-change", "Shop.orders")]),
        ("shop.orders[:]", [("read", "Shop.orders"), ("read", "Shop.orders")]),
        ("sorted(shop.orders)", [("read", "Shop.orders"), ("read", "Shop.orders")]),
        ("sum(shop.orders, 0)", [("read", "Shop.orders"), ("iterate", "Shop.orders")]),
        ("[*shop.orders]", [("read", "Shop.orders"), ("read", "Shop.orders")]),
        ("{0, *shop.orders}", [("read", "Shop.orders"), ("iterate", "Shop.orders")]),
        ("a, *b = [1, 2]", []),
        ("shop.stock.update(b=1)", [("read", "Shop.stock"), ("structural-change", "Shop.stock")]),
        ("shop.stock.setdefault('z', len('x'))", [("read", "Shop.stock"), ("write", "Shop.stock[...]")]),
    ],
)
def test_statement(recorded: Recorded, statement: str, expected: list[Row]) -> None:
    recorded.run(SHOP)
    body = "\n".join(f"    {part}" for part in statement.split("; "))
    rows = recorded.run(f"{SHOP}\ndef act(shop):\n{body}\nmark = 1\nact(shop)")
    acted = [row for row in rows if row[1] not in {"sample.shop", "sample.mark"}][2:]
    structure_of_new_key = ("structural-change", "Shop.stock")
    if statement.startswith("shop.stock.setdefault"):
        acted = [row for row in acted if row != structure_of_new_key]
    assert acted == expected


def test_a_global_is_named_after_its_module(recorded: Recorded) -> None:
    rows = recorded.run("total = 0\ndef add():\n    global total\n    total += 1\nadd()")
    assert rows == [("write", "sample.total"), ("read-modify-write", "sample.total")]


def test_a_captured_variable_is_named_after_its_function(recorded: Recorded) -> None:
    rows = recorded.run(
        "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n    inner()\nouter()"
    )
    assert rows == [("write", "outer.n"), ("read-modify-write", "outer.n")]


def test_names_that_are_never_rebound_are_not_watched(recorded: Recorded) -> None:
    assert recorded.run("import sys\ndef f(): return sys\nf()\nclass C: pass\nC()") == []


def test_an_access_comes_after_its_operands(recorded: Recorded) -> None:
    rows = recorded.run(
        "class Box: pass\nbox = Box(); box.items = []; box.other = [1]\n"
        "def act(box):\n    box.items.append(box.other.pop())\nact(box)"
    )
    assert rows[-2:] == [("delete", "Box.other"), ("structural-change", "Box.items")]


def test_thread_locals_are_not_recorded(recorded: Recorded) -> None:
    source = "import threading\ndef f(local):\n    local.x = 1\n    return local.x\nf(threading.local())"
    assert recorded.run(source) == []


def test_hostile_objects_are_never_asked(recorded: Recorded) -> None:
    class Hostile:
        def __eq__(self, other: object) -> bool:
            raise AssertionError

        def __hash__(self) -> int:
            return 1

        def __bool__(self) -> bool:
            raise AssertionError

        def __repr__(self) -> str:
            raise AssertionError

        @property
        def __class__(self) -> type:
            raise AssertionError

        @__class__.setter
        def __class__(self, value: type) -> None:
            raise AssertionError

    rows = recorded.run(
        "def f(h, d):\n    h.x = 1\n    h.x\n    d[h] = 2\n    d[h]\n    d.get(h)\n    h in d\nf(hostile, {})",
        hostile=Hostile(),
    )
    assert ("write", "Hostile.x") in [(operation, name.rpartition("<locals>.")[2]) for operation, name in rows]


def test_an_index_that_raises_leaves_nothing_behind(recorded: Recorded) -> None:
    recorded.run(
        "def boom(): raise KeyError\n"
        "def f(d):\n    for _ in range(200):\n        try: d[boom()]\n        except KeyError: pass\n"
        "    return d['a']\nf({'a': 1})"
    )
    assert len(recorded.core.log.state().pending) < 64
