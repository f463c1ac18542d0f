"""Benign classes that the source of both sides tells: why a race does no harm, as far as that can be read there."""

from __future__ import annotations

from collections.abc import Callable

from raceway.findings import asking, emptying, expecting, leaving, moments, rewalking, tickets
from raceway.findings.classify import Member, Openings
from raceway.findings.owners import asks_for_itself
from raceway.model.kinds import FindingKind, Operation
from raceway.model.races import RawRace
from raceway.model.sites import Site

_OWNER = "who asks whether it is the owner itself gets the same answer from all that others store"

_PLAIN = frozenset({FindingKind.READ_WRITE, FindingKind.WRITE_WRITE})
_BORNE = frozenset({FindingKind.CHECK_THEN_ACT, FindingKind.READ_WRITE, FindingKind.WRITE_WRITE})

Where = tuple[str, Site]
"""A file and a site in it."""


def reason(
    race: RawRace,
    kind: FindingKind,
    parts: tuple[Member, Member],
    places: tuple[Where, Where],
    site_of: Callable[[int], Site],
    openings: Openings,
) -> str:
    """Why the race does no harm; empty when the source does not tell. `places` are where its two sides are."""
    earlier, later = places
    if emptying.only_empties(race, earlier, later):
        return emptying.REASON
    if kind in _PLAIN and emptying.both_claim(race, earlier, later):
        return emptying.CLAIM
    if kind is FindingKind.ITERATION_MUTATION:
        walks = race.earlier.access.operation is Operation.ITERATE
        return rewalking.REASON if rewalking.begins_anew(*((earlier, later) if walks else (later, earlier))) else ""
    if kind is FindingKind.LOST_UPDATE and emptying.writes_nothing_back(parts, places, site_of):
        return emptying.BY_KEY
    if kind is FindingKind.LOST_UPDATE and emptying.leaves_what_is_put_in(parts, places, site_of):
        return emptying.BY_VALUE
    if kind is FindingKind.WRITE_WRITE and moments.both_stamp(earlier, later):
        return moments.REASON
    if kind in _BORNE and expecting.expects_gone(parts, places, site_of, openings):
        return expecting.REASON
    reads_first = race.later.access.operation.mutates
    reading, storing = (race.earlier, race.later) if reads_first else (race.later, race.earlier)
    reader, writer = (earlier, later) if reads_first else (later, earlier)
    if reading.access.operation is not Operation.READ:
        return ""
    if asks_for_itself(reader, writer):
        return _OWNER
    if asking.looks_again(reader, storing):
        return asking.LOOKS_AGAIN
    if kind is not FindingKind.READ_WRITE:
        return ""
    if emptying.takes_as_many(reader, writer[1]):
        return emptying.COUNTED
    if not reads_first and tickets.is_asked_by_ticket(race, writer, reader[1]):
        return tickets.REASON
    if leaving.is_left(reader, writer[1]):
        return leaving.REASON.format(writer[1].literal)
    if asking.asks_again(reader, writer, storing, site_of):
        return asking.REASON
    return ""
