"""Thread and Timer: `start()` -> `run()`; end of `run()` -> `join()` and `is_alive()` that found it over, every time.

A Timer adds nothing: it is a thread with an event. `threading.local` orders nothing. The parent announces the child at
the function that starts it; the child begins and ends beside two inner methods that run before and after `run()`, so
no frame of ours is on the stack while it runs, and what `threading.excepthook` prints is the same. A thread that ran
before the run of Raceway began becomes known when it ends.

Threads started with `_thread.start_new_thread` are actors too. There a frame of ours stays at the bottom of the stack,
out of tracebacks, and the `object` that `sys.unraisablehook` is given is ours, with the `repr` of the function.
"""

from __future__ import annotations

import _thread
import functools
import sys
import threading
from collections import deque
from collections.abc import Callable
from types import BuiltinFunctionType, FrameType

from raceway.model.typing import Any
from raceway.originals import get_ident
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.standins import alike
from raceway.sync.lifetimes import lifetimes
from raceway.sync.patching import Patches
from raceway.sync.serials import Table, of_run
from raceway.sync.wrappers import Failures, hide_frame


class Actors:
    """The actor of every thread object that was started: kept here, or by the native core whose models tell."""

    def __init__(self) -> None:
        self.native: Any = None
        self._table: Table[int] = Table()

    def get(self, thread: threading.Thread) -> int | None:
        """The actor of `thread`, None when it has none."""
        actor: int | None = self._table.get(thread) if self.native is None else self.native.thread_actor(thread)
        return actor

    def put(self, thread: threading.Thread, actor: int) -> None:
        """`thread` is this actor."""
        if self.native is None:
            self._table.put(thread, actor)
        else:
            self.native.thread_known(thread, actor)

    def values(self) -> list[int]:
        """The actors of all threads whose objects are there."""
        found: list[int] = self._table.values() if self.native is None else self.native.thread_actors()
        return found

    def clear(self) -> None:
        """Forget all threads."""
        self._table.clear()
        self.native = None


actors = of_run(Actors())

_STARTERS = ("_start_new_thread", "_start_joinable_thread")

_RAW_STARTERS = ("start_new_thread", "start_new", "start_joinable_thread")

_OF_GREENLETS = ("gevent", "eventlet")
"""Packages whose starters, which they put in the place of these, make greenlets."""

finished: deque[int] = of_run(deque(maxlen=4096))
"""The last actors that ended and were no daemons: the interpreter waits for them before it runs exit handlers."""

real_is_alive = threading.Thread.is_alive

at_begin: list[Callable[[], object]] = []
"""What to call in each thread when it begins: for models that have to be set in every one."""


at_start: list[Callable[[Recorder, int], object]] = []
"""What to call when a thread of `threading` begins, with its actor."""


def starting(recorder: Recorder, bootstrap: Any) -> None:
    """A thread is about to be started with its method `bootstrap`."""
    thread = bootstrap.__self__
    actors.put(thread, recorder.fork(thread._name))


def begun(recorder: Recorder, thread: threading.Thread, _result: object) -> None:
    """The calling thread runs `thread` from here on."""
    actor = actors.get(thread)
    if actor is not None:
        recorder.begin(actor)
        lifetimes.begun(actor, thread._name)  # type: ignore[attr-defined]
        for told in at_start:
            told(recorder, actor)


def ended(recorder: Recorder, thread: threading.Thread, _result: object) -> None:
    """The calling thread has run `thread` to its end."""
    if in_greenlet():
        return
    if actors.get(thread) is None:
        actors.put(thread, recorder.current())
    if not thread._daemonic:  # type: ignore[attr-defined]
        finished.append(recorder.current())
    recorder.end()
    lifetimes.ended(thread._name)  # type: ignore[attr-defined]


def joined(recorder: Recorder, thread: threading.Thread, _result: object) -> None:
    """The current actor waited for `thread`, perhaps in vain."""
    if not real_is_alive(thread):
        over(recorder, thread)


def seen_alive(recorder: Recorder, thread: threading.Thread, alive: object) -> None:
    """The current actor asked whether `thread` is alive. One that has not quite started is not over."""
    if not alive and thread._started._flag:  # type: ignore[attr-defined]
        over(recorder, thread)


def over(recorder: Recorder, thread: threading.Thread) -> None:
    """The current actor knows that `thread` is over."""
    actor = actors.get(thread)
    if actor is not None:
        recorder.join(actor)


def renamed(recorder: Recorder, thread: threading.Thread, _result: object) -> None:
    """`thread` got another name."""
    actor = actors.get(thread)
    if actor is not None:
        recorder.rename(actor, thread._name)  # type: ignore[attr-defined]


def actor_of(ident: int) -> int:
    """The actor of a running thread, 0 when it has none."""
    thread = threading._active.get(ident)  # type: ignore[attr-defined]
    return 0 if thread is None else actors.get(thread) or 0


def frames() -> dict[int, FrameType]:
    """Where each thread with an actor is now, by the actor."""
    now = sys._current_frames()
    running = [(actors.get(thread), thread.ident) for thread in list(threading._active.values())]  # type: ignore[attr-defined]
    return {actor: now[ident] for actor, ident in running if actor is not None and ident in now}


def alone(recorder: Recorder) -> None:
    """In a forked child: all other threads are over, and what they did before the fork is done."""
    current = recorder.current()
    for actor in actors.values():
        if actor != current:
            recorder.join(actor)


def in_greenlet() -> bool:
    """Whether the calling thread is in another greenlet than its main one: gevent makes threads of those."""
    module = sys.modules.get("greenlet")
    current = getattr(module, "getcurrent", None)
    return current is not None and vars(module.greenlet)["parent"].__get__(current()) is not None  # type: ignore[union-attr]


def plain_thread() -> Any:
    """The class `Thread` of the standard library, also where the program has put another in its place."""
    return next(cls for cls in threading.Thread.__mro__ if "_bootstrap_inner" in vars(cls))


class RawThread:
    """What a thread that `threading` does not know runs: the function given, as the actor announced for it."""

    __slots__ = ("_actor", "_function")

    _recorder = staticmethod(active.recorder)

    def __init__(self, actor: int, function: Callable[..., object]) -> None:
        self._actor = actor
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        try:
            if (recorder := self._recorder()) is not None:
                recorder.begin(self._actor)
                lifetimes.begun(self._actor, name_of(self._function))
                for told in at_begin:
                    told()
        except Exception:
            Failures.count += 1
        try:
            self._function(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        finally:
            try:
                if (recorder := self._recorder()) is not None:
                    recorder.end()
                    lifetimes.ended("")
            except Exception:
                Failures.count += 1

    def __repr__(self) -> str:
        return repr(self._function)


def name_of(function: Callable[..., object]) -> str:
    """What a thread that runs the function is called: it has no name of its own."""
    name = getattr(function, "__name__", "")
    return name if type(name) is str and name else "thread"


def raw_starter(real: Callable[..., Any]) -> Callable[..., Any]:
    """`real` of `_thread`, announcing the thread that it starts."""

    @functools.wraps(real)
    def start(*args: Any, **kwargs: Any) -> Any:
        try:
            recorder = active.recorder()
            if recorder is not None and args and callable(args[0]):
                actor = recorder.fork(name_of(args[0]))
                args = (RawThread(actor, args[0]), *args[1:])
            return real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return start


def awaiting_all(real: Callable[[], None]) -> Callable[[], None]:
    """`threading._shutdown`, after which the current actor has waited for all threads that are not daemons."""

    @functools.wraps(real)
    def shutdown() -> None:
        try:
            real()
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if (recorder := active.recorder()) is not None:
                while finished:
                    recorder.join(finished.popleft())
        except Exception:
            Failures.count += 1

    return shutdown


def makes_threads(starter: Any) -> bool:
    """Whether a starter that is there makes threads: the interpreter's does, and what debuggers put around it."""
    module = getattr(starter, "__module__", None)
    return starter is not None and str(module).partition(".")[0] not in _OF_GREENLETS


def patch(patches: Patches, recorder: Recorder) -> None:
    """Put the models beside starts, ends and joins; the calling thread is known from the beginning."""
    for name in _STARTERS:
        if makes_threads(getattr(threading, name, None)):
            patches.replace(threading, name, patches.beside_builtin(getattr(threading, name), starting, before=True))
    for name in _RAW_STARTERS:
        if type(getattr(_thread, name, None)) is BuiltinFunctionType:
            real = getattr(_thread, name)
            patches.replace(_thread, name, alike(real, raw_starter(real), patches.native))
    thread = plain_thread()
    patches.around(thread, "_set_ident", after=begun)
    patches.around(thread, "_delete", after=ended)
    patches.around(thread, "join", after=joined)
    patches.around(thread, "is_alive", after=seen_alive)
    patches.replace(threading, "_shutdown", awaiting_all(threading._shutdown))  # type: ignore[attr-defined]
    name = vars(thread)["name"]
    setter = patches.with_models(name.fset, after=renamed)
    patches.replace(thread, "name", property(name.fget, setter, name.fdel, name.__doc__))
    running = threading._active.get(get_ident())  # type: ignore[attr-defined]
    if running is not None:
        actors.put(running, recorder.current())
    lifetimes.restart("MainThread" if running is None else running._name, recorder.current())
