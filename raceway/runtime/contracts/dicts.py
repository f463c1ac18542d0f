"""Contracts of `dict`, `OrderedDict` and `defaultdict`.

An item's own location tells when two threads meet at one key, so the changes of the structure that insert or delete
single keys commute with each other.
"""

from __future__ import annotations

from raceway.model.kinds import Commute, Operation
from raceway.model.struct import replace
from raceway.runtime.contracts.terms import (
    DELETE_KEY,
    DISCARD,
    INSERT_KEY,
    ITERATION,
    LENGTH,
    READ_KEY,
    RESHAPE,
    WHOLE,
    WHOLE_BOTH,
    WRITE_KEY,
    Contract,
    Effect,
    Handover,
    Presence,
    Target,
    rows,
)

READING = Contract(effects=(READ_KEY,), key_argument=0)
STORING = Contract(
    effects=(WRITE_KEY, INSERT_KEY),
    full_when=Presence.ABSENT,
    otherwise=(WRITE_KEY,),
    key_argument=0,
    handover=Handover.GIVE,
)
DELETING = Contract(effects=(DELETE_KEY, DISCARD), full_when=Presence.PRESENT, otherwise=(READ_KEY,), key_argument=0)
TAKING = replace(DELETING, handover=Handover.TAKE)
TAKING_LAST = replace(RESHAPE, handover=Handover.TAKE, note="whichever key: who looks for one meets it")
# Who finds the key there only read it, but is a partner of the one who put it there, not a rival.
SETTING_DEFAULT = Contract(
    effects=(Effect(Target.KEY, Operation.WRITE, Commute.SETDEFAULT), INSERT_KEY),
    full_when=Presence.ABSENT,
    otherwise=(Effect(Target.KEY, Operation.READ, Commute.SETDEFAULT),),
    key_argument=0,
    handover=Handover.GIVE,
)
MERGING = replace(RESHAPE, walks_arguments=True, note="may write every key")

_UNLOCKED = "OrderedDict takes no lock on free-threaded builds"

_ORDERED_WHOLE = replace(WHOLE, atomic_free_threaded=False, note=_UNLOCKED)
_ORDERED_BOTH = replace(_ORDERED_WHOLE, walks_arguments=True)

_FACTORY = replace(
    SETTING_DEFAULT,
    atomic_free_threaded=False,
    calls="default_factory",
    note="an absent key is made and stored; without the GIL two threads may both do so",
)

DICT = (
    *rows("dict", "__getitem__ get __contains__", READING),
    *rows("dict", "__setitem__", STORING),
    *rows("dict", "__delitem__", DELETING),
    *rows("dict", "pop", TAKING),
    *rows("dict", "setdefault", SETTING_DEFAULT),
    *rows("dict", "popitem", TAKING_LAST),
    *rows("dict", "clear", RESHAPE),
    *rows("dict", "update __ior__", MERGING),
    *rows("dict", "__len__", LENGTH),
    *rows("dict", "__iter__ __reversed__ keys values items", ITERATION),
    *rows("dict", "copy __repr__", WHOLE),
    *rows("dict", "__or__ __ror__ __eq__ __ne__", WHOLE_BOTH),
)

ORDERED_DICT = (
    *rows("collections.OrderedDict", "__setitem__", replace(STORING, atomic_free_threaded=False, note=_UNLOCKED)),
    *rows("collections.OrderedDict", "__delitem__", replace(DELETING, atomic_free_threaded=False, note=_UNLOCKED)),
    *rows("collections.OrderedDict", "pop", replace(TAKING, atomic_free_threaded=False, note=_UNLOCKED)),
    *rows(
        "collections.OrderedDict", "setdefault", replace(SETTING_DEFAULT, atomic_free_threaded=False, note=_UNLOCKED)
    ),
    *rows(
        "collections.OrderedDict",
        "move_to_end",
        Contract(
            effects=(READ_KEY, INSERT_KEY),
            full_when=Presence.PRESENT,
            otherwise=(READ_KEY,),
            key_argument=0,
            atomic_free_threaded=False,
            note="like taking one key out and putting it in again; the item stays as it is",
        ),
    ),
    *rows("collections.OrderedDict", "popitem", replace(TAKING_LAST, atomic_free_threaded=False, note=_UNLOCKED)),
    *rows("collections.OrderedDict", "clear", replace(RESHAPE, atomic_free_threaded=False, note=_UNLOCKED)),
    *rows("collections.OrderedDict", "update __ior__", replace(MERGING, atomic_free_threaded=False)),
    *rows("collections.OrderedDict", "__iter__ __reversed__ keys values items", ITERATION),
    *rows("collections.OrderedDict", "copy __repr__", _ORDERED_WHOLE),
    *rows("collections.OrderedDict", "__or__ __ror__ __eq__ __ne__", _ORDERED_BOTH),
)

DEFAULT_DICT = (
    *rows("collections.defaultdict", "__getitem__ __missing__", _FACTORY),
    *rows("collections.defaultdict", "copy __copy__ __repr__", WHOLE),
    *rows("collections.defaultdict", "__or__ __ror__", WHOLE_BOTH),
)
