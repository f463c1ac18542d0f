"""What the kernel or another process carries between threads of this one: pipes, children, multiprocessing."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import multiprocessing.queues
import multiprocessing.synchronize
import os
import pickle
import select
import selectors
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.sync.recording import FakeRecorder, Gate, outcome, run, watched

SPAWN = multiprocessing.get_context("spawn")


def handed_over(recorder: FakeRecorder, give: Callable[[], object], take: Callable[[], object]) -> tuple[bool, bool]:
    """Whether what one thread did before `give` comes before what another does after `take`; and what it did after."""
    given = Gate()

    def giver() -> None:
        recorder.mark("before giving")
        give()
        recorder.mark("after giving")
        given.open()

    def taker() -> None:
        take()
        given.wait()
        recorder.mark("after taking")

    run(giver, taker)
    return recorder.before("before giving", "after taking"), recorder.before("after giving", "after taking")


def own(recorder: FakeRecorder, verb: str) -> list[int]:
    """The locks made in this file of which this was told; making one uses others of the library's."""
    return [one for one in recorder.told(verb) if os.path.basename(recorder.places[one][0]) == "test_processes.py"]


def test_a_pipe_hands_over(recorder: FakeRecorder) -> None:
    reader, writer = os.pipe()
    assert handed_over(recorder, lambda: os.write(writer, b"x"), lambda: os.read(reader, 1)) == (True, False)
    os.close(reader)
    os.close(writer)


def test_a_pipe_that_is_closed_hands_over(recorder: FakeRecorder) -> None:
    reader, writer = os.pipe()
    assert handed_over(recorder, lambda: os.close(writer), lambda: os.read(reader, 1)) == (True, False)
    os.close(reader)


@pytest.mark.parametrize("mode", ["", "b"])
def test_files_on_a_pipe_hand_over(mode: str, recorder: FakeRecorder) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "r" + mode) as source, os.fdopen(writer, "w" + mode) as sink:
        text: Any = b"x\n" if mode else "x\n"
        assert handed_over(recorder, lambda: (sink.write(text), sink.flush()), source.readline) == (True, False)


def test_files_on_a_pipe_are_what_they_would_be() -> None:
    def described() -> list[object]:
        reader, writer = os.pipe()
        with os.fdopen(reader, encoding="latin-1") as source, os.fdopen(writer, "wb", 0) as sink:
            return [type(source), type(source.buffer), source.mode, source.encoding, source.name == reader,
                    sink.mode, sink.name == writer, sink.closed, source.line_buffering]  # fmt: skip

    plain = described()
    with watched():
        assert described() == plain


@pytest.mark.parametrize("arguments", [(-1,), ("x",), (0, "rw"), (10**9,)])
def test_opening_what_cannot_be_fails_as_ever(arguments: tuple[Any, ...]) -> None:
    def open_file() -> object:
        return os.fdopen(*arguments)

    plain = outcome(open_file)
    with watched():
        assert outcome(open_file) == plain


@pytest.mark.parametrize("how", ["select", "selector"])
def test_who_is_told_that_there_is_something_comes_after_it(how: str, recorder: FakeRecorder) -> None:
    reader, writer = os.pipe()
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)

        def take() -> object:
            return selector.select() if how == "selector" else select.select([reader], [], [], 30)

        assert handed_over(recorder, lambda: os.write(writer, b"x"), take) == (True, False)
    os.close(reader)
    os.close(writer)


def test_a_pair_of_sockets_hands_over(recorder: FakeRecorder) -> None:
    left, right = socket.socketpair()
    with left, right:
        assert handed_over(recorder, lambda: left.send(b"x"), lambda: right.recv(1)) == (True, False)


def test_the_directions_of_a_pair_are_apart(recorder: FakeRecorder) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.send(b"x")
        right.send(b"x")
        assert len(set(recorder.told("release"))) == 2


def test_a_child_hands_over_what_it_is_written(recorder: FakeRecorder) -> None:
    command = [sys.executable, "-c", "print(input(), flush=True)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        stdin, stdout = child.stdin, child.stdout
        assert handed_over(recorder, lambda: print("x", file=stdin, flush=True), stdout.readline) == (True, False)


def test_locks_order_and_are_named_by_their_line(recorder: FakeRecorder) -> None:
    lock, freed = SPAWN.Lock(), Gate()

    def first() -> None:
        with lock:
            recorder.mark("first")
        freed.open()

    def second() -> None:
        freed.wait()
        assert lock.acquire()
        recorder.mark("second")
        lock.release()

    run(first, second)
    assert recorder.before("first", "second")
    assert len(own(recorder, "lock_taken")) == len(own(recorder, "lock_freed")) == 2


def test_an_rlock_is_told_at_the_outermost_level(recorder: FakeRecorder) -> None:
    lock = SPAWN.RLock()
    with lock, lock:
        lock.acquire()
        lock.release()
    assert len(own(recorder, "lock_taken")) == len(own(recorder, "lock_freed")) == 1


def test_a_try_that_failed_tells_nothing(recorder: FakeRecorder) -> None:
    lock = SPAWN.Lock()
    with lock:
        told = len(recorder.log)
        assert not lock.acquire(block=False)
        assert len(recorder.log) == told


@pytest.mark.parametrize("kind", ["Event", "Semaphore"])
def test_events_and_semaphores_hand_over(kind: str, recorder: FakeRecorder) -> None:
    if kind == "Event":
        event = SPAWN.Event()
        assert handed_over(recorder, event.set, event.wait) == (True, False)
        return
    semaphore = SPAWN.Semaphore(0)
    assert handed_over(recorder, semaphore.release, semaphore.acquire) == (True, False)


def test_who_looked_in_vain_does_not_come_before_the_setter(recorder: FakeRecorder) -> None:
    event, looked = SPAWN.Event(), Gate()

    def look() -> None:
        recorder.mark("looks")
        assert not event.is_set()
        looked.open()

    def change() -> None:
        looked.wait()
        event.set()
        recorder.mark("has set")

    run(look, change)
    assert not recorder.before("looks", "has set")


@pytest.mark.parametrize("kind", ["Queue", "SimpleQueue", "JoinableQueue"])
def test_queues_hand_over(kind: str, recorder: FakeRecorder) -> None:
    jobs = getattr(SPAWN, kind)()
    assert handed_over(recorder, lambda: jobs.put(1), jobs.get) == (True, False)
    jobs.close()


def test_a_task_that_is_done_comes_before_who_joins(recorder: FakeRecorder) -> None:
    jobs = SPAWN.JoinableQueue()
    jobs.put(1)
    jobs.get()
    assert handed_over(recorder, jobs.task_done, jobs.join) == (True, False)
    jobs.close()


@pytest.mark.parametrize("duplex", [True, False])
def test_pipes_of_multiprocessing_hand_over(duplex: bool, recorder: FakeRecorder) -> None:
    receiver, sender = multiprocessing.Pipe(duplex)
    assert handed_over(recorder, lambda: sender.send("x"), receiver.recv) == (True, False)
    receiver.close()
    sender.close()


def test_a_lock_dies_when_it_would_have() -> None:
    import weakref

    with watched():
        lock = SPAWN.Lock()
        with lock:
            pass
        reference = weakref.ref(lock)
        del lock
        assert reference() is None


def test_locks_are_not_to_be_pickled_as_ever() -> None:
    lock = SPAWN.Lock()
    plain = outcome(lambda: pickle.dumps(lock))
    with watched():
        assert str(outcome(lambda: pickle.dumps(SPAWN.Lock()))).splitlines()[-1] == str(plain).splitlines()[-1]
