"""Contracts of `collections.deque`.

Its four end operations are documented as thread-safe: they commute with each other and hand objects over from one
thread to the next. Who peeks at an end that another thread takes from has no such promise.
"""

from __future__ import annotations

from raceway.model.kinds import Commute, Operation
from raceway.model.struct import replace
from raceway.runtime.contracts.terms import (
    COMPARISONS,
    ITERATION,
    LENGTH,
    READ_KEY,
    READ_STRUCTURE,
    RESHAPE,
    WHOLE,
    WRITE_KEY,
    Contract,
    Effect,
    Handover,
    KeyShape,
    Target,
    rows,
)

_ENDS = Effect(Target.STRUCTURE, Operation.STRUCTURAL_CHANGE, Commute.ENDS)
"""Putting in and taking out at either end: one class, so that all four commute."""
_PUT_FIRST = Effect(Target.FIRST, Operation.WRITE, Commute.ENDS)
_TAKE_FIRST = Effect(Target.FIRST, Operation.DELETE, Commute.ENDS)

_SAFE = "documented as thread-safe"
_RELEASE = Contract(effects=(_ENDS,), handover=Handover.RELEASE, note=_SAFE)
_ACQUIRE = Contract(effects=(_ENDS,), handover=Handover.ACQUIRE, note=_SAFE)
_GROW_BY = Contract(effects=(_ENDS,), walks_arguments=True)
_NEGATIVE = Contract(
    effects=(READ_KEY, READ_STRUCTURE),
    shape=KeyShape.NEGATIVE,
    key_argument=0,
    atomic_free_threaded=False,
    note="counted from the end, so it depends on the length",
)
# The copy is made through an iterator, which takes the deque's lock for itself and so lets go of it in between.
_COPY = replace(WHOLE, atomic_free_threaded=False, note="without the GIL it raises if another thread changes the deque")
_BOTH = replace(_COPY, walks_arguments=True)

DEQUE = (
    *rows("collections.deque", "append", _RELEASE),
    *rows("collections.deque", "appendleft", replace(_RELEASE, effects=(_ENDS, _PUT_FIRST))),
    *rows("collections.deque", "pop", _ACQUIRE),
    *rows("collections.deque", "popleft", replace(_ACQUIRE, effects=(_ENDS, _TAKE_FIRST))),
    *rows("collections.deque", "extend __iadd__", _GROW_BY),
    *rows("collections.deque", "extendleft", replace(_GROW_BY, effects=(_ENDS, _PUT_FIRST))),
    *rows("collections.deque", "insert remove reverse rotate clear __delitem__", RESHAPE),
    *rows("collections.deque", "__imul__", replace(RESHAPE, atomic_free_threaded=False, note="copies, then extends")),
    *rows("collections.deque", "__getitem__", Contract(effects=(READ_KEY,), key_argument=0)),
    *rows("collections.deque", "__setitem__", Contract(effects=(WRITE_KEY,), key_argument=0)),
    *rows("collections.deque", "__getitem__", _NEGATIVE),
    *rows("collections.deque", "__setitem__", replace(_NEGATIVE, effects=(WRITE_KEY, READ_STRUCTURE))),
    *rows("collections.deque", "__len__", LENGTH),
    *rows("collections.deque", "__iter__ __reversed__", ITERATION),
    *rows("collections.deque", "count index __contains__", WHOLE),
    *rows("collections.deque", "copy __copy__ __mul__ __rmul__ __repr__", _COPY),
    *rows("collections.deque", "__add__", _BOTH),
    *rows("collections.deque", COMPARISONS, _BOTH),
)
