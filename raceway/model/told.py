"""What a core tells of a run while it goes on: synchronisation, the accesses that a race can be made of, and calls.

Told in the order of the stream, with one exception: while one actor has a location to itself its accesses are not told.
When another one comes, what the first left in shadow, its last write and read, is told late. A write may depend on an
earlier read (its region's head) that is not told by itself: the write says which, and when that was.
"""

from __future__ import annotations

from raceway.model.kinds import Commute, LocationKind, Operation
from raceway.model.records import Stack
from raceway.model.struct import Struct


class ToldEdge(Struct):
    """An edge, or what things are called.

    `number` is the actor's epoch before the edge, `time` nanoseconds since 1970. `other` is the synchronisation object,
    the other actor or task, or what died. `text` names an actor, a task or the sort of a synchronisation object, made
    at `file:line`; where a lock was taken is told on request only. `task` is the task or callback that the actor works
    for or that spawns one, 0 for none.
    """

    verb: int
    time: int
    actor: int
    number: int
    other: int
    text: str = ""
    file: str = ""
    line: int = 0
    task: int = 0


class ToldAccess(Struct):
    """An access. `operation`, `commute` and `kind` are places in the definitions of `model.kinds`.

    `object` and `key` tell its location apart from all others of that kind. `sequence` counts accesses, `locks` were
    held. A write that closes a region has the region's index and its head's site, read when the count was `since`.
    `late`: told after what its actor did in later epochs. `value` is what a write wrote, or what an augmented
    assignment found, as `raceway.model.values.scalar` has it; None too where it was not seen. `name` is the key of an
    item that has a value, when that is a text. `task` as of edges. `stack` is told on request only.
    """

    time: int
    actor: int
    number: int
    site: int
    operation: int
    commute: int
    object: int
    kind: int
    key: int
    variable: str
    sequence: int
    locks: tuple[int, ...] = ()
    region: int = -1
    head: int = 0
    since: int = 0
    late: bool = False
    value: str | float | None = None
    name: str | None = None
    task: int = 0
    stack: Stack = ()


class ToldCall(Struct):
    """A function was entered or, when `duration` is not below 0, left after so many nanoseconds.

    `arguments` are names with values as `ToldAccess.value` has them; None where they were not seen. `error` is the type
    of the exception that left the function, empty for none. `message` is what it says, `stack` where it came from; None
    and empty when an inner function has told that. `number` and `task` as of accesses.
    """

    time: int
    actor: int
    number: int
    site: int
    task: int
    duration: int
    arguments: tuple[tuple[str, str | float | None], ...] | None = None
    error: str = ""
    message: str | None = None
    stack: Stack = ()


Told = ToldEdge | ToldAccess | ToldCall

OPERATIONS = tuple(Operation)
COMMUTES = tuple(Commute)
KINDS = tuple(LocationKind)

TOLD_LIMIT = 1 << 16
"""What waits to be asked for; what comes on top is dropped and counted."""

CALLS_LIMIT = TOLD_LIMIT // 2
"""When so much waits, no function is told as entered any more: what races are made of goes first."""
