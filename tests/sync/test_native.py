"""The models in C: pointers swapped and put back, locks of before the run, what is quiet, and no residue."""

from __future__ import annotations

import _thread
import ctypes
import importlib
import inspect
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from raceway import originals
from tests.conftest import has_gil
from tests.sync.recording import FakeRecorder, models, outcome, run, watched


@pytest.fixture(autouse=True)
def _native_only(core_of_models: None) -> None:
    if models.native is None:
        pytest.skip("of the models in C")


WATCHED = ("acquire", "acquire_lock", "release", "release_lock", "__enter__", "__exit__", "_at_fork_reinit",
           "_release_save", "_acquire_restore", "locked", "_is_owned", "_recursion_count")  # fmt: skip


def pointers() -> list[int]:
    """The function of every method of the lock types, of the functions that make locks, and how the types make them."""
    word = ctypes.sizeof(ctypes.c_void_p)
    of_descriptor = object.__basicsize__ + 3 * word + (word if sys.version_info >= (3, 14) else 0)
    found: list[Any] = []
    for cls in (originals.LockType, originals.RLock):
        for name in WATCHED:
            if name in vars(cls):
                method = ctypes.c_void_p.from_address(id(vars(cls)[name]) + of_descriptor).value
                found.append(ctypes.c_void_p.from_address(method + word).value)  # type: ignore[operator]
    for function in (_thread.allocate_lock, _thread.allocate):
        method = ctypes.c_void_p.from_address(id(function) + object.__basicsize__).value
        found.append(ctypes.c_void_p.from_address(method + word).value)  # type: ignore[operator]
    return found


def test_uninstalling_puts_back_every_pointer() -> None:
    before = pointers()
    for _ in range(3):
        with watched():
            now = pointers()
            changed = sum(old != new for old, new in zip(before, now, strict=True))
            assert changed == 7 + 7 + 2
        assert pointers() == before


def test_what_is_bound_before_the_run_is_seen(recorder: FakeRecorder) -> None:
    lock, condition = before_lock, before_condition
    recorder.unnamed_too = True
    before_acquire()
    before_release()
    with lock, condition:
        assert not condition.wait(0.001)
    assert recorder.verbs() == ["lock_taken", "lock_freed", "lock_taken", "lock_taken", "lock_freed", "lock_taken",
                                "lock_freed", "lock_freed"]  # fmt: skip
    assert set(recorder.places.values()) == {("", 0)}


before_lock = threading.Lock()
before_acquire, before_release = before_lock.acquire, before_lock.release
before_condition = threading.Condition()
before_event = threading.Event()


def test_locks_of_primitives_of_before_the_run_are_quiet(recorder: FakeRecorder) -> None:
    recorder.unnamed_too = True
    before_event.set()
    assert before_event.wait()
    before_event.clear()
    run(lambda: None)
    assert "lock_taken" not in recorder.verbs()


def test_locks_of_the_import_system_are_quiet(recorder: FakeRecorder) -> None:
    recorder.unnamed_too = True
    sys.modules.pop("colorsys", None)
    importlib.import_module("colorsys")
    assert recorder.verbs() == []


def test_locks_made_through_the_module_in_c_are_seen_and_named(recorder: FakeRecorder) -> None:
    lock, rlock = _thread.allocate_lock(), _thread.RLock()
    with lock, rlock:
        pass
    assert recorder.verbs() == ["lock_taken", "lock_taken", "lock_freed", "lock_freed"]
    assert {place[0] for place in recorder.places.values()} == {__file__}


def test_a_class_derived_before_or_in_the_run_makes_locks_in_and_after_it() -> None:
    def derive(base: type) -> type:
        class Derived(base):  # type: ignore[misc]
            def __new__(cls) -> Any:
                return super().__new__(cls)

        return Derived

    plain = type("Plain", (originals.RLock,), {})
    old = derive(plain)
    with watched() as recorder:
        new = derive(type("New", (originals.RLock,), {}))
        for cls in (old, new, plain):
            with cls():
                pass
        assert recorder.verbs() == ["lock_taken", "lock_freed"] * 3
    for cls in (old, new, plain):
        with cls() as taken:
            assert taken


def test_a_signal_handler_that_raises_while_a_lock_is_waited_for_leaves_nothing_told(recorder: FakeRecorder) -> None:
    class AlarmError(Exception):
        pass

    awaited: list[object] = []

    def ring(*_: object) -> None:
        if awaited:
            raise AlarmError(awaited.pop())

    def ring_during(wait: Callable[[], object]) -> None:
        awaited.append(wait)
        wait()

    lock = threading.Lock()
    lock.acquire()
    handler = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)  # one that comes right before the wait ends none
        for wait in (lock.acquire, lock.__enter__):
            with pytest.raises(AlarmError):
                ring_during(wait)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    lock.release()
    assert recorder.verbs() == ["lock_taken", "lock_freed"]


def test_futures_made_late_in_the_run_are_watched(recorder: FakeRecorder) -> None:
    with ThreadPoolExecutor(1) as pool:
        recorder.mark("submitted")
        pool.submit(recorder.mark, "job").result()
        recorder.mark("done")
    assert recorder.before("submitted", "job")
    assert recorder.before("job", "done")


def test_conditions_of_a_queue_show_what_the_real_ones_do(recorder: FakeRecorder) -> None:
    import inspect
    import queue

    items: queue.Queue[int] = queue.Queue()
    assert inspect.signature(items.not_empty.notify) == inspect.signature(threading.Condition().notify)
    plain: Any = threading.Condition()
    assert outcome(items.not_empty.notify) == outcome(plain.notify)


@pytest.mark.skipif(not has_gil(), reason="free-threaded 3.13 keeps every function once a thread was started")
def test_a_thousand_runs_leave_nothing_behind(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import gc, queue, sqlite3, sys, threading, tracemalloc
        from raceway import _native, sync
        from raceway.runtime import active
        from raceway.runtime.native import NativeCore

        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096

        def once():
            core = NativeCore()
            core.start()
            active.activate(core.recorder)
            sync.install(core.recorder)
            items, lock, rlock = queue.Queue(2), threading.Lock(), threading.RLock()
            condition = threading.Condition(lock)
            for number in range(20):
                with condition, rlock:
                    items.put(number)
                items.get()
            event = threading.Event()
            thread = threading.Thread(target=event.set)
            thread.start()
            event.wait()
            thread.join()
            database = sqlite3.connect(sys.argv[1], isolation_level=None)
            database.execute("SELECT 1")
            database.cursor().execute("BEGIN")
            database.close()
            sync.uninstall()
            active.activate(None)
            core.stop()
            _native.forget()

        for _ in range(200):
            once()
        gc.collect()
        blocks, memory = sys.getallocatedblocks(), resident()
        for _ in range(1000):
            once()
        gc.collect()
        assert sys.getallocatedblocks() - blocks < 500, sys.getallocatedblocks() - blocks
        assert resident() - memory < 2 << 20, resident() - memory
        """)
    command = [sys.executable, "-c", program, str(tmp_path / "any.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_method_of_sockets_answers_for_the_real_one(recorder: FakeRecorder) -> None:
    sending: Any = vars(socket.socket)["send"]
    real: Any = inspect.getattr_static(socket.socket.__base__, "send")
    assert (sending.__name__, sending.__doc__, repr(sending)) == (real.__name__, real.__doc__, repr(real))
    assert inspect.unwrap(sending) is real
    with pytest.raises(TypeError, match="doesn't apply to a 'int' object"):
        sending(3, b"x")
    with pytest.raises(TypeError, match="needs an argument"):
        sending()


def test_sockets_that_took_the_place_of_others_are_ordered_apart(recorder: FakeRecorder) -> None:
    told = set()
    with socket.create_server(("127.0.0.1", 0)) as server:
        for _ in range(3):
            with socket.create_connection(server.getsockname()) as client, server.accept()[0] as accepted:
                client.send(b"x")
                assert accepted.recv(1) == b"x"
                told.add(recorder.told("acquire")[-1])
                assert recorder.told("acquire")[-1] == recorder.told("release")[-1]
    assert len(told) == 3


def test_a_watched_attribute_is_as_any_other(recorder: FakeRecorder) -> None:
    class Slow(Future[int]):
        pass

    future = Slow()
    assert vars(future)["_state"] == "PENDING"
    del future._state
    for look in (lambda: future._state, lambda: delattr(future, "_state")):
        with pytest.raises(AttributeError, match="'Slow' object has no attribute '_state'"):
            look()
    with pytest.raises(AttributeError, match="type object 'Future' has no attribute '_state'"):
        _ = Future._state
    semaphore = threading.Semaphore(2)
    semaphore._value = 2.5  # type: ignore[assignment]
    assert semaphore._value == 2.5


def test_what_ends_between_runs_leaves_nothing_to_the_next() -> None:
    with watched():
        future: Future[int] = Future()
        left, right = socket.socketpair()
        future.set_result(3)
    with watched() as later, left, right:
        assert future.result() == 3
        left.send(b"x")
        assert right.recv(1) == b"x"
        assert set(later.verbs()) == {"acquire"}  # by whoever looks at the state
