"""Records: the one ordered stream that the recorder hands to the detector.

A record is made by the thread that did the thing, after an acquire really happened and before a release
really happens, so the order of the stream is an order that the run allows.
"""

from __future__ import annotations

from collections.abc import Hashable
from types import CodeType

from msgspec import Struct

from raceway.model.kinds import ActorKind, Commute, LocationKind, Operation

Stack = tuple[tuple[CodeType, int], ...]
"""Frames as (code object, offset of the last instruction in bytes), innermost first."""


WHOLE = "every item"
"""Key of a container's location that stands for all its items: item accesses read it, wholesale changes write it."""


class Location(Struct, frozen=True):
    """A place that is read and written. `object` is a serial of ours, never an address.

    `key` is the attribute or global name, the item's key, or None for a container's structure.
    """

    object: int
    kind: LocationKind
    key: Hashable = None


class Access(Struct, frozen=True):
    """One access. `site` is the serial of the site, unique in the process; `variable` names the location for people."""

    actor: int
    operation: Operation
    location: Location
    site: int
    variable: str
    stack: Stack
    commute: Commute = Commute.NONE
    activation: int = 0


class Acquire(Struct, frozen=True):
    """The actor now happens after every release of `sync` so far. `held` when it is a lock that is now held."""

    actor: int
    sync: int
    held: bool = False


class Release(Struct, frozen=True):
    """Later acquires of `sync` happen after this. `merge` adds to earlier releases, else replaces them (a lock)."""

    actor: int
    sync: int
    merge: bool = False
    held: bool = False


class Fork(Struct, frozen=True):
    """`child` starts after everything `actor` has done so far."""

    actor: int
    child: int
    name: str
    kind: ActorKind = ActorKind.THREAD


class End(Struct, frozen=True):
    """The actor will make no further record."""

    actor: int


class Join(Struct, frozen=True):
    """`actor` now happens after everything `child` has done so far."""

    actor: int
    child: int


class Retire(Struct, frozen=True):
    """The object of this serial died: its shadow state goes."""

    object: int


class Name(Struct, frozen=True):
    """`sync` is called this in reports: where it was made."""

    sync: int
    file: str
    line: int
    kind: str


class Rename(Struct, frozen=True):
    """The actor is now called this by the program."""

    actor: int
    name: str


Record = Access | Acquire | Release | Fork | End | Join | Retire | Name | Rename
