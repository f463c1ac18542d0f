"""Records: the one ordered stream that the recorder hands to the detector.

A record is made by the thread that did the thing, after an acquire really happened and before a release
really happens, so the order of the stream is an order that the run allows.
"""

from __future__ import annotations

from collections.abc import Hashable
from types import CodeType

from raceway.model.kinds import ActorKind, Commute, LocationKind, Operation
from raceway.model.struct import Struct

Stack = tuple[tuple[CodeType, int], ...]
"""Frames as (code object, offset of the last instruction in bytes), innermost first."""


def caller_of(stack: Stack) -> object:
    """The code that called the innermost function of a stack, None where it is not known."""
    return next((code for code, _offset in stack[1:2]), None)


WHOLE = "every item"
"""Key of a container's location that stands for all its items: item accesses read it, wholesale changes write it."""


class Location(Struct):
    """A place that is read and written. `object` is a serial of ours, never an address.

    `key` is the attribute or global name, the item's key, or None for a container's structure.
    """

    object: int
    kind: LocationKind
    key: Hashable = None


class Access(Struct):
    """One access. `site` is the serial of the site, unique in the process; `variable` names the location for people.
    `caller` is the activation that called this one, where a region may be made by that."""

    actor: int
    operation: Operation
    location: Location
    site: int
    variable: str
    stack: Stack
    commute: Commute = Commute.NONE
    activation: int = 0
    task: int = 0
    caller: int = 0


class Head(Struct):
    """A read that a later write of its activation may depend on, recorded before or a repetition: it is no access."""

    access: Access


class Acquire(Struct):
    """The actor now happens after every release of `sync` so far. `held` when it is a lock that is now held.

    `stack` is where a lock was taken by an actor that would have waited for it without limit, and holds others. `where`
    is the innermost frame that took a lock, if somebody wants to know. `yields`: others of its loop run while a task
    waits for the lock.
    """

    actor: int
    sync: int
    held: bool = False
    task: int = 0
    stack: Stack = ()
    where: Stack = ()
    yields: bool = False


class Release(Struct):
    """Later acquires of `sync` happen after this. `merge` adds to earlier releases, else replaces them (a lock)."""

    actor: int
    sync: int
    merge: bool = False
    held: bool = False
    task: int = 0


class Give(Struct):
    """The actor has put something into a container: what it does from here on is told apart from what it did before."""

    actor: int


class Take(Struct):
    """The actor takes something out of a container: it now happens after what others last wrote at `location`, and all
    that they did before.

    That is for the sake of what is taken out, and whatever that holds. If nothing else ordered the actor, several use
    the object `owner` that the container belongs to (0 for none) at a time: such edges do not order accesses of that.
    """

    actor: int
    location: Location
    owner: int = 0


POOL = 0
"""Stands for the queue of the pool that a worker belongs to."""


class Job(Struct):
    """The actor is about to take its next job from this queue: what it does in it is told apart from what it did in the
    ones before, as other workers could have done those. What it acquires from now on comes before the job."""

    actor: int
    queue: int


class Fork(Struct):
    """`child` starts after everything `actor` has done so far."""

    actor: int
    child: int
    name: str
    kind: ActorKind = ActorKind.THREAD


class Spawn(Struct):
    """A task of an event loop, or a callback that one runs, was made by the task `parent`; 0 outside any. `born` is the
    place in the stream where that was, 0 for here.

    A greenlet is a task, too: what lets others run is then any call. The thread is the actor of all that its tasks do.
    They take turns on it: what one does between two suspensions is atomic for the others, and what reaches over one is
    not. A record of the actor names the task.
    """

    task: int
    parent: int
    name: str
    kind: ActorKind = ActorKind.TASK
    born: int = 0


class Suspend(Struct):
    """The task lets others run until its next record. `walks` are the sites of the loops over containers that it is in
    meanwhile, once for each."""

    task: int
    walks: tuple[int, ...] = ()


class Wake(Struct):
    """What the task `by` has just done is why `task` will go on."""

    by: int
    task: int


class Done(Struct):
    """The task will make no further record."""

    task: int


class End(Struct):
    """The actor will make no further record."""

    actor: int


class Join(Struct):
    """`actor` now happens after everything `child` has done so far."""

    actor: int
    child: int


class Retire(Struct):
    """The object of this serial died: its shadow state goes."""

    object: int


class Forget(Struct):
    """The container of this serial no longer has these keys, and what was done to them is long ago."""

    object: int
    keys: frozenset[Hashable]


class Name(Struct):
    """`sync` is called this in reports: where it was made."""

    sync: int
    file: str
    line: int
    kind: str


class Rename(Struct):
    """The actor is now called this by the program."""

    actor: int
    name: str


class Call(Struct):
    """A function was entered or left: only to be told (`model.told.ToldCall`, which has the other fields)."""

    actor: int
    site: int
    task: int
    duration: int
    error: str = ""
    message: str | None = None
    stack: Stack = ()


Record = (
    Access
    | Head
    | Acquire
    | Release
    | Give
    | Take
    | Job
    | Fork
    | Spawn
    | Suspend
    | Wake
    | Done
    | End
    | Join
    | Retire
    | Forget
    | Name
    | Rename
    | Call
)
