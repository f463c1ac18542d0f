"""What an actor may have to itself, and what it has come upon of others: asked where critical sections are split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from raceway.detector.clocks import Clock
from raceway.detector.shadow import Entry
from raceway.model.kinds import Commute, Operation, RegionKind
from raceway.model.sites import Site

HEARD = 16
"""Places for what an actor has heard of others, by their slots."""

PUTS = frozenset({Commute.APPEND, Commute.ADD, Commute.INSERT_KEY})
"""What puts something in, whatever else is there."""


class Heard(NamedTuple):
    """The newest writes of the actor in a slot that another one came upon: `number` and `site` of the newest that puts
    nothing in, `given` and `given_site` of the newest that does. A site is -1 if there are several of that number."""

    slot: int = -1
    number: int = 0
    site: int = -1
    given: int = 0
    given_site: int = -1


class Claims:
    """The claims of one actor: `claimed` is its number when it last claimed something under a lock, `closed` when it
    last wrote what it had read in another critical section. `heard` is what it came upon of others, by their slots.
    """

    __slots__ = ("claimed", "closed", "heard")

    def __init__(self) -> None:
        self.claimed = self.closed = 0
        self.heard = [Heard()] * HEARD

    def write(self, entry: Entry, site: Site) -> None:
        """The actor has written: a claim if it may keep others away, as a flag does that is set after a test of it, or
        as taking something out of a container does."""
        if not entry.locks or not entry.access.operation.mutates:
            return
        if entry.region >= 0:
            claims = site.regions[entry.region].kind is not RegionKind.VALUE
        elif entry.access.operation is Operation.STRUCTURAL_CHANGE:
            claims = entry.access.commute not in PUTS
        else:
            claims = entry.access.operation is Operation.DELETE
        if claims:
            self.claimed = max(self.claimed, entry.number)

    def hear(self, other: Entry) -> None:
        """The actor has come upon what another one wrote."""
        known = self.heard[other.slot % HEARD]
        if known.slot != other.slot:
            known = Heard(other.slot)
        if puts(other):
            given, given_site = _newest(known.given, known.given_site, other)
            known = known._replace(given=given, given_site=given_site)
        else:
            number, site = _newest(known.number, known.site, other)
            known = known._replace(number=number, site=site)
        self.heard[other.slot % HEARD] = known

    def has_claimed(self) -> bool:
        """Whether the actor has claimed something since it last wrote what it had read in another section."""
        return self.claimed > self.closed

    def finds(self, other: Entry) -> bool:
        """Whether nothing tells that the actor comes to what `other` wrote in turn: it has claimed nothing, and of what
        the other one wrote then or later it has come upon no more than this very write."""
        known = self.heard[other.slot % HEARD]
        if self.has_claimed() or known.slot not in (-1, other.slot):
            return False
        this = other.number, other.access.site
        return all(news[0] < other.number or news == this for news in (known[1:3], known[3:5]))

    def came_alone(self, other: Entry, firm: Clock) -> bool:
        """Whether nothing tells that the actor comes after what `other` wrote for a reason: it has claimed nothing, and
        of all that others wrote, and that locks alone order before it, it has come upon no more than what this very
        place of the program writes."""
        site = other.access.site
        return not self.has_claimed() and all(
            number <= firm.get(known.slot, 0) or where == site
            for known in self.heard
            for number, where in (known[1:3], known[3:5])
        )

    def shares(self, other: Entry, writes: Iterable[Entry] = (), alike: bool = False) -> bool:
        """Whether nothing tells that the actor has what `other` wrote to itself: it has claimed nothing, and of what
        the other one wrote then or later it has come upon nothing else. Not counted is what that has put in by one of
        `writes`, which are at the same place, in the same epoch or, if the two take `alike`, later."""
        known, number = self.heard[other.slot % HEARD], other.number
        if self.has_claimed() or known.slot not in (-1, other.slot):
            return False
        later = known.given == number or (alike and known.given > number)
        told = known.number >= number and (known.number, known.site) != (number, other.access.site)
        return not told and (known.given < number or (later and any(_is_given(one, known) for one in writes)))


def puts(entry: Entry) -> bool:
    """Whether the write puts something in, whatever else is there."""
    return entry.access.operation is not Operation.DELETE and entry.access.commute in PUTS


def _newest(number: int, site: int, other: Entry) -> tuple[int, int]:
    """Number and site of the newest write, `other` included."""
    if number < other.number:
        return other.number, other.access.site
    return number, site if number > other.number or site == other.access.site else -1


def _is_given(entry: Entry, known: Heard) -> bool:
    given = entry.slot, entry.number, entry.access.site
    return given == (known.slot, known.given, known.given_site) and puts(entry)
