"""Copies of what the program gives: what a mark keeps of it, so that it does not change any more."""

from __future__ import annotations

from collections.abc import Callable, Collection

from raceway.model import values
from raceway.model.typing import Any
from raceway.model.values import scalar, told

SCALARS = frozenset({int, str, bool, float, type(None)})
"""Types whose values cannot change, nor hold anything of the program."""

_FEW = 8
_MANY = ((),)
"""In the place of items that are too many: what is none of SCALARS."""

_TEXT = frozenset({str})
_are_scalars = SCALARS.issuperset


class Few(dict[Any, Any]):
    """A copy of a few arguments whose values cannot change: the rest is left to the worker."""


def keep(value: Any, degrade: Callable[[], None]) -> Any:
    """A value of the program, so that it does not change any more and nothing of the program is held.

    A few items are kept as a tuple, which `snapshot` never makes: the rest is left to the worker, as with `Few`. So are
    exact tuples and dictionaries in the others: those the collector of cycles need not look at.
    """
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is dict:
        few = _few(value)
        if few is not None:
            return Few(few)
    elif kind is list or kind is tuple:
        items = tuple(value) if len(value) <= _FEW else _MANY
        if _are_scalars(map(type, items)):
            return items
    kept, lossless = snapshot(value)
    if not lossless:
        degrade()
    return kept


def _keep_each(values: Collection[Any], briefly: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    """The values so kept that `snapshot` can go on with them, what is neither a scalar nor a container `briefly`; None
    where one of them is much."""
    if _are_scalars(map(type, values)):
        return tuple(values)
    kept = list(values)
    for place, value in enumerate(kept):
        kind = type(value)
        if kind in SCALARS:
            continue
        if kind is list or kind is tuple:
            kept[place] = few = tuple(value) if len(value) <= _FEW else _MANY
            if not _are_scalars(map(type, few)):
                return None
        elif kind is dict:
            kept[place] = named = _few(value)
            if named is None:
                return None
        else:
            kept[place] = briefly(value)
    return tuple(kept)




def _few(value: dict[Any, Any]) -> dict[Any, Any] | None:
    """A copy of a small dictionary of names and scalars."""
    if len(value) > _FEW:
        return None
    copy = dict(value)
    return copy if _TEXT.issuperset(map(type, copy)) and SCALARS.issuperset(map(type, copy.values())) else None


try:
    from raceway import _native
except ImportError:
    keep_each = _keep_each
    snapshot = values.snapshot
else:
    keep_each = _native.keep_each

    def snapshot(value: object) -> tuple[Any, bool]:
        """`values.snapshot`, much faster."""
        try:
            return _native.snapshot(value, scalar)
        except Exception:  # a container that another thread changes meanwhile
            return told(value), False
