"""Serials of objects: stable while they live, never used twice, and no object kept alive."""

from __future__ import annotations

import gc
import sys
import sysconfig
import threading
import weakref
from collections.abc import Iterator

import pytest

from raceway.runtime.identity import Identity


class Thing:
    """An object that can be weakly referenced."""


class Slotted:
    """One that cannot."""

    __slots__ = ("inner",)


@pytest.fixture
def retired() -> list[int]:
    """Serials in the order in which they were retired."""
    return []


@pytest.fixture
def identity(retired: list[int]) -> Iterator[Identity]:
    """A started identity table."""
    table = Identity(retired.append)
    table.start()
    yield table
    table.stop()


@pytest.mark.parametrize("make", [Thing, Slotted, list, dict, set, object])
def test_the_serial_stays_while_the_object_lives(identity: Identity, make: type) -> None:
    thing = make()
    assert identity.of(thing).serial == identity.of(thing).serial


@pytest.mark.parametrize("make", [Thing, Slotted, list, dict, set])
def test_a_reused_address_gets_a_new_serial(identity: Identity, make: type) -> None:
    seen = set()
    for _ in range(500):
        thing = make()
        seen.add(identity.of(thing).serial)
        del thing
    assert len(seen) == 500


def test_weakly_referenced_objects_die_at_once(identity: Identity, retired: list[int]) -> None:
    thing = Thing()
    serial = identity.of(thing).serial
    died: list[int] = []
    reference = weakref.ref(thing, lambda _reference: died.append(1))
    del thing
    assert (reference(), died, retired) == (None, [1], [serial])


def test_held_objects_are_let_go_after_a_few_lookups(identity: Identity, retired: list[int]) -> None:
    inner = Thing()
    died = weakref.ref(inner)
    holder = [inner]
    serial = identity.of(holder).serial
    del holder, inner
    other = Thing()
    for _ in range(3):
        identity.of(other)
    assert died() is None
    assert serial in retired


def test_cycles_through_held_objects_are_collected(identity: Identity, retired: list[int]) -> None:
    thing = Thing()
    died = weakref.ref(thing)
    thing.ring = [thing]  # type: ignore[attr-defined]
    serial = identity.of(thing.ring).serial  # type: ignore[attr-defined]
    del thing
    gc.collect()
    assert died() is None
    assert serial in retired


def test_living_held_objects_survive_a_collection(identity: Identity) -> None:
    keep = [[Thing()] for _ in range(20)]
    serials = [identity.of(one).serial for one in keep]
    gc.collect()
    assert [identity.of(one).serial for one in keep] == serials


def test_what_takes_an_address_during_a_collection_gets_a_new_serial(identity: Identity) -> None:
    keep: list[list[int]] = [[]]
    serial, address = identity.of(keep[0]).serial, id(keep[0])
    others: list[list[int]] = []

    def replace(phase: str, details: dict[str, int]) -> None:
        # What another thread may do while the collector runs.
        if phase == "start":
            keep.clear()
            while len(others) < 1000 and not any(id(one) == address for one in others):
                others.append([])

    gc.callbacks.append(replace)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(replace)
    assert serial not in [identity.of(one).serial for one in others]


def test_serials_stay_apart_while_another_thread_collects(identity: Identity) -> None:
    done = threading.Event()

    def collect() -> None:
        while not done.is_set():
            gc.collect()

    collector = threading.Thread(target=collect)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    collector.start()
    serials = []
    try:
        for number in range(3000):
            thing = [number] if number % 2 else []
            serials.append(identity.of(thing).serial)
    finally:
        done.set()
        collector.join()
        sys.setswitchinterval(interval)
    assert len(set(serials)) == len(serials)


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="only then is there but one generation")
def test_every_collection_of_a_free_threaded_build_is_a_full_one(identity: Identity, retired: list[int]) -> None:
    ring: list[object] = []
    ring.append(ring)
    serial = identity.of(ring).serial
    del ring
    gc.collect(0)
    assert serial in retired


def test_lookups_call_no_code_of_the_object(identity: Identity) -> None:
    class Hostile:
        def __hash__(self) -> int:
            raise AssertionError

        def __eq__(self, other: object) -> bool:
            raise AssertionError

        def __bool__(self) -> bool:
            raise AssertionError

        def __getattribute__(self, name: str) -> object:
            raise AssertionError

    assert identity.of(Hostile()).serial


def test_stop_lets_go_of_everything(retired: list[int]) -> None:
    table = Identity(retired.append)
    table.start()
    callbacks = len(gc.callbacks)
    inner = Thing()
    died = weakref.ref(inner)
    holder = [inner]
    table.of(holder)
    table.stop()
    del holder, inner
    assert died() is None
    assert len(gc.callbacks) == callbacks - 1
