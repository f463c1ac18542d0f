"""Thread: what it tells, in which order, and that nobody sees a frame of ours."""

from __future__ import annotations

import _thread
import os
import subprocess
import sys
import textwrap
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from raceway import originals
from tests.sync.recording import FakeRecorder, Gate, outcome, run, watched

ROOT = Path(__file__).resolve().parents[2]


def test_starting_is_before_the_run_and_the_run_before_the_join(recorder: FakeRecorder) -> None:
    recorder.mark("before")
    thread = threading.Thread(target=lambda: recorder.mark("run"))
    thread.start()
    recorder.mark("after")
    thread.join()
    recorder.mark("joined")
    assert recorder.before("before", "run")
    assert recorder.before("run", "joined")
    assert not recorder.before("after", "run")
    assert not recorder.before("run", "after")


def test_a_starter_that_somebody_wrapped_before_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {"_start_new_thread", "_start_joinable_thread"} & vars(threading).keys():
        real = getattr(threading, name)
        monkeypatch.setattr(threading, name, lambda *args, real=real, **kwargs: real(*args, **kwargs))
    with watched() as recorder:
        recorder.mark("before")
        run(lambda: recorder.mark("run"))
        assert recorder.before("before", "run")


def over(thread: threading.Thread) -> None:
    vars(threading.Thread)["join"].__wrapped__(thread)  # the real one, which tells nothing
    assert not thread.is_alive()


WAYS: list[Callable[[threading.Thread], object]] = [
    lambda thread: thread.join(),
    lambda thread: thread.join(20),
    over,
]


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_everybody_who_finds_a_thread_over_is_after_it(
    first: Callable[[threading.Thread], object], second: Callable[[threading.Thread], object], recorder: FakeRecorder
) -> None:
    thread = threading.Thread(target=lambda: recorder.mark("run"))
    thread.start()

    def joining(way: Callable[[threading.Thread], object], name: str) -> None:
        way(thread)
        recorder.mark(name)

    run(lambda: joining(first, "first"), lambda: joining(second, "second"))
    assert recorder.before("run", "first")
    assert recorder.before("run", "second")
    assert not recorder.before("first", "second")


def test_waiting_in_vain_orders_nothing(recorder: FakeRecorder) -> None:
    gate, held = Gate(), Gate()

    def target() -> None:
        recorder.mark("run")
        held.open()
        gate.wait()

    thread = threading.Thread(target=target)
    assert not thread.is_alive()
    thread.start()
    held.wait()
    thread.join(0.001)
    thread.join(-1)
    assert thread.is_alive()
    recorder.mark("not joined")
    assert not recorder.told("join")
    gate.open()
    thread.join()
    assert not recorder.before("run", "not joined")


def test_actors_are_named_and_renamed_as_threads(recorder: FakeRecorder) -> None:
    def target() -> None:
        threading.current_thread().name = "renamed"

    thread = threading.Thread(target=target, name="named")
    thread.name = "named again"
    thread.start()
    (actor,) = recorder.told("fork")
    thread.join()
    assert recorder.names[actor] == "renamed"
    assert thread.name == "renamed"


def test_derived_threads_are_known(recorder: FakeRecorder) -> None:
    class Worker(threading.Thread):
        def __init__(self) -> None:
            super().__init__(daemon=True)
            self.result = 0

        def run(self) -> None:
            recorder.mark("run")
            self.result = 1

    worker = Worker()
    worker.start()
    worker.join()
    recorder.mark("joined")
    assert worker.result == 1
    assert recorder.before("run", "joined")


def test_a_thread_from_before_the_run_is_known_when_it_ends() -> None:
    gate = Gate()
    recorders: list[FakeRecorder] = []

    def target() -> None:
        gate.wait()
        recorders[0].mark("run")

    thread = threading.Thread(target=target)
    thread.start()
    with watched() as recorder:
        recorders.append(recorder)
        gate.open()
        thread.join()
        recorder.mark("joined")
    assert recorder.before("run", "joined")


def test_a_thread_may_outlive_the_run_and_meet_the_next() -> None:
    gate = Gate()
    with watched():
        thread = threading.Thread(target=gate.wait)
        thread.start()
    with watched() as recorder:
        gate.open()
        thread.join()
        assert recorder.verbs() == ["end", "join"]


def test_threads_of_the_low_level_module_are_actors(recorder: FakeRecorder) -> None:
    done = Gate()

    def target(first: int, *, second: int) -> None:
        recorder.mark(f"run {first + second}")
        done.open()

    recorder.mark("before")
    ident = _thread.start_new_thread(target, (1,), {"second": 2})
    recorder.mark("after")
    done.wait()
    assert ident != originals.get_ident()
    assert recorder.before("before", "run 3")
    assert not recorder.before("after", "run 3")
    assert list(recorder.names.values()) == ["target"]


def test_what_the_low_level_module_refuses_it_refuses_still() -> None:
    calls: list[Callable[..., object]] = [
        lambda: _thread.start_new_thread(1, ()),  # type: ignore[call-overload]
        lambda: _thread.start_new_thread(print, []),  # type: ignore[call-overload]
        _thread.start_new_thread,
        lambda: threading.Thread().join(),
        lambda: threading.current_thread().join(),
        lambda: threading.Thread(group=2),  # type: ignore[arg-type]
        lambda: threading.main_thread().start(),
        lambda: threading.Thread().join("soon"),  # type: ignore[arg-type]
    ]
    for call in calls:
        plain = outcome(call)
        with watched():
            assert outcome(call) == plain
        assert "Error" in str(plain)


def failing_thread() -> None:
    def inner() -> None:
        raise ValueError("in the thread")

    thread = threading.Thread(target=inner, name="failing")
    thread.start()
    thread.join()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_the_excepthook_prints_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    def printed(hook: Callable[[Any], object] = threading.__excepthook__) -> str:
        kept, threading.excepthook = threading.excepthook, hook
        try:
            failing_thread()
        finally:
            threading.excepthook = kept
        return capsys.readouterr().err

    plain = printed()
    with watched():
        assert printed() == plain
    assert "in the thread" in plain


def test_no_frame_of_ours_is_on_the_stack_of_a_running_thread() -> None:
    def stacks() -> list[str]:
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.extend(frame.name for frame in traceback.extract_stack()))
        thread.start()
        thread.join()
        return found

    plain = stacks()
    with watched():
        assert stacks() == plain


def test_a_start_that_fails_can_be_tried_again(recorder: FakeRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "_start_joinable_thread" if hasattr(threading, "_start_joinable_thread") else "_start_new_thread"
    real = getattr(threading, name)

    def refusing(*_: object, **__: object) -> object:
        raise RuntimeError("can't start new thread")

    thread = threading.Thread(target=lambda: recorder.mark("run"))
    monkeypatch.setattr(threading, name, refusing)
    with pytest.raises(RuntimeError):
        thread.start()
    monkeypatch.setattr(threading, name, real)
    recorder.mark("before")
    thread.start()
    thread.join()
    assert recorder.before("before", "run")


PRELUDE = f"""
import os, sys, threading, time, _thread
sys.path.insert(0, {str(ROOT)!r})
from raceway import sync
from raceway.runtime import active
from tests.sync.recording import FakeRecorder
if "watched" in sys.argv:
    recorder = FakeRecorder()
    active.activate(recorder)
    sync.install(recorder)
"""


def program(body: str, *arguments: str) -> tuple[int, str, str]:
    """Status, output and errors of a program of its own."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PRELUDE + textwrap.dedent(body), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
    )
    return finished.returncode, finished.stdout, finished.stderr


LATE = """
class Late:
    def __init__(self):
        self.lock, self.rlock, self.event = threading.Lock(), threading.RLock(), threading.Event()
    def __del__(self):
        with self.lock, self.rlock:
            self.event.set()
            print("late", self.event.wait(), self.event.is_set())
late = Late()
late.cycle = late
keep = [Late()]
"""

BACKGROUND = """
def forever():
    lock = threading.Lock()
    while True:
        with lock:
            time.sleep(0)
threading.Thread(target=forever, daemon=True).start()
_thread.start_new_thread(forever, ())
threading.Timer(0.05, print, ("timer",)).start()
def failing():
    raise SystemExit
threading.Thread(target=failing).start()
"""


@pytest.mark.parametrize("body", [LATE, BACKGROUND, LATE + BACKGROUND], ids=["late", "background", "both"])
@pytest.mark.parametrize("end", ["", "sync.uninstall(); active.activate(None)"], ids=["running", "ended"])
def test_the_end_of_the_interpreter_is_as_without_a_run(body: str, end: str) -> None:
    plain = program(body)
    assert program(body + end, "watched") == plain
    assert plain[0] == 0
    assert plain[2] == ""


def test_an_unhandled_error_of_a_low_level_thread_is_reported_alike() -> None:
    body = """
    done = _thread.allocate_lock()
    done.acquire()
    class Target:
        def __repr__(self):
            return "<target>"
        def __call__(self):
            raise ValueError("low level")
    def reported(unraisable):
        sys.__unraisablehook__(unraisable)
        done.release()
    sys.unraisablehook = reported
    _thread.start_new_thread(Target(), ())
    done.acquire()
    """
    plain, ours = program(body), program(body, "watched")
    assert ours == plain
    assert "low level" in plain[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_is_alone_and_nothing_is_stuck() -> None:
    body = """
    import queue
    from concurrent.futures import ThreadPoolExecutor
    held = threading.Lock()
    condition, event, items = threading.Condition(), threading.Event(), queue.Queue()
    condition._at_fork_reinit  # what threads and logging use
    def worker():
        with held:
            event.set()
            time.sleep(60)
    thread = threading.Thread(target=worker, daemon=True)
    thread.start()
    event.wait()
    pool = ThreadPoolExecutor(1)
    pool.submit(int).result()
    child = os.fork()
    if child == 0:
        if "watched" in sys.argv:
            sync.forked(recorder)
            assert len(recorder.told("join")) >= 2, recorder.log
            assert sync.failures() == 0
        assert not thread.is_alive()
        thread.join()
        held._at_fork_reinit()
        with held, condition:
            items.put(1)
            items.get()
        again = threading.Thread(target=print, args=("child",))
        again.start()
        again.join()
        sys.stdout.flush()
        os._exit(0)
    print(os.waitpid(child, 0)[1])
    """
    assert program(body, "watched") == program(body) == (0, "child\n0\n", "")


def test_a_signal_that_raises_leaves_no_frame_of_ours() -> None:
    body = """
    import signal
    main = threading.main_thread().ident
    def interrupt():
        seen, same = None, 0
        while same < 5:  # until the main thread stays where it is
            time.sleep(0.01)
            frame = sys._current_frames()[main]
            now = frame.f_code, frame.f_lasti
            seen, same = now, same + 1 if now == seen else 0
        signal.pthread_kill(main, signal.SIGINT)
    for wait in (lambda: threading.Event().wait(), lambda: threading.Barrier(2).wait(),
                 lambda: threading.Thread(target=time.sleep, args=(0.5,)),
                 lambda: __import__("queue").Queue().get(), lambda: __import__("queue").SimpleQueue().get()):
        import traceback
        _thread.start_new_thread(interrupt, ())
        try:
            thread = wait()
            thread.start()
            thread.join()
        except KeyboardInterrupt as error:
            print([frame.name for frame in traceback.extract_tb(error.__traceback__)])
    lock = threading.Lock()
    lock.acquire()
    _thread.start_new_thread(interrupt, ())
    try:
        with lock:
            pass
    except KeyboardInterrupt as error:
        print([frame.name for frame in traceback.extract_tb(error.__traceback__)], lock.locked())
    """
    plain = program(body)
    assert program(body, "watched") == plain
    assert plain[1].count("\n") == 6
