"""Lock and RLock: what they tell, and that they behave as the real ones do."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from raceway import originals, sync
from raceway.runtime import active
from tests.sync.recording import FakeRecorder, Gate, outcome, run, settle, watched


def make_lock() -> Any:
    """A lock from whatever makes them now."""
    return threading.Lock()


def make_rlock() -> Any:
    """An RLock from whatever makes them now."""
    return threading.RLock()


FACTORIES: list[Callable[[], Any]] = [make_lock, make_rlock]


@pytest.mark.parametrize("make", FACTORIES)
def test_what_was_done_under_a_lock_is_before_what_is_done_under_it_next(
    make: Callable[[], Any], recorder: FakeRecorder
) -> None:
    lock, freed = make(), Gate()

    def first() -> None:
        with lock:
            recorder.mark("first")
        recorder.mark("outside")
        freed.open()

    def second() -> None:
        freed.wait()
        with lock:
            recorder.mark("second")

    run(first, second)
    assert recorder.before("first", "second")
    assert not recorder.before("outside", "second")


@pytest.mark.parametrize("make", FACTORIES)
def test_only_success_at_the_outermost_level_is_told(make: Callable[[], Any], recorder: FakeRecorder) -> None:
    lock, held, done = make(), Gate(), Gate()

    def holder() -> None:
        with lock:
            held.open()
            done.wait()

    def prober() -> None:
        held.wait()
        recorder.mark("probing")
        assert not lock.acquire(False)
        assert not lock.acquire(timeout=0.001)
        recorder.mark("probed")
        done.open()

    run(holder, prober)
    told = [entry for entry in recorder.log if entry[0] in ("mark", "lock_taken", "lock_freed")]
    assert [verb for verb, _actor, _arguments in told] == ["lock_taken", "mark", "mark", "lock_freed"]


def test_levels_of_an_rlock_are_one_taking(recorder: FakeRecorder) -> None:
    lock = threading.RLock()
    with lock, lock:
        assert lock.acquire()
        lock.release()
    assert recorder.verbs() == ["lock_taken", "lock_freed"]


def test_a_lock_may_be_freed_by_another_thread(recorder: FakeRecorder) -> None:
    lock = threading.Lock()
    lock.acquire()

    def handing_over() -> None:
        recorder.mark("before")
        lock.release()

    run(handing_over)
    lock.acquire()
    recorder.mark("after")
    taken, freed = recorder.told("lock_taken"), recorder.told("lock_freed")
    assert taken == [taken[0]] * 2
    assert freed == [taken[0]]
    assert recorder.before("before", "after")


def test_freeing_what_is_not_held_tells_nothing(recorder: FakeRecorder) -> None:
    for make in FACTORIES:
        with pytest.raises(RuntimeError):
            make().release()
    assert recorder.verbs() == []


@dataclass
class Bank:
    lock: Any = field(default_factory=threading.Lock)  # on purpose kept from before the run: it is a real one


class Account:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rlock = threading.RLock()
        self.condition = threading.Condition()


def test_a_lock_is_named_after_the_line_that_makes_it(recorder: FakeRecorder) -> None:
    Account()
    first = Account.__init__.__code__.co_firstlineno + 1
    assert sorted(recorder.places.values()) == [(__file__, first), (__file__, first + 1), (__file__, first + 2)]


def test_a_lock_made_by_generated_code_is_named_after_the_call(recorder: FakeRecorder) -> None:
    # The factory is looked up now, so it is ours.
    cls: Any = dataclass(
        type("Made", (), {"__annotations__": {"lock": Any}, "lock": field(default_factory=threading.Lock)})
    )
    cls()
    (place,) = recorder.places.values()
    assert place[0] == __file__


def test_a_dead_lock_is_retired(recorder: FakeRecorder) -> None:
    for make in FACTORIES:
        lock = make()
        assert len(recorder.kinds) == 1
        reference = weakref.ref(lock)
        del lock
        gc.collect()
        assert reference() is None
        settle()
        assert recorder.kinds == {}


def misuse(call: Callable[[Any], object]) -> list[object]:
    """The outcomes for a fresh lock and RLock, without a run and within one."""
    return [outcome(functools.partial(call, make())) for make in FACTORIES]


@pytest.mark.parametrize(
    "call",
    [
        lambda lock: lock.release(),
        lambda lock: lock.release(1),
        lambda lock: lock.acquire(1, 2, 3),
        lambda lock: lock.acquire(False, 1),
        lambda lock: lock.acquire(timeout=-2),
        lambda lock: lock.acquire(timeout=1e20),
        lambda lock: lock.acquire(timeout="soon"),
        lambda lock: lock.acquire(unknown=1),
        lambda lock: lock.acquire(),
        lambda lock: lock.acquire(True),
        lambda lock: lock.acquire(blocking=False),
        lambda lock: lock.acquire(True, 0.5),
        lambda lock: lock.__enter__(),
        lambda lock: lock.__exit__(None, None, None),
        lambda lock: lock._at_fork_reinit(),
        lambda lock: lock.nothing,
        lambda lock: setattr(lock, "nothing", 1),
        lambda lock: lock < 1,
        pickle.dumps,
        copy.copy,
        lambda lock: copy.deepcopy([lock]),
        lambda lock: repr(lock).partition(" at ")[0],
        lambda lock: (lock.acquire(), repr(lock).partition(" owner")[0].partition(" at ")[0])[1],
        lambda lock: type(lock).__name__.rpartition(".")[2],
        lambda lock: type(lock).__qualname__,
        lambda lock: type(lock).__module__,
        lambda lock: repr(type(lock)),
        lambda lock: isinstance(lock, (originals.LockType, originals.RLock)),
        lambda lock: isinstance(lock, (type(threading.Lock()), type(threading.RLock()))),
        lambda lock: hash(lock) == hash(lock) and lock == lock,  # noqa: PLR0124
        lambda lock: hasattr(lock, "_is_owned"),
        lambda lock: type("Derived", (type(lock),), {}).__name__,
    ],
)
def test_use_and_misuse_have_the_same_outcome_and_traceback(call: Callable[[Any], object]) -> None:
    plain = misuse(call)
    with watched():
        ours = misuse(call)
    assert ours == plain


def test_a_lock_has_the_methods_of_a_real_one_and_no_other_public_name() -> None:
    def names() -> list[set[str]]:
        return [set(dir(make())) - set(dir(object)) for make in FACTORIES]

    plain = names()
    with watched():
        ours = names()
    for expected, found in zip(plain, ours, strict=True):
        assert expected <= found
        assert all(name.startswith("_") for name in found - expected)


def test_arguments_of_the_factory_are_checked_by_the_real_one() -> None:
    def wrong() -> object:
        return threading.Lock(1)  # type: ignore[call-arg]

    plain = outcome(wrong)
    with watched():
        assert outcome(wrong) == plain


def test_locks_of_before_are_locks_to_the_types_of_now_and_the_other_way_round() -> None:
    old_lock, old_rlock = threading.Lock(), threading.RLock()
    old_types = type(old_lock), type(old_rlock)
    with watched():
        new_lock, new_rlock = threading.Lock(), threading.RLock()
        assert isinstance(new_lock, old_types[0])
        assert isinstance(new_rlock, old_types[1])
        assert isinstance(old_lock, type(new_lock))
        assert not isinstance(1, type(new_lock))


def test_an_rlock_may_be_derived_from(recorder: FakeRecorder) -> None:
    class Named(type(threading.RLock())):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            self.name = name

    lock = Named("mine")
    with lock:
        assert lock.name in repr(vars(lock))
    assert recorder.verbs() == ["lock_taken", "lock_freed"]


def test_locks_made_in_a_run_work_after_it_and_in_the_next() -> None:
    with watched():
        kept, rlock, factory = threading.Lock(), threading.RLock(), threading.Lock
        kept.acquire()
    kept.release()
    with kept, rlock, rlock:
        assert kept.locked()
    assert type(factory()) is originals.LockType
    with watched() as again:
        again.unnamed_too = True
        with kept, rlock:
            pass
        assert again.verbs() == ["lock_taken", "lock_taken", "lock_freed", "lock_freed"]
        # The native core forgets all objects with the run: to it these are locks of before.
        assert {place[0] for place in again.places.values()} == {__file__ if again.native is None else ""}


@pytest.mark.parametrize("make", FACTORIES)
def test_an_interrupt_while_a_lock_is_told_leaves_it_free(
    make: Callable[[], Any], recorder: FakeRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    if recorder.native is not None:
        pytest.skip("no code of Python is between these models and their core")

    def interrupted(_sync: int) -> None:
        raise KeyboardInterrupt

    lock = make()
    for verb in ("lock_taken", "lock_freed"):
        monkeypatch.setattr(recorder, verb, interrupted)
        with pytest.raises(KeyboardInterrupt), lock:
            assert verb == "lock_freed"
        monkeypatch.undo()
        free: list[bool] = []
        run(lambda free=free: free.append(lock.acquire(False)) or lock.release())  # type: ignore[misc]
        assert free == [True]


@pytest.mark.parametrize("make", FACTORIES)
def test_near_the_recursion_limit_a_lock_is_left_as_without_a_run(make: Callable[[], Any]) -> None:
    with watched_leniently():
        lock = make()

        def deeper() -> None:
            with lock:
                pass
            deeper()

        with pytest.raises(RecursionError):
            deeper()
        taken: list[bool] = []
        run(lambda: taken.append(lock.acquire(False)))
        assert taken == [True]


def watched_leniently() -> Any:
    """A run in which calls of a model may go wrong."""
    sync.wrappers.Failures.count = 0

    class Lenient:
        def __enter__(self) -> None:
            recorder = FakeRecorder()
            active.activate(recorder)
            sync.install(recorder)

        def __exit__(self, *_: object) -> None:
            sync.uninstall()
            active.activate(None)

    return Lenient()


def test_a_recorder_that_fails_costs_the_edge_only(recorder: FakeRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    if recorder.native is not None:
        pytest.skip("no code of Python is between these models and their core")

    def broken(*_: object, **__: object) -> int:
        raise ValueError

    for verb in ("new_sync", "lock_taken", "lock_freed", "acquire", "release"):
        monkeypatch.setattr(recorder, verb, broken)
    before = sync.failures()
    for make in FACTORIES:
        with make():
            pass
    event = threading.Event()
    event.set()
    assert event.wait()
    sync.acquire(event)
    monkeypatch.undo()  # locks of the test runner, made before the run, are watched too
    assert sync.failures() > before
    sync.wrappers.Failures.count = before


def test_a_lock_that_is_made_anew_is_held_no_longer(recorder: FakeRecorder) -> None:
    lock, rlock, free = threading.Lock(), threading.RLock(), threading.Lock()
    lock.acquire()
    rlock.acquire()
    for one in (lock, rlock, free):
        one._at_fork_reinit()  # type: ignore[union-attr]
    assert not lock.locked()
    assert recorder.verbs() == ["lock_taken", "lock_taken", "lock_freed", "lock_freed"]


def test_thread_locals_are_left_alone(recorder: FakeRecorder) -> None:
    local = threading.local()
    local.value = 1
    assert recorder.verbs() == []


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="cached_property locks until 3.11 only")
def test_cached_property_locks_are_seen(recorder: FakeRecorder) -> None:
    class Lazy:
        @functools.cached_property
        def value(self) -> int:
            return 1

    assert Lazy().value == 1
    assert recorder.verbs() == ["lock_taken", "release", "lock_freed"]
    assert __file__ in {place[0] for place in recorder.places.values()}
