"""Copies of what the program gives: the ways of C and of Python make the same of anything."""

from __future__ import annotations

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


@given(st.lists(VALUES | st.dictionaries(st.text(max_size=3), SCALARS)))
def test_arguments_are_kept_the_same(arguments: list[Any]) -> None:
    kept = _native.keep_each(arguments, values.told)
    assert exactly(kept) == exactly(keeping._keep_each(arguments, values.told))


def test_what_is_kept_does_not_change_any_more() -> None:
    items, names = [1], {"a": 1}
    kept = keeping.keep_each((items, names), values.told)
    whole, lossless = keeping.snapshot([items, names])
    items.append(2)
    names["b"] = 2
    assert kept == ((1,), {"a": 1})
    assert (whole, lossless) == ([[1], {"a": 1}], True)
