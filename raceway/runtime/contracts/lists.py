"""Contracts of `list`."""

from __future__ import annotations

from raceway.model.kinds import Commute, Operation
from raceway.model.struct import replace
from raceway.runtime.contracts.terms import (
    APPEND,
    CHANGE,
    COMPARISONS,
    ITERATION,
    LENGTH,
    READ_KEY,
    READ_STRUCTURE,
    RESHAPE,
    WHOLE,
    WHOLE_BOTH,
    WRITE_KEY,
    Contract,
    Effect,
    Handover,
    KeyShape,
    Target,
    rows,
)

# Index, count and `in` lock the list item by item on free-threaded builds.
_SEARCH = replace(WHOLE, atomic_free_threaded=False, note="one C call on GIL builds; item by item without the GIL")

# Who puts in and who takes out do not meet: each item goes to one taker. Who reads by position meets the latter.
_TAKING = Effect(Target.STRUCTURE, Operation.DELETE, Commute.APPEND)

_NEGATIVE = "counted from the end, so it depends on the length"
_SORTING = "others see an empty list while `key` runs; without the GIL len() and lookups do so without a `key`, too"

LIST = (
    *rows("list", "append", Contract(effects=(APPEND,), handover=Handover.GIVE)),
    *rows("list", "extend __iadd__", Contract(effects=(APPEND,), walks_arguments=True, handover=Handover.GIVE)),
    *rows("list", "insert", replace(RESHAPE, handover=Handover.GIVE)),
    *rows("list", "pop", Contract(effects=(_TAKING,), key_argument=0, handover=Handover.TAKE)),
    *rows("list", "remove reverse clear __imul__", RESHAPE),
    *rows("list", "sort", Contract(effects=(CHANGE,), calls="key", note=_SORTING)),
    *rows("list", "__getitem__", Contract(effects=(READ_KEY,), key_argument=0)),
    *rows("list", "__setitem__", Contract(effects=(WRITE_KEY,), key_argument=0)),
    *rows("list", "__delitem__", Contract(effects=(CHANGE,), key_argument=0, note="later items move")),
    *rows(
        "list",
        "__getitem__",
        Contract(
            effects=(READ_KEY, READ_STRUCTURE),
            shape=KeyShape.NEGATIVE,
            key_argument=0,
            atomic_free_threaded=False,
            note=_NEGATIVE,
        ),
    ),
    *rows(
        "list",
        "__setitem__",
        Contract(effects=(WRITE_KEY, READ_STRUCTURE), shape=KeyShape.NEGATIVE, key_argument=0, note=_NEGATIVE),
    ),
    *rows("list", "__getitem__", replace(WHOLE, shape=KeyShape.SLICE, note="copies the slice in one C call")),
    *rows("list", "__setitem__", replace(RESHAPE, shape=KeyShape.SLICE, walks_arguments=True)),
    *rows("list", "__delitem__", replace(RESHAPE, shape=KeyShape.SLICE)),
    *rows("list", "__len__", LENGTH),
    *rows("list", "__iter__ __reversed__", ITERATION),
    *rows("list", "copy __mul__ __rmul__ __repr__", WHOLE),
    *rows("list", "__add__", WHOLE_BOTH),
    *rows("list", COMPARISONS, WHOLE_BOTH),
    *rows("list", "index count __contains__", _SEARCH),
)
