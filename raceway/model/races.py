"""Raw races: what the detector says, in ids. Naming and judging them is the business of `findings`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import CodeType

from raceway.model.kinds import LocationKind
from raceway.model.records import Access, Location
from raceway.model.struct import Struct, replace

THROUGH, THROUGH_VALUE = -2, -3
"""Regions of no site: what a task has called reads, and what it has called writes because of that, or what was read."""

ECHO = -4
"""Another one: a task stores something of its own, and asks for it later. Its head is the store."""


class Side(Struct):
    """One side: the access, the locks then held, and the read at the head of its region, if it closes one.

    `region` is the index in the site's `regions`, -1 without one. THROUGH tells that the task has read the place
    before, by what it has called; whether the write depends on that is still to be asked: see `findings.links`.
    """

    access: Access
    locks: tuple[int, ...]
    head: Access | None = None
    region: int = -1


ITEM = "[...]"
"""What the name of a variable ends with that is an item of a container, whichever key it has."""

LONGEST_KEY = 40
"""So many characters of a text that is a key are shown."""

_LARGEST = 2**63


def link_of(side: Side) -> tuple[object, ...]:
    """The stacks of a side whose region is THROUGH, else nothing."""
    if side.region > THROUGH or side.head is None:
        return ()
    return side.head.site, side.head.stack, side.access.stack


class RawRace(Struct):
    """Two conflicting accesses that nothing orders; `earlier` came first in this run.

    `observed` tells that the earlier access fell between head and write of the later one's region. `one_loop` tells
    that both are of one event loop: it orders them, but one came while the other's region or walk was suspended.
    `predicted` tells that the order in which locks were taken kept them apart, and that another one would not have.
    `item` is the key of the item that all of them are about, as `key_text` has it. Of a walk of a task that a change
    came after, `recurs` tells that the walk came again after that, `paused` that the task was suspended in it.
    `worker` is an actor that could have done one of the two, where one actor did both (see `detector.jobs`), else 0. It
    is that actor itself where that is any other of its pool.
    """

    earlier: Side
    later: Side
    observed: bool
    count: int
    one_loop: bool = False
    predicted: bool = False
    item: str = ""
    recurs: bool = False
    paused: bool = False
    worker: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        """What races that look alike share."""
        first, second = self.earlier.access, self.later.access
        operations = first.operation, second.operation
        return first.site, second.site, *operations, second.variable, self.one_loop, self.link, self._doer

    @property
    def _doer(self) -> int:
        """Who did both, 0 where two did."""
        return self.later.access.actor if self.worker else 0

    @property
    def link(self) -> tuple[object, ...]:
        """The stacks of a read and a write that may depend on it, where they lie in what was called."""
        return link_of(self.later)


def item_of(location: Location) -> str:
    """The key of the item that a location is, for people; empty where it is none, or its key cannot be told."""
    return key_text(location.key) if location.kind is LocationKind.ITEM else ""


def key_text(key: object) -> str:
    """A key as source has it, a long text cut; empty for what may have a `__repr__` of the program, or is no plain
    text, whole number, truth value or None."""
    if type(key) is str:
        return repr(key if len(key) <= LONGEST_KEY else f"{key[:LONGEST_KEY]}...")
    if type(key) is int:
        return str(key) if -_LARGEST <= key < _LARGEST else ""
    return str(key) if key is None or type(key) is bool else ""


DoubtRow = tuple[int, tuple[int, ...], int, tuple[Hashable, ...], Sequence[CodeType]]
"""The fields of a doubt."""


class Doubt(Struct):
    """A race between two jobs of one worker, of which it is still to be judged whether another one could have had one:
    its number; the serials of objects and the `keys` of items that it was seen at, of several the first two, no keys
    where they cannot be told; the kind of location; and the codes of both sides."""

    number: int
    serials: tuple[int, ...]
    kind: int
    keys: tuple[Hashable, ...]
    codes: Sequence[CodeType]


def counted(races: Iterable[RawRace]) -> dict[tuple[object, ...], int]:
    """How often each was noted, for `since`."""
    return {race.key: race.count for race in races}


def since(races: Iterable[RawRace], before: Mapping[tuple[object, ...], int]) -> list[RawRace]:
    """What has been noted after `before` was counted."""
    if not before:
        return list(races)
    more = ((race, race.count - before.get(race.key, 0)) for race in races)
    return [replace(race, count=count) for race, count in more if count > 0]
