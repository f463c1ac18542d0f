"""The lock-order graph: the search rule by rule, and both cores alike on random traces."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from raceway.detector.detector import Detector
from raceway.detector.lockorder import KEPT, cycles
from raceway.model.kinds import ActorKind
from raceway.model.locks import LockOrder
from raceway.model.records import Acquire, Done, Fork, Join, Record, Release, Spawn, Wake
from tests.conftest import available_cores
from tests.detector.cores import native_locks, pure_locks
from tests.detector.traces import SITES, STACK, traces

A, B, C, GATE = 60, 61, 62, 63

FORKS: list[Record] = [Fork(0, 1, "a"), Fork(0, 2, "b"), Fork(0, 3, "c")]


def nested(actor: int, *locks: int) -> list[Record]:
    """The actor takes the locks, each under those before, and frees them."""
    taken: list[Record] = [Acquire(actor, lock, held=True, stack=STACK) for lock in locks]
    return [*taken, *(Release(actor, lock, held=True) for lock in reversed(locks))]


def found(trace: list[Record]) -> list[tuple[int, ...]]:
    """The locks taken in each cycle."""
    facts = pure_locks(trace, SITES)
    return [tuple(sorted(order.taken for order in cycle)) for cycle in cycles(facts.orders, facts.signals)]


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ([*nested(1, A, B), *nested(2, B, A)], [(A, B)]),
        ([*nested(1, A, B), *nested(2, A, B)], []),
        ([*nested(1, A, B), *nested(1, B, A)], []),
        ([*nested(1, GATE, A, B), *nested(2, GATE, B, A)], []),
        ([*nested(1, GATE, A, B), *nested(2, B, A)], [(A, B)]),
        ([*nested(1, A, B), *nested(2, B, C), *nested(3, C, A)], [(A, B, C)]),
        ([*nested(1, A, B), Join(0, 1), *nested(0, B, A)], []),
        ([*nested(1, A, B), Release(1, 50), Acquire(2, 50), *nested(2, B, A)], []),
        ([*nested(0, A, B), Fork(0, 9, "d"), *nested(9, B, A)], []),
        ([*nested(0, A, B), Fork(0, 9, "d"), *nested(0, A, B), *nested(9, B, A)], [(A, B)]),
        ([*nested(1, A, B), *nested(2, B, A), Acquire(1, A, held=True, stack=STACK), Release(2, A, held=True)], []),
    ],
    ids=[
        "opposite", "same", "one actor", "gate", "gate of one", "three", "joined", "told", "forked after",
        "before and after a fork", "signal",
    ],
)  # fmt: skip
def test_a_cycle_is_one_of_actors_that_may_meet(trace: list[Record], expected: list[tuple[int, ...]]) -> None:
    assert found([*FORKS, *trace]) == expected


def of_task(task: int, *locks: int) -> list[Record]:
    """The same of a task of one loop."""
    taken: list[Record] = [Acquire(1, lock, True, task, STACK, yields=True) for lock in locks]
    return [*taken, *(Release(1, lock, False, True, task) for lock in reversed(locks))]


def spawned(task: int, parent: int = 0) -> Record:
    return Spawn(task, parent, "t", ActorKind.TASK)


TASKS: list[Record] = [Fork(0, 1, "loop"), spawned(30), spawned(31, 30), spawned(32, 30)]


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ([*of_task(31, A, B), *of_task(32, B, A)], [(A, B)]),
        ([*of_task(31, A, B), *of_task(31, B, A)], []),
        ([*of_task(31, GATE, A, B), *of_task(32, GATE, B, A)], []),
        ([*of_task(31, A, B), Wake(31, 32), *of_task(32, B, A)], []),
        ([Wake(31, 32), *of_task(31, A, B), *of_task(32, B, A)], [(A, B)]),
        ([*of_task(31, A, B), Wake(31, 30), Wake(30, 32), *of_task(32, B, A)], []),
        ([*of_task(31, A, B), spawned(33, 31), *of_task(33, B, A)], []),
        ([spawned(33, 31), *of_task(31, A, B), *of_task(33, B, A)], [(A, B)]),
        ([*of_task(31, A, B), Done(31), Wake(0, 30), spawned(33, 30), *of_task(33, B, A)], []),
        ([*of_task(31, A, B), Done(31), spawned(33, 30), *of_task(33, B, A)], [(A, B)]),
        ([*of_task(31, A, B), Done(31), *of_task(30, B, A)], []),
        ([*of_task(31, A, B), Wake(31, 32), *of_task(31, A, B), *of_task(32, B, A)], [(A, B)]),
    ],
    ids=[
        "opposite", "one task", "gate", "woken", "woken before", "woken through", "made after", "made before",
        "over and waited", "over and nobody waited", "over, its maker", "before and after",
    ],
)  # fmt: skip
def test_tasks_of_one_loop_may_meet_unless_one_comes_after_the_other(
    trace: list[Record], expected: list[tuple[int, ...]]
) -> None:
    assert found([*TASKS, *trace]) == expected


def test_of_many_times_the_first_and_the_last_are_kept() -> None:
    detector = Detector(SITES.__getitem__)
    for child in range(1, 40):
        for record in [Fork(0, child, "t"), *nested(child, A, B)]:
            detector.feed(record)
    kept = [order.actor for order in detector.orders.all()]
    assert kept == [1, 2, 3, 4, 36, 37, 38, 39]
    assert len(kept) == KEPT
    assert {order.count for order in detector.orders.all()} == {39}


def told(orders: tuple[LockOrder, ...]) -> list[tuple[object, ...]]:
    """What does not depend on the numbers of slots."""
    return [(one.actor, one.held, one.taken, one.number, one.count, one.mark, one.known) for one in orders]


@pytest.mark.skipif("native" not in available_cores(), reason="there is no native core to compare with")
@settings(max_examples=150, deadline=None)
@given(traces())
def test_both_cores_know_the_same_orders_and_cycles(trace: list[Record]) -> None:
    pure, native = pure_locks(trace, SITES), native_locks(trace, SITES)
    assert told(native.orders) == told(pure.orders)
    assert native.signals == pure.signals
    rings = [[told(ring) for ring in cycles(facts.orders, facts.signals)] for facts in (pure, native)]
    assert rings[0] == rings[1]
