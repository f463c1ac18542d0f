"""Contracts of `set` and `frozenset`. The key of a set's operation is the element."""

from __future__ import annotations

from raceway.model.kinds import Commute, Operation
from raceway.model.struct import replace
from raceway.runtime.contracts.dicts import READING
from raceway.runtime.contracts.terms import (
    ADD,
    COMPARISONS,
    DELETE_KEY,
    DISCARD,
    ITERATION,
    LENGTH,
    READ_KEY,
    RESHAPE,
    WHOLE,
    WHOLE_BOTH,
    Contract,
    Effect,
    Handover,
    Presence,
    Target,
    rows,
)

# To add what is there, or to discard what is not, changes nothing, and one who does the same is no rival.
_ADDING = Contract(
    effects=(Effect(Target.KEY, Operation.WRITE, Commute.ADD), ADD),
    full_when=Presence.ABSENT,
    otherwise=(Effect(Target.KEY, Operation.READ, Commute.ADD),),
    key_argument=0,
    handover=Handover.GIVE,
)
_DISCARDING = Contract(
    effects=(Effect(Target.KEY, Operation.DELETE, Commute.DISCARD), DISCARD),
    full_when=Presence.PRESENT,
    otherwise=(Effect(Target.KEY, Operation.READ, Commute.DISCARD),),
    key_argument=0,
)
_REMOVING = Contract(
    effects=(DELETE_KEY, DISCARD),
    full_when=Presence.PRESENT,
    otherwise=(READ_KEY,),
    key_argument=0,
    note="raises when another thread was first",
)

_TAKING = Contract(effects=(DISCARD,), handover=Handover.TAKE, note="whichever element: each goes to one taker")

_MANY = "one step per argument"
_TWO_STEPS = replace(WHOLE_BOTH, atomic_free_threaded=False, note="compares the sizes first, then the elements")

_SWAPPED_IN = replace(
    RESHAPE,
    walks_arguments=True,
    atomic_free_threaded=False,
    note="the new content is made first, then swapped in: without the GIL an element added in between is lost",
)

_ALGEBRA = "union intersection difference symmetric_difference isdisjoint issubset issuperset"
_OPERATORS = "__or__ __and__ __sub__ __xor__ __ror__ __rand__ __rsub__ __rxor__"

SET = (
    *rows("set", "add", _ADDING),
    *rows("set", "discard", _DISCARDING),
    *rows("set", "remove", _REMOVING),
    *rows("set", "pop", _TAKING),
    *rows("set", "clear", RESHAPE),
    *rows("set", "update", Contract(effects=(ADD,), walks_arguments=True, handover=Handover.GIVE, note=_MANY)),
    *rows("set", "__ior__", Contract(effects=(ADD,), walks_arguments=True)),
    *rows("set", "difference_update", Contract(effects=(DISCARD,), walks_arguments=True, note=_MANY)),
    *rows("set", "__isub__", Contract(effects=(DISCARD,), walks_arguments=True)),
    *rows("set", "symmetric_difference_update __ixor__ __iand__", replace(RESHAPE, walks_arguments=True)),
    *rows("set", "intersection_update", _SWAPPED_IN),
    *rows("set", "__contains__", READING),
    *rows("set", "__len__", LENGTH),
    *rows("set", "__iter__", ITERATION),
    *rows("set", "copy __repr__", WHOLE),
    *rows("set", _ALGEBRA, WHOLE_BOTH),
    *rows("set", _OPERATORS, WHOLE_BOTH),
    *rows("set", "__le__ __ge__", WHOLE_BOTH),
    *rows("set", "__eq__ __ne__ __lt__ __gt__", _TWO_STEPS),
)

FROZENSET = (
    *rows("frozenset", "__contains__", READING),
    *rows("frozenset", "__len__", LENGTH),
    *rows("frozenset", "__iter__", replace(ITERATION, note="over elements that never change")),
    *rows("frozenset", "copy __repr__", WHOLE),
    *rows("frozenset", _ALGEBRA, WHOLE_BOTH),
    *rows("frozenset", _OPERATORS, WHOLE_BOTH),
    *rows("frozenset", COMPARISONS, WHOLE_BOTH),
)
