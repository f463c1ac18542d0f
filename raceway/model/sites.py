"""Sites: every place in the user's source that has a tap, as values."""

from __future__ import annotations

import enum

from raceway.model.kinds import RegionKind
from raceway.model.struct import Struct

FUNCTIONS = "+functions"
"""What the name of a form of rendering ends with that has taps of function bodies."""


class SiteForm(enum.Enum):
    """Which construct the taps of a site stand at; decides what an operand reaching them means."""

    ATTRIBUTE = "attribute"
    METHOD = "method"
    ITEM = "item"
    GLOBAL = "global"
    CELL = "cell"
    ITERATE = "iterate"
    CONTAINS = "contains"
    FUNCTION = "function"
    IMPORT = "import"
    BODY = "body"
    """Of a function: entered and left."""


class Context(enum.Enum):
    """What the construct does with the place."""

    LOAD = "load"
    STORE = "store"
    DELETE = "delete"
    AUGMENT = "augment"
    CALL = "call"


class Role(enum.Enum):
    """Which operand of the construct one tap receives. The value is the letter that the text form shows.

    A site has up to three taps. The one in `Site.commit` comes last and records; the others only hold their operand.
    STATEMENT taps stand as statements of their own where the construct has no expression to tap.
    """

    BASE = "S"
    KEY = "K"
    VALUE = "W"
    STATEMENT = "G"


class Region(Struct):
    """An earlier read that a write depends on.

    `head` is the index of the reading site in the same module. `spans` tells that a switch point (call, loop
    back-edge, await) lies between the read and the write, `awaits` that an await does, `switches` that a greenlet may
    have let others run there. `splits`: the two lie in `with` blocks of their own, and nothing was looked at anew in
    the one of the write. `instead`: the test reads the place here too, and a short circuit may have passed by the read
    of the region before this one; the newest reached counts. `calls`: the head lies in another function, and these are
    the lines of those calls of the write's function that depend on what that one gave back; empty for a head in the
    function of the write. `sure`: the write stores what was awaited for since the read, on
    all ways between the two. `waits`: the head is the test of an `if` in which a condition is waited for, and the write
    takes what the test has asked for without a second look. `apart`: the head lies in a method or property that the
    write's function has asked. `fills`: the write puts something into what the test has found not to be full. `here`:
    the head of a region with `calls` is a test in the function that makes them. `brings`: it stores what was there
    before the test: who finds nothing there takes the place, and makes no value for it. `takes`: it takes out what the
    test has found, and fails if that is gone.
    """

    head: int
    kind: RegionKind
    spans: bool
    awaits: bool = False
    splits: bool = False
    switches: bool = False
    instead: bool = False
    calls: tuple[int, ...] = ()
    sure: bool = False
    waits: bool = False
    apart: bool = False
    fills: bool = False
    here: bool = False
    brings: bool = False
    takes: bool = False


OTHER = ""
"""In the place of a name: what is awaited is no call of a function or method."""

Link = tuple[int, int, bool]
"""A line that asks, one that acts because of the answer, and whether it is given the answer."""


class Site(Struct):
    """One tapped place. Lines are 1-based, columns 0-based offsets in UTF-8 bytes as CPython counts them.

    `name` is the attribute, method, function, global or cell name; `base` the source of the tapped operand, `label` the
    name people know it by (`Shop.stock`); `function` the qualified name of the enclosing function. `key` is the source
    of a literal key when no KEY tap receives it, `keyed` tells that the place has a key at all. `spans`: an augmented
    assignment has a switch point between its read and its write, or a walk has one between its steps; `suspends`: a
    walk has an await between its steps. `opens`: an await lies between this read and a write that depends on it; of a
    store, that it stores something of the activation, and of a read that is no head, that it may ask for that again;
    `switches`: a greenlet may let others run there. `lent`: the place is part of a region with `calls`. `literal` is
    the source of the literal that a store writes. `flag` marks reads in the test of a `while`, and stores of True or
    False; and calls of what an attribute has that is given functions, and stores of such functions. `is_head`: a later
    write of the same function depends on this read. `through`: the attribute that the operand was loaded from just
    before, empty otherwise. `rechecked`: the write follows a second test of its location inside the guard of a first
    one, as double-checked locking does, and `double_checked` marks the first tests of such writes. `made`: the operand
    is still being made by this function, which has handed it to nobody; `given`: it is so, too, if a store in one that
    is being made has called this function. `whole`: what is stored is a container that was made here, or a view is
    copied by the call that it is made for. `once`: nothing else in the function reads the place. `waits` marks reads in
    the test of a `while` that does nothing but wait, and what the end of a loop says that the last test has read;
    `polled` the latter, reads in the tests of such loops, and stores of what they ask for. `counted`: a slice is
    deleted whose end the function has counted. `told`: what the read gives goes into a log, or into what `__repr__`
    gives, or is a number of items that the function gives back ("log", "shown", "count"). `answers`: what the function
    gives back depends on this read; `asks`: something else that this coroutine does depends on it. `links`: of the
    first site of a module, which lines of its coroutines do something because of the answers of which other ones.
    `rounds`: of a walk each round of which comes to an await, the names of what these call. `coroutines`: of the first
    site of a module, the names of its coroutine functions, each with those of what it awaits. `called`: the function
    that does to its argument what the method `name` would.
    """

    index: int
    form: SiteForm
    context: Context
    commit: Role
    name: str
    base: str
    label: str
    function: str
    line: int
    column: int
    end_line: int
    end_column: int
    keyed: bool = False
    key: str = ""
    regions: tuple[Region, ...] = ()
    is_head: bool = False
    spans: bool = False
    literal: str = ""
    flag: bool = False
    through: str = ""
    rechecked: bool = False
    double_checked: bool = False
    suspends: bool = False
    opens: bool = False
    switches: bool = False
    lent: bool = False
    made: bool = False
    whole: bool = False
    once: bool = False
    waits: bool = False
    counted: bool = False
    polled: bool = False
    given: bool = False
    told: str = ""
    answers: bool = False
    asks: bool = False
    links: tuple[Link, ...] = ()
    rounds: tuple[str, ...] = ()
    coroutines: tuple[tuple[str, tuple[str, ...]], ...] = ()
    called: str = ""

    @property
    def verb(self) -> str:
        """The method or function that the source names."""
        return self.called or self.name
