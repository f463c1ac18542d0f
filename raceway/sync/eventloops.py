"""Event loops of asyncio. From other threads: `call_soon_threadsafe()` -> every callback the loop runs after it.
Within: the tasks and callbacks that a loop runs in turn on its thread, which is the actor of them all.

`run_coroutine_threadsafe` and `asyncio.to_thread` are made of the first and of futures, which `executors` models. All
that a loop runs is a handle: a step of a task or a callback. Who makes a handle for a step of a task has woken it, but
not by giving back a lock: which of those who wait for it comes next is luck.

Loops with handles of their own (uvloop) are one actor without tasks. asyncio is not imported for this: the models are
put in when the program has imported it. A traceback shows no frame of ours.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from types import BuiltinMethodType, FunctionType, MethodType

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder, Walk
from raceway.sync.handovers import hands_on
from raceway.sync.patching import Patches
from raceway.sync.serials import Serials, Table, of_run
from raceway.sync.strays import is_foreign, strayed
from raceway.sync.timelimits import made_limited
from raceway.sync.wrappers import Failures, hide_frame

MODULE = "asyncio.base_events"
"""Once this module has run, its classes and those of `asyncio.events` and `asyncio.tasks` are there."""

EAGER = sys.version_info >= (3, 12)
"""Whether tasks may begin when they are made."""

_STEPS = frozenset({"__step", "__wakeup", "task_wakeup"})
_STEP_TYPE = "TaskStepMethWrapper"
_STEP_MODULES = ("_asyncio", "builtins")

serials = of_run(Serials("event loop"))
tasks: Table[int] = of_run(Table())
"""The serial of every task that is not done."""
unnamed: set[int] = of_run(set())
"""Tasks that have not begun: they get their names when they have been made."""
makers: Table[tuple[int, int]] = of_run(Table())
"""The task that made a handle for a callback, and when."""


def calling(recorder: Recorder, loop: object) -> None:
    """Another thread, or this one, is about to hand a callback to `loop`."""
    recorder.release(serials.number(recorder, loop))


def stopping(_recorder: Recorder, loop: object) -> None:
    """A thread is about to stop `loop`."""
    if is_foreign(loop):
        strayed(loop)


def serial_of(recorder: Recorder, task: object) -> int:
    """The serial of a task, 0 when it is not known."""
    native = in_native(recorder)
    return tasks.get(task) or 0 if native is None else int(native.task_serial(task))


def note(recorder: Recorder, task: object, serial: int) -> None:
    """A task that another model has announced has this serial; with 0 it is over."""
    native = in_native(recorder)
    if native is not None:
        native.task_note(task, serial)
    elif serial:
        tasks.put(task, serial)
    else:
        tasks.drop(task)


def task_of(callback: object) -> Any:
    """The task that the callback is a step of, None for any other callback."""
    kind = type(callback)
    if kind is MethodType:
        name = callback.__func__.__name__  # type: ignore[attr-defined]
    elif kind is BuiltinMethodType:
        name = callback.__name__  # type: ignore[attr-defined]
    elif kind.__name__ == _STEP_TYPE and kind.__module__ in _STEP_MODULES:
        return callback.__self__  # type: ignore[attr-defined]
    else:
        return None
    module = sys.modules.get("asyncio.tasks") if name in _STEPS else None
    owner = None if module is None else callback.__self__  # type: ignore[attr-defined]
    return owner if module is not None and isinstance(owner, (module.Task, module._PyTask)) else None


def made(recorder: Recorder, handle: Any, safe: object) -> None:
    """The current task has made `handle`; `safe`: in a way that any thread may."""
    if not safe and is_foreign(handle._loop):
        strayed(handle._loop, handle._callback)
    by, task = recorder.tasks.current(), task_of(handle._callback)
    if task is None:
        makers.put(handle, (by, recorder.tasks.now()))
        return
    known = tasks.get(task)
    if known is None:
        known = recorder.tasks.spawn("task", by)
        tasks.put(task, known)
        unnamed.add(known)
        made_limited(task, sys._getframe(1))
    elif not hands_on(sys._getframe(1)):
        recorder.tasks.wake(known)


def begin(recorder: Recorder, handle: Any) -> tuple[int, int, Any, Inner | None]:
    """The loop is about to run `handle`: for whom it worked before, for whom it does now, the task if it is one, and
    what knows of tasks that begin in the middle."""
    serial = serials.get(handle._loop)
    if serial is not None:
        recorder.acquire(serial.number)
    task = task_of(handle._callback)
    known = None if task is None else tasks.get(task)
    if known is None:
        by, born = makers.get(handle) or (0, 0)
        known = recorder.tasks.spawn(f"callback {_name(handle._callback)}".rstrip(), by, True, born)
        task = None
    elif known in unnamed:
        unnamed.discard(known)
        recorder.rename(known, sys.modules["asyncio.tasks"].Task.get_name(task))
    before = recorder.tasks.resume(known)
    return before, known, task, Inner(recorder, handle._loop, task) if EAGER else None


def finish(recorder: Recorder, step: tuple[int, int, Any, Inner | None]) -> None:
    """The loop has run a handle."""
    before, known, task, inner = step
    if inner is not None:
        inner.end()
    leave(recorder, before, known, task)


def leave(recorder: Recorder, before: int, known: int, task: Any) -> None:
    """A task or a callback has made a step; the thread works for `before` again."""
    walks = recorder.tasks.walks(known)
    recorder.tasks.resume(before)
    if task is not None and not task.done():
        recorder.tasks.suspend(known, going_on(task, walks) if walks else [])
        return
    recorder.tasks.done(known)
    if task is not None:
        tasks.drop(task)


class Inner:
    """The tasks that begin in a step of a loop when they are made (`eager_start`, since CPython 3.12).

    Their making runs their first step, and no handle tells of it; the type is of C, and only C can swap its slot
    (raceway/native/eager.c). But asyncio knows which task is the current one, so that is asked before anything is
    recorded, until `end`.
    """

    def __init__(self, recorder: Recorder, loop: object, task: object) -> None:
        self._recorder = recorder
        self._loop = loop
        self._task = task
        self._seen: object = None
        self._current = sys.modules["asyncio.tasks"].current_task
        self._begun: list[tuple[int, int, Any]] = []
        self._outer = recorder.tasks.asking(self.ask)

    def ask(self) -> None:
        """Have the thread work for the current task."""
        try:
            current = self._current(self._loop)
            if current is not self._seen:
                self._seen = current
                self._switch(current)
        except Exception:
            Failures.count += 1

    def end(self) -> None:
        """The step of the loop is over."""
        self._switch(None)
        self._recorder.tasks.asking(self._outer)

    def _switch(self, current: Any) -> None:
        begun, verbs = self._begun, self._recorder.tasks
        while begun and begun[-1][2] is not current and (current is None or not _runs(begun[-1][2])):
            leave(self._recorder, *begun.pop())
        if current is None or current is self._task or (begun and begun[-1][2] is current):
            return
        known = tasks.get(current)
        if known is None:
            known = verbs.spawn(sys.modules["asyncio.tasks"].Task.get_name(current), verbs.current())
            tasks.put(current, known)
        begun.append((verbs.resume(known), known, current))


def _runs(task: Any) -> bool:
    """Whether the task is in the middle of a step. Of one that is over, CPython 3.12.1 has no coroutine to give."""
    kind = sys.modules["asyncio.tasks"].Task
    return not kind.done(task) and bool(getattr(kind.get_coro(task), "cr_running", False))


_NAMED = (FunctionType, MethodType, BuiltinMethodType)
"""Callbacks that have a name which is had without code of the program."""


def _name(callback: object) -> str:
    found = getattr(callback, "__name__", "") if issubclass(type(callback), _NAMED) else ""
    return found if type(found) is str else ""


def going_on(task: Any, walks: Sequence[Walk]) -> list[int]:
    """The sites of those of the walks that a suspended task is in."""
    from raceway.sync import walks as of_coroutines

    module = sys.modules["asyncio.tasks"]
    kind = module.Task if isinstance(task, module.Task) else module._PyTask
    return of_coroutines.going_on(kind.get_coro(task), walks)


def running(real: Any) -> Any:
    """`Handle._run` between `begin` and `finish`, which has to be told when it raises, too."""
    current = active.recorder

    @functools.wraps(real)
    def _run(self: Any) -> Any:
        step = None
        try:
            if (recorder := current()) is not None:
                step = begin(recorder, self)
        except Exception:
            Failures.count += 1
        try:
            return real(self)
        except BaseException as error:
            hide_frame(error)
            raise
        finally:
            try:
                if step is not None and (recorder := current()) is not None:
                    finish(recorder, step)
            except Exception:
                Failures.count += 1

    return _run


def in_native(recorder: Recorder | None) -> Any:
    """The module of the core in C if that is what records and has these models for this interpreter, else None."""
    native = None if recorder is None else recorder.native
    return native if native is not None and type(recorder) is native.Recorder and native.Handling is not None else None


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if asyncio has been imported."""
    base, events = sys.modules.get(MODULE), sys.modules.get("asyncio.events")
    if base is None or events is None or not hasattr(base, "BaseEventLoop"):
        return
    patches.around(base.BaseEventLoop, "stop", before=stopping)
    native = in_native(active.recorder())
    if native is not None:
        task = sys.modules["asyncio.tasks"].Task
        patches.around(base.BaseEventLoop, "call_soon_threadsafe", before=lambda _, loop: native.loop_release(loop))
        for name, runs in (("__init__", False), ("_run", True)):
            real = vars(events.Handle)[name]
            handling = native.Handling(real, runs, task, strayed, going_on)
            patches.replace(events.Handle, name, handling)
        if EAGER:
            native.eager_install(handling)
            patches.at_undo(native.eager_uninstall)
        return
    patches.around(base.BaseEventLoop, "call_soon_threadsafe", before=calling)
    patches.around(events.Handle, "__init__", after=made)
    patches.replace(events.Handle, "_run", running(vars(events.Handle)["_run"]))
