"""Contracts of `bytearray` and `array.array`: neither takes a lock on free-threaded CPython 3.13."""

from __future__ import annotations

from raceway.model.struct import replace
from raceway.runtime.contracts.terms import (
    APPEND,
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
    KeyShape,
    rows,
)

_BYTES_METHODS = (
    "capitalize center count decode endswith expandtabs find hex index isalnum isalpha isascii isdigit islower isspace "
    "istitle isupper ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust rpartition "
    "rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill"
)
_NEGATIVE = "counted from the end, so it depends on the length"


def _unlocked(like: Contract) -> Contract:
    return replace(like, atomic_free_threaded=False)


_GROW_BY = _unlocked(Contract(effects=(APPEND,), walks_arguments=True))
_RESHAPE = _unlocked(RESHAPE)
_WHOLE = _unlocked(WHOLE)
_WHOLE_BOTH = _unlocked(WHOLE_BOTH)
_FILE = "reads or writes the file in between, without the GIL"


def _sequence(container: str) -> tuple[Contract, ...]:
    """What both types have in common."""
    negative = Contract(
        effects=(READ_STRUCTURE,), shape=KeyShape.NEGATIVE, key_argument=0, atomic_free_threaded=False, note=_NEGATIVE
    )
    return (
        *rows(container, "append", _unlocked(Contract(effects=(APPEND,)))),
        *rows(container, "extend __iadd__", _GROW_BY),
        *rows(container, "insert pop remove reverse clear __delitem__ __imul__", _RESHAPE),
        *rows(container, "__getitem__", _unlocked(Contract(effects=(READ_KEY,), key_argument=0))),
        *rows(container, "__setitem__", _unlocked(Contract(effects=(WRITE_KEY,), key_argument=0))),
        *rows(container, "__getitem__", replace(negative, effects=(READ_KEY, READ_STRUCTURE))),
        *rows(container, "__setitem__", replace(negative, effects=(WRITE_KEY, READ_STRUCTURE))),
        *rows(container, "__getitem__", replace(_WHOLE, shape=KeyShape.SLICE, note="copies the slice in one C call")),
        *rows(container, "__setitem__", replace(_RESHAPE, shape=KeyShape.SLICE, walks_arguments=True)),
        *rows(container, "__len__ __buffer__", _unlocked(LENGTH)),
        *rows(container, "__iter__", ITERATION),
        *rows(container, "__contains__ __mul__ __rmul__ __repr__", _WHOLE),
        *rows(container, "__add__", _WHOLE_BOTH),
        *rows(container, COMPARISONS, _WHOLE_BOTH),
    )


BYTEARRAY = (
    *_sequence("bytearray"),
    *rows("bytearray", "resize", _RESHAPE),
    *rows("bytearray", _BYTES_METHODS, _WHOLE),
    *rows("bytearray", "copy __str__ __mod__ __rmod__", _WHOLE),
    *rows("bytearray", "join", _WHOLE_BOTH),
)

ARRAY = (
    *_sequence("array.array"),
    *rows("array.array", "fromlist frombytes fromunicode", _GROW_BY),
    *rows("array.array", "fromfile", replace(_GROW_BY, walks_arguments=False, atomic_gil=False, note=_FILE)),
    *rows("array.array", "byteswap", replace(_RESHAPE, note="writes every item")),
    *rows("array.array", "buffer_info", _unlocked(LENGTH)),
    *rows("array.array", "count index tolist tobytes tounicode __copy__ __deepcopy__", _WHOLE),
    *rows("array.array", "tofile", replace(_WHOLE, atomic_gil=False, note=_FILE)),
)
