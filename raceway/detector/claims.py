"""What an actor may have to itself, and what it has come upon of others: asked where critical sections are split."""

from __future__ import annotations

from raceway.detector.shadow import Entry
from raceway.model.kinds import Commute, Operation, RegionKind
from raceway.model.sites import Site

HEARD = 16
"""Places for what an actor has heard of others, by their slots."""

PUTS = frozenset({Commute.APPEND, Commute.ADD, Commute.INSERT_KEY})
"""What puts something in, whatever else is there."""


class Claims:
    """The claims of one actor: `claimed` is its number when it last claimed something under a lock, `closed` when it
    last wrote what it had read in another critical section. `heard` has the slot, number and site of the newest writes
    of others that it came upon; the site is -1 if there are several of that number.
    """

    __slots__ = ("claimed", "closed", "heard")

    def __init__(self) -> None:
        self.claimed = self.closed = 0
        self.heard: list[tuple[int, int, int]] = [(-1, 0, 0)] * HEARD

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
        slot, number, site = self.heard[other.slot % HEARD]
        if slot != other.slot or number < other.number:
            self.heard[other.slot % HEARD] = (other.slot, other.number, other.access.site)
        elif number == other.number and site != other.access.site:
            self.heard[other.slot % HEARD] = (slot, number, -1)

    def has_claimed(self) -> bool:
        """Whether the actor has claimed something since it last wrote what it had read in another section."""
        return self.claimed > self.closed

    def shares(self, other: Entry) -> bool:
        """Whether nothing tells that the actor has what `other` wrote to itself: it has claimed nothing, and of what
        the other one wrote then or later it has come upon nothing else."""
        known = self.heard[other.slot % HEARD]
        return not self.has_claimed() and known == (other.slot, other.number, other.access.site)

    def may_share(self, other: Entry) -> bool:
        """The same of an actor that need not have come upon `other` itself."""
        slot, number, _site = self.heard[other.slot % HEARD]
        unheard = slot == -1 or (slot == other.slot and number < other.number)
        return self.shares(other) or (unheard and not self.has_claimed())
