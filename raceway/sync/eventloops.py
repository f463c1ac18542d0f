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
from raceway.sync.wrappers import Failures, hide_frame

MODULE = "asyncio.base_events"
"""Once this module has run, its classes and those of `asyncio.events` and `asyncio.tasks` are there."""

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
    elif not hands_on(sys._getframe(1)):
        recorder.tasks.wake(known)


def begin(recorder: Recorder, handle: Any) -> tuple[int, int, Any]:
    """The loop is about to run `handle`: for whom it worked before, for whom it does now, and the task if it is one."""
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
    return recorder.tasks.resume(known), known, task


def finish(recorder: Recorder, step: tuple[int, int, Any]) -> None:
    """The loop has run a handle."""
    before, known, task = step
    walks = recorder.tasks.walks(known)
    recorder.tasks.resume(before)
    if task is not None and not task.done():
        recorder.tasks.suspend(known, going_on(task, walks) if walks else [])
        return
    recorder.tasks.done(known)
    if task is not None:
        tasks.drop(task)


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
            patches.replace(events.Handle, name, native.Handling(real, runs, task, strayed, going_on))
        return
    patches.around(base.BaseEventLoop, "call_soon_threadsafe", before=calling)
    patches.around(events.Handle, "__init__", after=made)
    patches.replace(events.Handle, "_run", running(vars(events.Handle)["_run"]))
