"""The table of other people's objects: by identity, while they live, for all threads the same."""

from __future__ import annotations

import gc
import itertools

from raceway import originals
from raceway.sync.serials import Serials, Table
from tests.sync.recording import FakeRecorder, run


class Node:
    """May be part of a cycle, and takes itself for everybody's equal."""

    other: object = None

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def test_values_go_with_their_owners() -> None:
    table: Table[int] = Table()
    first, second = Node(), Node()
    table.put(first, 1)
    assert table.of(second, lambda: 2) == 2
    assert table.of(first, lambda: 3) == 1
    assert sorted(table.values()) == [1, 2]
    del first
    assert table.values() == [2]
    table.clear()
    assert len(table) == 0
    del second


def test_an_address_that_is_used_again_is_another_object() -> None:
    table: Table[int] = Table()
    numbers = itertools.count().__next__
    seen = [table.of(Node(), numbers) for _ in range(1000)]
    assert seen == list(range(1000))
    assert len(table) == 0


def test_cycles_are_forgotten_when_they_are_collected() -> None:
    table: Table[int] = Table()
    first, second = Node(), Node()
    first.other, second.other = second, first
    table.put(first, 1)
    table.put(second, 2)
    del first, second
    gc.collect()
    assert len(table) == 0


def test_a_value_whose_making_uses_the_table_is_made_once() -> None:
    table: Table[int] = Table()
    owner = Node()
    assert table.of(owner, lambda: table.of(owner, lambda: 1) + 1) == 1
    assert table.get(owner) == 1


def test_threads_get_the_same_serial(recorder: FakeRecorder) -> None:
    serials = Serials("test")
    owners = [Node() for _ in range(200)]
    found: list[list[int]] = []
    start = originals.allocate_lock()

    def asking() -> None:
        with start:
            pass
        found.append([serials.number(recorder, owner) for owner in owners])

    run(*[asking] * 4)
    assert found == [found[0]] * 4
    assert len(set(found[0])) == len(owners)
    # A serial that lost the race is retired.
    assert {number for number, kind in recorder.kinds.items() if kind == "test"} == set(found[0])
