"""The words of the contract table: what a row says of one operation of one container type. Serves the recorder.

Two locations matter of a container: one item (`Target.KEY`) and the structure, that is which items there are and in
which order. A change of the structure without a commuting class concerns every item too (`clear`, `insert`, `sort`),
and so does taking one out of a row (a deletion); any other change with a class leaves all items alone that have no
effect of their own in the row.
"""

from __future__ import annotations

import enum

from raceway.model.kinds import Commute, Operation
from raceway.model.struct import Struct, made, replace, values


class Target(enum.Enum):
    """Which location of the container an effect is on."""

    STRUCTURE = "structure"
    KEY = "key"
    FIRST = "first"
    """The item at index 0: what the left end of a deque touches."""


class KeyShape(enum.Enum):
    """What a subscript is made with, where that decides what it does."""

    KEY = "key"
    NEGATIVE = "negative"
    SLICE = "slice"

    # Enum's own __hash__ is a Python function; shapes are looked up at every subscript.
    __hash__ = object.__hash__

    @classmethod
    def of(cls, key: object) -> KeyShape:
        """The shape of a subscript; calls no code of the key."""
        if type(key) is slice:
            return cls.SLICE
        return cls.NEGATIVE if type(key) is int and key < 0 else cls.KEY


class Presence(enum.Enum):
    """When an operation with a key has its full effects: always, or by whether the key is there beforehand."""

    ANY = "any"
    ABSENT = "absent"
    PRESENT = "present"


class Handover(enum.Enum):
    """The side of a hand-over from thread to thread that an operation is documented to be safe for.

    RELEASE and ACQUIRE are those of a container made for it: each one counts. GIVE and TAKE are those of containers
    that serve many purposes: who takes an item out is ordered after the threads that put items in, and next to nothing
    is done about those that nobody else takes from.
    """

    RELEASE = "release"
    ACQUIRE = "acquire"
    GIVE = "give"
    TAKE = "take"


class Effect(Struct):
    """One access that an operation makes; pairs of one class of `commute` do not conflict."""

    target: Target
    operation: Operation
    commute: Commute = Commute.NONE


class Contract(Struct, kw_only=True):
    """One row: what an operation does to its container, and whether it does so in one step.

    `effects` are those of the case in `full_when`; in the other case the row means `otherwise`.
    `key_argument` is the position of the key among the arguments after the container.
    `atomic_gil`: no other thread runs inside it, given keys, items and arguments of built-in types.
    `atomic_free_threaded`: CPython 3.13 holds the container's lock throughout, so that no other change and no walk in
    one step comes in between, given arguments that no other thread changes; len() and lookups of one item are one
    step, but take no lock and can see a bulk change half done.
    `calls` names a parameter or attribute with a function that runs inside; one in Python ends the atomicity.
    `walks_arguments`: containers among the arguments are walked too. `through`: the effects are on the container
    behind this one (a view); `handover`: it also orders what threads did before and after.
    """

    container: str = ""
    name: str = ""
    shape: KeyShape = KeyShape.KEY
    effects: tuple[Effect, ...]
    full_when: Presence = Presence.ANY
    otherwise: tuple[Effect, ...] = ()
    key_argument: int | None = None
    atomic_gil: bool = True
    atomic_free_threaded: bool = True
    walks_arguments: bool = False
    through: bool = False
    calls: str = ""
    handover: Handover | None = None
    note: str = ""

    def effects_when(self, present: bool | None) -> tuple[Effect, ...]:
        """The effects, by whether the key is there before the operation; the full ones when that is not known."""
        if self.full_when is Presence.ANY or present is None or present is (self.full_when is Presence.PRESENT):
            return self.effects
        return self.otherwise


class CallContract(Struct, kw_only=True):
    """What a function does to the structure of the containers among its positional arguments.

    `first` is the position of the first of them, `rest` tells that all later ones count too, `alone` that it counts
    only without a second argument (`max(a)`, not `max(a, b)`). `whole_gil`, `whole_free_threaded`: the function
    itself goes over all of the container, in one step; otherwise it is walked bit by bit, maybe after the call.
    """

    name: str
    operation: Operation
    first: int = 0
    rest: bool = False
    alone: bool = False
    whole_gil: bool = True
    whole_free_threaded: bool = False
    calls: str = ""
    note: str = ""


def rows(container: str, names: str, like: Contract) -> tuple[Contract, ...]:
    """One row for each of the names, which are parted by blanks."""
    _container, _name, *others = values(like)
    return tuple(made(Contract, (container, name, *others)) for name in names.split())


READ_KEY = Effect(Target.KEY, Operation.READ)
WRITE_KEY = Effect(Target.KEY, Operation.WRITE)
DELETE_KEY = Effect(Target.KEY, Operation.DELETE)
READ_STRUCTURE = Effect(Target.STRUCTURE, Operation.READ)
WALK = Effect(Target.STRUCTURE, Operation.ITERATE)
CHANGE = Effect(Target.STRUCTURE, Operation.STRUCTURAL_CHANGE)
APPEND = Effect(Target.STRUCTURE, Operation.STRUCTURAL_CHANGE, Commute.APPEND)
INSERT_KEY = Effect(Target.STRUCTURE, Operation.STRUCTURAL_CHANGE, Commute.INSERT_KEY)
ADD = Effect(Target.STRUCTURE, Operation.STRUCTURAL_CHANGE, Commute.ADD)
DISCARD = Effect(Target.STRUCTURE, Operation.STRUCTURAL_CHANGE, Commute.DISCARD)

COMPARISONS = "__eq__ __ne__ __lt__ __le__ __gt__ __ge__"

LENGTH = Contract(effects=(READ_STRUCTURE,))
ITERATION = Contract(
    effects=(WALK,), atomic_gil=False, atomic_free_threaded=False, note="the walk goes on after this step"
)
WHOLE = Contract(effects=(WALK,), note="the whole container in one C call")
WHOLE_BOTH = replace(WHOLE, walks_arguments=True, note="all of both operands in one C call")
RESHAPE = Contract(effects=(CHANGE,))
