"""Contracts of `Counter` and `ChainMap`, which are written in Python: no method of theirs is one step."""

from __future__ import annotations

from raceway.model.struct import replace
from raceway.runtime.contracts.dicts import DELETING, MERGING, READING, SETTING_DEFAULT, STORING
from raceway.runtime.contracts.terms import COMPARISONS, LENGTH, RESHAPE, WHOLE, WHOLE_BOTH, Contract, rows


def _in_python(like: Contract, note: str = "several steps, in Python") -> Contract:
    return replace(like, atomic_gil=False, atomic_free_threaded=False, note=note)


_COUNTING = _in_python(MERGING, "adds to each count in turn")
_WALKING = _in_python(WHOLE)
_WALKING_BOTH = _in_python(WHOLE_BOTH)

COUNTER = (
    *rows("collections.Counter", "update subtract __iadd__ __isub__ __ior__ __iand__", _COUNTING),
    *rows("collections.Counter", "__delitem__", _in_python(DELETING, "looks for the key, then deletes it")),
    *rows("collections.Counter", "copy elements most_common total __repr__ __pos__ __neg__", _WALKING),
    *rows("collections.Counter", "__add__ __sub__ __or__ __and__ __ror__", _WALKING_BOTH),
    *rows("collections.Counter", COMPARISONS, _WALKING_BOTH),
)

_FIRST_MAP = "one step of the first map, called from Python"

CHAIN_MAP = (
    *rows("collections.ChainMap", "__getitem__ get __contains__", _in_python(READING, "asks one map after the other")),
    *rows("collections.ChainMap", "__setitem__", _in_python(STORING, _FIRST_MAP)),
    *rows("collections.ChainMap", "__delitem__ pop", _in_python(DELETING, _FIRST_MAP)),
    *rows("collections.ChainMap", "setdefault", _in_python(SETTING_DEFAULT, "looks for the key, then stores it")),
    *rows("collections.ChainMap", "popitem clear", _in_python(RESHAPE, _FIRST_MAP)),
    *rows("collections.ChainMap", "update __ior__", _in_python(MERGING)),
    *rows("collections.ChainMap", "__len__ __bool__", _in_python(LENGTH)),
    *rows("collections.ChainMap", "__iter__ __reversed__ keys values items copy __copy__ __repr__", _WALKING),
    *rows("collections.ChainMap", "__or__ __ror__ __eq__ __ne__", _WALKING_BOTH),
)
