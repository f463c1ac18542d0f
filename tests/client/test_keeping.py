"""Copies of what the program gives: the ways of C and of Python make the same of anything."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raceway.client import keeping
from raceway.model import values
from tests.pipeline.test_encode import HOSTILE

try:
    from raceway import _native
except ImportError:
    pytest.skip("the native core is not built", allow_module_level=True)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3)
ODD = st.sampled_from([2**64, -(2**63), 2**63, "\ud800", "\u20ac" * 5000, frozenset({1}), object, 1j, Ellipsis])
KEYS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.tuples(st.integers())


def anything(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner)


VALUES = st.recursive(SCALARS | ODD, anything, max_leaves=30)


def exactly(value: Any) -> Any:
    """The value with the types of all that is in it."""
    if type(value) is dict:
        return dict, [(exactly(key), exactly(item)) for key, item in value.items()]
    return type(value), [exactly(item) for item in value] if type(value) in (list, tuple) else repr(value)


@given(VALUES)
def test_snapshots_are_the_same(value: Any) -> None:
    assert exactly(_native.snapshot(value, values.scalar)) == exactly(values.snapshot(value))


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value, {"next": value}] if levels < 9 else [value]
    return value


def cyclic() -> Any:
    value: list[Any] = [1]
    value.extend((value, {"again": value}))
    return value


@pytest.mark.parametrize(
    "make",
    [lambda: deep(15), lambda: deep(16), lambda: deep(17), lambda: deep(8), cyclic, lambda: list(range(999)),
     lambda: list(range(1001)), lambda: [[0] * 600, [1] * 600], lambda: {n: n for n in range(1001)},
     lambda: {"a": {n: [n] for n in range(600)}}, *HOSTILE.values()],
)  # fmt: skip
def test_snapshots_have_the_same_limits(make: Callable[[], Any]) -> None:
    value = make()
    assert exactly(_native.snapshot(value, values.scalar)) == exactly(values.snapshot(value))


ARGUMENTS = VALUES | st.dictionaries(st.text(max_size=3), SCALARS) | st.lists(SCALARS, max_size=30)


@given(st.lists(ARGUMENTS).map(tuple), st.dictionaries(st.text(max_size=3), ARGUMENTS), st.booleans())
def test_arguments_are_kept_the_same(args: tuple[Any, ...], kwargs: dict[str, Any], of_owner: bool) -> None:
    kept = _native.keep_arguments(args, kwargs, values.told, of_owner)
    assert exactly(kept) == exactly(keeping._keep_arguments(args, kwargs, values.told, of_owner))


@pytest.mark.parametrize("keep", [_native.keep_arguments, keeping._keep_arguments], ids=["native", "pure"])
def test_what_is_kept_does_not_change_any_more(keep: Callable[..., Any]) -> None:
    items, names, twenty, much = [1], {"a": 1}, ["x"] * 20, [0] * 101
    briefly: list[object] = []

    def told(value: object) -> str:
        briefly.append(value)
        return "told"

    kept = keep((items, 2, object), {"names": names, "twenty": twenty}, told, False)
    whole, lossless = keeping.snapshot([items, names])
    assert keep((object, much), {}, told, False) is None
    items.append(2)
    names["b"] = 2
    twenty.clear()
    assert kept == (((1,), 2, "told"), {"names": {"a": 1}, "twenty": ("x",) * 20})
    assert (whole, lossless) == ([[1], {"a": 1}], True)
    assert briefly == [object]  # what goes into a snapshot all together is counted there


@given(ARGUMENTS)
def test_a_value_is_kept_the_same(value: Any) -> None:
    counts: list[int] = []
    kept = [keep(value, lambda: counts.append(1)) for keep in (keeping.keep, keeping._keep)]
    assert keeping.keep is _native.keep
    assert exactly(kept[0]) == exactly(kept[1])
    assert len(counts) in (0, 2)


@pytest.mark.parametrize("make", [lambda n: "\u20ac" * n, lambda n: 10**n, lambda n: "\ud800" + "a" * n])
def test_a_large_scalar_is_cut_at_once_and_told_as_ever(make: Callable[[int], Any]) -> None:
    value = make(20_000)
    kept = keeping.keep(value, pytest.fail)  # the worker counts it
    assert sys.getsizeof(kept) < 10_000 < sys.getsizeof(make(100_000)) / 4
    assert values.snapshot(kept) == values.snapshot(value)
    assert (values.scalar(kept), type(values.scalar(kept))) == (values.scalar(value), str)
    for keep in (_native.keep_arguments, keeping._keep_arguments):
        assert keep((1, value), {}, values.told, False) is keep((1,), {"a": [value]}, values.told, False) is None
    counts: list[int] = []
    assert keeping.keep([value], lambda: counts.append(1)) == values.snapshot([value])[0]
    assert counts == [1]


def test_the_collector_of_cycles_does_not_look_at_what_is_kept() -> None:
    """Many marks wait at a time: each full collection would go through all that they hold."""

    def seen(value: Any) -> list[Any]:
        inner = list(value.items()) if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
        return [value] * gc.is_tracked(value) + [one for item in inner for one in seen(item) if item is not one]

    kept = _native.keep_arguments((1, [2, "a"], {"b": 3}), {"c": [4]}, values.told, False)
    assert seen(kept) == []
    assert seen(keeping.keep({"a": 1}, pytest.fail)) == []
    assert not gc.is_tracked(keeping.snapshot([[1], {"a": [2]}])[0])


def test_what_a_method_is_called_on_is_not_kept() -> None:
    assert _native.keep_arguments((object(), 1), {"a": 2}, values.told, True) == ((None, 1), {"a": 2})
