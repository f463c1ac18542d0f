"""What stands for a key, on each core: keys that are one item to a dictionary have one location, others have others."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import ipaddress
import itertools
import pathlib
import sys
import uuid
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import attr
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from raceway.model.kinds import LocationKind, Operation
from raceway.model.records import Access, Fork, Location, Record
from raceway.runtime.identity import Identity
from raceway.runtime.keys import Keys
from tests.detector.cores import native
from tests.detector.traces import SITES

Pairs = set[tuple[int, int]]
"""Places of two keys in a list, the smaller one first."""


class Text(str):
    __slots__ = ()

    def __lt__(self, other: object) -> bool:
        raise AssertionError("nobody sorts")

    def __str__(self) -> str:
        raise AssertionError("nobody shows")

    __repr__ = __str__


class Whole(int):
    def __int__(self) -> int:
        raise AssertionError("nobody converts")

    __index__ = __int__


class Real(float):
    def __float__(self) -> float:
        raise AssertionError("nobody converts")


class Bytes(bytes):
    pass


class Pair(tuple[Hashable, ...]):
    __slots__ = ()

    def __iter__(self) -> Any:
        raise AssertionError("nobody walks")


class Point(NamedTuple):
    x: Hashable
    y: Hashable


class Number(enum.IntEnum):
    ONE = 1


class Name(enum.StrEnum):
    ONE = "1"


class Sort(enum.Enum):
    ONE = 1


@dataclasses.dataclass(frozen=True)
class Row:
    x: Hashable
    hash: Hashable = 1
    seen: object = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Slotted:
    x: Hashable


@dataclasses.dataclass(unsafe_hash=True)
class Mutable:
    x: Hashable
    y: Hashable = dataclasses.field(default=2, hash=False)


@dataclasses.dataclass(frozen=True)
class Child(Row):
    y: Hashable = 3


class Grandchild(Child):
    """Inherits how it compares."""


@dataclasses.dataclass(frozen=True)
class Empty:
    pass


@attr.frozen
class Attrs:
    x: Hashable
    y: Hashable = 2


@attr.frozen(slots=False, hash=True)
class Unslotted:
    x: Hashable


class Folded(str):
    """Decides itself what is equal, and says so to nobody but its program."""

    asked = 0

    def __hash__(self) -> int:
        Folded.asked += 1
        return hash(self.lower())

    def __eq__(self, other: object) -> bool:
        Folded.asked += 1
        return isinstance(other, str) and self.lower() == str.lower(other)


class Shop:
    def sell(self) -> None: ...

    def buy(self) -> None: ...


SHOPS = Shop(), Shop()
WHOLES = st.sampled_from([0, 1, -1, -2, 2, 5, 2**53 + 1, 2**61 - 1, 2**61, 2**63 - 1, -(2**63), 2**63, 2**64, 2**125])
REALS = st.one_of(
    WHOLES,
    st.sampled_from([0.5, -0.5, 0.1, 2.0**-62, 1e300, float("inf"), float("-inf"), -0.0, 2.0**64]),
    st.integers(-3, 3),
    st.just("nan").map(float),
)
TEXTS = st.sampled_from(["", "a", "A", "1", "b", "a/b"])
ZONES = st.sampled_from([None, datetime.UTC, datetime.timezone(datetime.timedelta(hours=1))])
HOURS = st.integers(0, 3)


def decimals(value: float) -> decimal.Decimal:
    """The number as a decimal, exactly."""
    return decimal.Decimal(value)


def fractional(value: float) -> fractions.Fraction:
    """The number as a fraction, exactly, where it is one."""
    return fractions.Fraction(value) if abs(value) < float("inf") else fractions.Fraction(1, 3)


LEAVES = st.one_of(
    st.none(), st.booleans(), REALS, TEXTS,
    TEXTS.map(Text), WHOLES.map(Whole), REALS.map(float).map(Real), TEXTS.map(str.encode),
    TEXTS.map(str.encode).map(Bytes),
    st.builds(complex, REALS.map(float), st.sampled_from([0, 1])),
    REALS.map(decimals), REALS.map(fractional), st.sampled_from(["0.1", "1e400", "1.10", "NaN"]).map(decimal.Decimal),
    st.builds(fractions.Fraction, st.sampled_from([1, -1, 11, 10**400]), st.sampled_from([1, 3, 10, 2**61 - 1])),
    st.sampled_from([*Number, *Name, *Sort, Shop, Shop.sell, len, Row]),
    st.builds(datetime.date, st.just(2024), st.just(5), HOURS.map(lambda day: day + 1)),
    st.builds(datetime.datetime, st.just(2024), st.just(5), st.just(1), HOURS, tzinfo=ZONES),
    st.builds(datetime.time, HOURS, tzinfo=ZONES),
    HOURS.map(lambda hours: datetime.timedelta(hours=hours)),
    HOURS.map(lambda hours: datetime.timedelta(minutes=hours * 60)),
    st.builds(range, HOURS, HOURS, st.sampled_from([1, 2])),
    HOURS.map(lambda number: uuid.UUID(int=number)), HOURS.map(ipaddress.IPv4Address), HOURS.map(ipaddress.IPv6Address),
    st.sampled_from(["::1%a", "::1%b", "::1"]).map(ipaddress.IPv6Address),
    st.sampled_from(["10.0.0.1/8", "10.0.0.1/9", "10.0.0.1"]).map(ipaddress.IPv4Interface),
    st.tuples(st.sampled_from([pathlib.PurePosixPath, pathlib.Path]), st.lists(st.sampled_from(
        ["", ".", "a", "a/", "a//b", "./a/./b", "/a", "//a", "///a", "/", "//", "b/..", "\ud800"]), max_size=3),
    ).map(lambda made: made[0](*made[1])),
    st.sampled_from(SHOPS).map(lambda shop: shop.sell), st.sampled_from(SHOPS).map(lambda shop: shop.buy),
)  # fmt: skip

NETWORKS = st.one_of(
    st.sampled_from(["10.0.0.0/8", "10.0.0.0/9", "11.0.0.0/8"]).map(ipaddress.IPv4Network),
    st.sampled_from(["::/8", "::/9"]).map(ipaddress.IPv6Network),
)
"""Which are made of others themselves."""


def compound(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Keys that are made of others."""
    return st.one_of(
        st.lists(parts, max_size=2).map(tuple), st.lists(parts, max_size=2).map(Pair), st.builds(Point, parts, parts),
        st.frozensets(parts, max_size=3), st.builds(Row, parts), st.builds(Row, parts, HOURS, parts),
        st.builds(Slotted, parts), st.builds(Mutable, parts, parts), st.builds(Child, parts, y=parts),
        st.builds(Grandchild, parts), st.builds(Empty), st.builds(Attrs, parts, parts), st.builds(Unslotted, parts),
    )  # fmt: skip


SIMPLE = st.one_of(LEAVES, NETWORKS)
KEYS = st.one_of(SIMPLE, compound(SIMPLE), compound(compound(LEAVES)))


def pure_pairs(keys: Sequence[Any]) -> Pairs:
    """Which keys have one location on the Python core."""
    identity = Identity(lambda _serial: None)
    known = [Keys(identity).of(key) for key in keys]
    pairs = list(itertools.combinations(range(len(keys)), 2))
    assert all(hash(known[one]) == hash(known[other]) for one, other in pairs if known[one] == known[other])
    return {(one, other) for one, other in pairs if (known[one],) == (known[other],)}


def native_pairs(keys: Sequence[Any]) -> Pairs:
    """Which keys have one location on the C core: two threads that write to them race."""
    trace: list[Record] = [Fork(0, 1, "a"), Fork(0, 2, "b")]
    names = {}
    for number, pair in enumerate(itertools.combinations(range(len(keys)), 2)):
        name = f"{number}[...]"
        names[name] = pair
        for actor, place in enumerate(pair, start=1):
            where = Location(100 + number, LocationKind.ITEM, (keys[place],))
            trace.append(Access(actor, Operation.WRITE, where, 5, name, ()))
    return {names[race.later.access.variable] for race in native(trace, SITES)}


PAIRS: dict[str, Callable[[Sequence[Any]], Pairs]] = {"pure": pure_pairs, "native": native_pairs}


def is_one_item(key: Any, other: Any) -> bool:
    """Whether a dictionary takes them for one key."""
    return key is other or bool(hash(key) == hash(other) and key == other)


def expected(keys: Sequence[Any]) -> Pairs:
    """What dictionaries say."""
    pairs = itertools.combinations(range(len(keys)), 2)
    return {(one, other) for one, other in pairs if is_one_item(keys[one], keys[other])}


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(KEYS, min_size=2, max_size=9))
@example(
    keys=[
        float("inf"),
        fractions.Fraction(10**400, sys.hash_info.modulus),
        fractions.Fraction(10**400, sys.hash_info.modulus),
    ]
)
@example(keys=[float("-inf"), fractions.Fraction(-(10**400), sys.hash_info.modulus), fractions.Fraction(10**400, 7)])
def test_keys_have_one_location_if_a_dictionary_takes_them_for_one(core: str, keys: list[Any]) -> None:
    assert PAIRS[core](keys) == expected(keys)


def made_twice(make: Callable[[], Any]) -> list[Any]:
    return [make(), make()]


class OwnHash(str):
    """Compares as texts do, and hashes itself."""

    def __hash__(self) -> int:
        return str.__hash__(self)


class OwnPath(type(pathlib.Path())):  # type: ignore[misc]
    pass


@dataclasses.dataclass(frozen=True)
class WrittenByHand:
    x: int

    def __eq__(self, other: object) -> bool:
        raise AssertionError("nobody asks")

    __hash__ = object.__hash__


@dataclasses.dataclass(frozen=True)
class Property(Row):
    @property  # type: ignore[misc]
    def x(self) -> int:
        raise AssertionError("nobody asks")

    @x.setter
    def x(self, _value: object) -> None: ...


class Watched(Row):
    def __getattribute__(self, name: str) -> Any:
        raise AssertionError("nobody asks")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Folded("a"),
        lambda: OwnHash("a"),
        lambda: OwnPath("a"),
        lambda: pathlib.PureWindowsPath("a"),
        lambda: WrittenByHand(1),
        lambda: object.__new__(Row),
        lambda: Row.__new__(Watched),
        lambda: Row.__new__(Property),
        lambda: float("nan"),
        lambda: (Row(Folded("a")),),
        lambda: decimal.Decimal("sNaN"),
    ],
)
def test_other_keys_are_told_by_their_identity(core: str, make: Callable[[], Any]) -> None:
    asked = Folded.asked
    keys = made_twice(make)
    assert PAIRS[core]([*keys, keys[0]]) == {(0, 2)}
    assert Folded.asked == asked
