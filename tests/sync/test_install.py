"""install and uninstall: what was there is there again, however often; scope; laziness; foreign patches."""

from __future__ import annotations

import _frozen_importlib
import _thread
import asyncio
import functools
import gc
import importlib
import inspect
import multiprocessing.connection
import multiprocessing.managers
import multiprocessing.queues
import multiprocessing.synchronize
import os
import queue
import select
import selectors
import socket
import ssl
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor, _base, thread
from typing import Any

import pytest

from raceway import originals, sync
from raceway.runtime import active
from raceway.sync import creation
from raceway.sync.patching import ABSENT, Patches, Watched
from raceway.sync.wrappers import around, beside
from tests.sync.recording import FakeRecorder, outcome, run, watched

OWNERS: list[Any] = [
    _thread,
    _frozen_importlib,
    functools,
    functools.cached_property,
    multiprocessing.connection.Connection,
    multiprocessing.managers.BaseProxy,
    multiprocessing.queues.JoinableQueue,
    multiprocessing.queues.Queue,
    multiprocessing.synchronize.Event,
    multiprocessing.synchronize.SemLock,
    os,
    select,
    selectors.EpollSelector,
    selectors.PollSelector,
    selectors.SelectSelector,
    socket,
    ssl.SSLSocket,
    subprocess,
    subprocess.Popen,
    importlib,
    queue,
    threading,
    _base,
    thread,
    originals,
    Future,
    queue.Queue,
    asyncio.base_events.BaseEventLoop,
    asyncio.events.Handle,
    asyncio.locks.Lock,
    socket.socket,
    queue.LifoQueue,
    queue.PriorityQueue,
    threading.Barrier,
    threading.BoundedSemaphore,
    threading.Condition,
    threading.Event,
    threading.Semaphore,
    threading.Thread,
    threading.Timer,
    threading._DummyThread,
    type(threading.main_thread()),
    ThreadPoolExecutor,
]


def attributes() -> list[dict[str, int]]:
    """The identity of every attribute of every owner."""
    return [{name: id(value) for name, value in vars(owner).items()} for owner in OWNERS]


def test_uninstalling_restores_the_identity_of_all_attributes() -> None:
    before = attributes()
    with watched():
        patches = sync._installed[0]
        changed = [owner for owner, old, new in zip(OWNERS, before, attributes(), strict=True) if old != new]
        known = {id(owner) for owner in OWNERS}  # beside these there are locks that the test runner made before
        assert {id(owner) for owner in patches.owners()} & known == {id(owner) for owner in changed}
    assert attributes() == before


def test_a_thousand_runs_leave_no_residue() -> None:
    def once() -> None:
        recorder = FakeRecorder()
        active.activate(recorder)
        sync.install(recorder)
        items: queue.Queue[int] = queue.Queue(1)
        items.put(1)
        lock, condition = threading.Lock(), threading.Condition()
        with lock, condition:
            items.get()
        sync.release(items)
        sync.uninstall()
        active.activate(None)

    before = attributes()
    once()
    gc.collect()
    blocks, objects = sys.getallocatedblocks(), len(gc.get_objects())
    for _ in range(1000):
        once()
    gc.collect()
    assert attributes() == before
    assert len(gc.get_objects()) - objects < 50
    assert sys.getallocatedblocks() - blocks < 500


def test_uninstalling_twice_or_before_is_nothing() -> None:
    before = attributes()
    sync.uninstall()
    with watched():
        sync.uninstall()
        assert attributes() == before
    assert attributes() == before


def test_installing_again_starts_anew() -> None:
    before = attributes()
    with watched():
        recorder = FakeRecorder()
        active.activate(recorder)
        sync.install(recorder)
        lock = threading.Lock()
        with lock:
            pass
        assert recorder.verbs() == ["lock_taken", "lock_freed"]
    assert attributes() == before


def test_without_an_active_recorder_the_models_are_plain() -> None:
    recorder = FakeRecorder()
    sync.install(recorder)
    try:
        assert type(threading.Lock()) is originals.LockType
        assert type(threading.RLock()) is originals.RLock
        items: queue.Queue[int] = queue.Queue()
        run(lambda: items.put(1))
        assert items.get() == 1
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(int).result() == 0
    finally:
        sync.uninstall()
    assert recorder.verbs() == []


def test_what_somebody_replaced_later_is_left_to_them() -> None:
    class Theirs:
        pass

    kept = threading.Lock
    try:
        with watched():
            threading.Lock = Theirs  # type: ignore[assignment]
        assert vars(threading)["Lock"] is Theirs
    finally:
        threading.Lock = kept


def test_locks_of_internal_modules_are_quiet_and_of_watched_ones_told() -> None:
    def told(recorder: FakeRecorder) -> list[bool]:
        owners = threading.Event(), threading.Semaphore(), threading.Barrier(1), Future[int]()
        locks = [owner._cond._lock for owner in owners[:3]]  # type: ignore[union-attr]
        pool = ThreadPoolExecutor(1)
        locks += [owners[3]._condition._lock, pool._shutdown_lock]  # type: ignore[attr-defined]
        return [is_told(lock, recorder) for lock in locks]

    def is_told(lock: Any, recorder: FakeRecorder) -> bool:
        before = len(recorder.log)
        with lock:
            pass
        return len(recorder.log) > before

    with watched() as recorder:
        assert told(recorder) == [False, False, False, False, False]
    with watched(lambda name: name == "threading") as recorder:
        recorder.unnamed_too = True
        assert told(recorder) == [True, True, True, False, False]
        assert is_told(threading._active_limbo_lock, recorder)  # type: ignore[attr-defined]
        run(lambda: None)
    with watched(lambda name: name.startswith("concurrent")) as recorder:
        assert told(recorder) == [False, False, False, True, True]
    assert type(threading._active_limbo_lock) is originals.RLock  # type: ignore[attr-defined]


def test_a_watched_queue_module_has_a_mutex_like_any_lock() -> None:
    with watched(lambda name: name == "queue") as recorder:
        items: queue.Queue[int] = queue.Queue()
        items.put(1)
        assert recorder.verbs().count("lock_taken") == 1
        items.get()
        assert recorder.verbs().count("lock_freed") == 2
    assert creation.is_quiet_module("queue")


def test_a_module_cannot_fool_the_models_with_its_name(recorder: FakeRecorder) -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]

    for name in (Odd(), None, 3):
        space: dict[str, Any] = {"__name__": name, "threading": threading}
        exec("lock = threading.Lock(); rlock = threading.RLock(); condition = threading.Condition()", space)
        with space["lock"], space["rlock"], space["condition"]:
            pass
    assert len(recorder.told("lock_taken")) == 9


def test_patches_keep_inherited_attributes_inherited() -> None:
    class Base:
        def method(self) -> int:
            return 1

    class Derived(Base):
        pass

    patches = Patches()
    patches.replace(Derived, "method", lambda self: 2)
    patches.replace(Derived, "method", vars(Derived)["method"])
    assert Derived().method() == 2
    assert patches.owners() == [Derived]
    patches.undo()
    assert "method" not in vars(Derived)
    assert Derived().method() == 1


def test_around_hides_its_frame_and_keeps_the_rest(recorder: FakeRecorder) -> None:
    told: list[object] = []

    def real(self: object, /, fail: bool = False) -> str:
        """Its own words."""
        if fail:
            raise KeyError("real")
        return "result"

    wrapper = around(real, lambda _, who: told.append(who), lambda _, who, result: told.append((who, result)))
    assert wrapper(1) == "result"
    assert told == [1, (1, "result")]
    assert wrapper.__doc__ == "Its own words."
    with pytest.raises(KeyError) as caught:
        wrapper(2, fail=True)
    assert [entry.name for entry in caught.traceback] == [
        "test_around_hides_its_frame_and_keeps_the_rest",
        "real",
    ]
    assert told[2:] == [2]


def test_a_method_with_an_option_is_called_as_before() -> None:
    class Bell:
        def ring(self, often: int = 3) -> int:
            return often // 1

    told: list[object] = []
    plain: Any = Bell()
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [((), {}), ((4,), {}), ((), {"often": 5}), ((None,), {})]
    calls += [((1, 2), {}), ((), {"seldom": 1})]

    def outcomes() -> list[object]:
        return [outcome(functools.partial(plain.ring, *a, **k)) for a, k in calls]

    before = outcomes()
    Bell.ring = beside(Bell.ring, None, lambda who, result: told.append((who, result)))  # type: ignore[method-assign]
    assert outcomes() == before
    assert told == [(plain, 3), (plain, 4), (plain, 5)]
    assert inspect.signature(Bell.ring, follow_wrapped=False).parameters.keys() == {"self", "often"}


def test_watched_attributes_stay_in_the_instance(recorder: FakeRecorder) -> None:
    told: list[object] = []

    class Owner:
        value = Watched("value", read=lambda *args: told.append(args[2:]), write=lambda *args: told.append(args[2:]))

    owner: Any = Owner()
    with pytest.raises(AttributeError, match=r"^'Owner' object has no attribute 'value'$"):
        _ = owner.value
    with pytest.raises(AttributeError):
        del owner.value
    owner.value = 1
    owner.value = 2
    assert owner.value == 2
    assert vars(owner) == {"value": 2}
    assert told == [(ABSENT, 1), (1, 2), (2,)]
    del owner.value
    assert not hasattr(owner, "value")
    assert not hasattr(Owner, "value")
