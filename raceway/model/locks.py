"""What a core knows of locks beyond races: in which order they were taken, who waits for whom, how long it took.

Values in serials and code objects, as in `races`; naming them is the business of `findings`. Times are nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from raceway.model.records import Stack
from raceway.model.struct import Struct


class LockOrder(Struct):
    """`actor` took the lock `taken` while it held the locks `held`, and would have waited for it without limit.

    The epoch (`number` at `slot`) and the `clock`, as pairs of slot and number, are those of the order that does not
    come from locks. `count` is how often the place took the lock under these locks. Of a task that lets others of its
    loop run while it waits, `mark` is the number of this time among them and `known` has a bit for each of those times
    that come before it; -1 for others.
    """

    actor: int
    held: tuple[int, ...]
    taken: int
    stack: Stack
    slot: int
    number: int
    clock: tuple[tuple[int, int], ...]
    count: int
    mark: int = -1
    known: int = 0


class Waiting(Struct):
    """`actor` waits at `stack` for the lock `sync`, which `holder` has (0: nobody known), and holds `held` itself."""

    actor: int
    sync: int
    holder: int
    held: tuple[int, ...]
    stack: Stack


class Contention(Struct):
    """How a lock was taken at one place: all locks that one line made count together; `sync` is one of them.

    `waits` of the `acquisitions` had to wait, `wait_ns` in all and `longest_ns` at most. `held_ns` is how long the
    lock was then held, over the `holds` that began with a wait and are over: the others read no clock.
    """

    sync: int
    stack: Stack
    acquisitions: int
    waits: int
    wait_ns: int
    longest_ns: int
    holds: int
    held_ns: int


class LockFacts(Struct):
    """All that a core knows of locks. `signals` are those that were freed by another actor than their taker's.

    `deadlocks` are cycles of actors of which each waited for a lock of the next one, without limit; `waiting` is who
    waits now.
    """

    orders: tuple[LockOrder, ...] = ()
    signals: frozenset[int] = frozenset()
    deadlocks: tuple[tuple[Waiting, ...], ...] = ()
    waiting: tuple[Waiting, ...] = ()
    contention: tuple[Contention, ...] = ()

    def locks(self) -> set[int]:
        """Every lock that is named here."""
        orders = {lock for order in self.orders for lock in (*order.held, order.taken)}
        waits = [wait for cycle in (*self.deadlocks, self.waiting) for wait in cycle]
        return (
            orders
            | {lock for wait in waits for lock in (*wait.held, wait.sync)}
            | {one.sync for one in self.contention}
        )


class LockMark(Struct):
    """What was known of locks at a moment, for `orders_since` and `deadlocks_since`: `orders` has how often each
    dependency was met."""

    orders: Mapping[tuple[object, ...], int]
    deadlocks: tuple[tuple[Waiting, ...], ...] = ()


def mark_locks(facts: LockFacts) -> LockMark:
    """What is known now."""
    return LockMark({_dependency(order): order.count for order in facts.orders}, facts.deadlocks)


def orders_since(cycles: Iterable[tuple[LockOrder, ...]], before: LockMark) -> list[tuple[LockOrder, ...]]:
    """The cycles that were closed after `before`, and those that were gone through once more, all of them."""
    return [cycle for cycle in cycles if _is_new(cycle, before.orders)]


def deadlocks_since(facts: LockFacts, before: LockMark) -> tuple[tuple[Waiting, ...], ...]:
    """The deadlocks that came after `before`."""
    return tuple(ring for ring in facts.deadlocks if ring not in before.deadlocks)


def _is_new(cycle: tuple[LockOrder, ...], known: Mapping[tuple[object, ...], int]) -> bool:
    more = [order.count - known.get(_dependency(order), 0) for order in cycle]
    return all(more) or any(_dependency(order) not in known for order in cycle)


def _dependency(order: LockOrder) -> tuple[object, ...]:
    return order.held, order.taken, order.stack[:1]
