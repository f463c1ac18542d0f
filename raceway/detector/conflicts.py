"""Which two operations on one location conflict when nothing orders them."""

from __future__ import annotations

from raceway.model.kinds import Commute, LocationKind
from raceway.model.records import Access

_BY_KEY = frozenset({Commute.INSERT_KEY, Commute.ADD, Commute.SETDEFAULT, Commute.DISCARD})


def conflict(first: Access, second: Access) -> bool:
    """Whether the two operations conflict: one mutates, and they are not a commuting pair of atomic operations.

    Structural changes that each concern one key commute with each other: when it is the same key, the item's own
    location tells.
    """
    if not (first.operation.mutates or second.operation.mutates):
        return False
    if first.location.kind is LocationKind.STRUCTURE and first.commute in _BY_KEY and second.commute in _BY_KEY:
        return False
    return first.commute is Commute.NONE or first.commute is not second.commute
