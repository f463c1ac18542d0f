"""acquire(obj) and release(obj): by identity, by value for plain values, and without keeping objects alive."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import pytest

from raceway import sync
from raceway.sync import handmade
from tests.sync.recording import FakeRecorder, Gate, run, watched


class Plain:
    """Equal to everything, and not to be hashed."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    def __hash__(self) -> int:
        raise AssertionError("hashed")


class Slotted:
    """Allows no weak references."""

    __slots__ = ()


@pytest.mark.parametrize("make", [Plain, Slotted, lambda: (1, []), lambda: "name", lambda: 10**9, lambda: b"x", list])
def test_a_release_is_before_later_acquires(make: Callable[[], object], recorder: FakeRecorder) -> None:
    obj, released = make(), Gate()

    def first() -> None:
        recorder.mark("first")
        sync.release(obj)
        recorder.mark("later")
        released.open()

    def second() -> None:
        released.wait()
        sync.acquire(obj)
        recorder.mark("second")

    run(first, second)
    assert recorder.before("first", "second")
    assert not recorder.before("later", "second")


def test_releases_add_up(recorder: FakeRecorder) -> None:
    obj, turn = Plain(), Gate()

    def first() -> None:
        recorder.mark("first")
        sync.release(obj)
        turn.open()

    def second() -> None:
        turn.wait()
        recorder.mark("second")
        sync.release(obj)

    run(first, second)
    assert not recorder.before("first", "second")

    def third() -> None:
        sync.acquire(obj)
        recorder.mark("third")

    run(third)
    assert recorder.before("first", "third")
    assert recorder.before("second", "third")


def test_plain_values_are_told_by_value_and_objects_by_identity(recorder: FakeRecorder) -> None:
    for one, other in [("".join("ab"), "".join("ab")), (10**20, int("1" + 20 * "0")), (bytes(2), bytes(2))]:
        assert handmade.number(recorder, one) == handmade.number(recorder, other)
    for one, other in [([], []), ((1, []), (1, [])), (Plain(), Plain()), (1, True), ("1", b"1")]:
        assert handmade.number(recorder, one) != handmade.number(recorder, other)


def test_an_object_with_weak_references_is_not_kept_alive(recorder: FakeRecorder) -> None:
    obj = Plain()
    reference = weakref.ref(obj)
    sync.release(obj)
    assert len(recorder.kinds) == 1
    del obj
    assert reference() is None
    assert recorder.kinds == {}


def test_other_objects_are_kept_until_the_run_ends_and_so_many_only() -> None:
    with watched() as recorder:
        for number in range(10_000):
            sync.release((number,))
        assert len(handmade.kept) == len(recorder.kinds) == 4096
        sync.release(first := (object(),))
        assert any(obj is first for obj, _serial in handmade.kept.values())
    assert handmade.kept == {}


def test_outside_a_run_nothing_happens() -> None:
    sync.release(Plain())
    sync.acquire(Slotted())
    assert handmade.kept == {}
