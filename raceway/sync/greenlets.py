"""Greenlets: which one runs, and why it goes on. A thread's greenlets take turns on it; the thread is the actor of all.

greenlet tells a trace function of every switch, in each thread that has set one. Ours stands before whatever the
program sets itself. Who switches to a greenlet has woken it; what a hub of gevent runs because somebody asked it to
acts for who asked (`hubs`). A greenlet that a task of an event loop has made, as SQLAlchemy does, is a part of that
task. The main greenlet of a thread counts as one from the first switch on.

greenlet is not imported for this: the models are put in when the program has imported it. A thread is followed if it
imported greenlet, or began after that was imported.
"""

from __future__ import annotations

import functools
import sys
import threading
from types import FrameType, FunctionType, MethodType

from raceway import originals
from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import threads
from raceway.sync.extensiontypes import replace_in_type
from raceway.sync.patching import Patches
from raceway.sync.serials import Serial, Table, of_run
from raceway.sync.wrappers import Failures, hide_frame

MODULE = "greenlet"

working: set[int] = of_run(set())
"""Serials of all greenlets that are known, and of what their hubs run: not of the tasks of event loops."""
_SCHEDULERS = ("gevent", "eventlet")
"""Packages whose greenlets a hub runs, and never are a part of a task of something else."""
_HUBS = frozenset({"Hub", "BaseHub"})


class Greenlet:
    """A greenlet that has run: its serial, what it works for when it goes on, and whether it needs a better name."""

    __slots__ = ("nameless", "run", "serial", "task")

    _current = staticmethod(active.recorder)

    def __init__(self, serial: int, nameless: bool) -> None:
        self.serial = self.task = serial
        self.nameless = nameless
        self.run = Serial.runs
        working.add(serial)

    def over(self, recorder: Recorder) -> None:
        """It will not go on."""
        working.discard(self.serial)
        recorder.tasks.done(self.serial)

    def __del__(self) -> None:
        try:
            recorder = self._current()
            if recorder is not None and self.run == Serial.runs and self.serial in working:
                self.over(recorder)
        except Exception:  # a half-made one, which nobody was told of, or the interpreter goes down: nothing is lost,
            pass  # and what a finalizer raises is printed into the program's standard error


known: Table[Greenlet] = of_run(Table())
names: dict[str, int] = of_run({})
"""How many greenlets have been given each name."""


class _Here(originals.Local):
    """Of each thread: what the program has set as trace function, and whether ours is set."""

    theirs: Any = None
    followed = 0


_here = _Here()


def moved(recorder: Recorder, origin: Any, target: Any) -> None:
    """The calling thread has switched from one greenlet to another."""
    tasks = recorder.tasks
    now, left, entered = tasks.current(), known.get(origin), known.get(target)
    if now and now not in working and (left is None or entered is None) and not _is_scheduled(target):
        return
    if left is None:
        left = _new(recorder, origin, 0)
        known.put(origin, left)
    left.task = now or left.serial
    tasks.suspend(left.task)
    if entered is None:
        entered = _new(recorder, target, left.task)
        known.put(target, entered)
    else:
        tasks.wake(entered.serial)
        if entered.nameless:
            _name_by_frame(recorder, entered, sys._getframe(2))
    tasks.resume(entered.task)
    if vars(sys.modules[MODULE].greenlet)["dead"].__get__(origin):
        known.drop(origin)
        left.over(recorder)


def current(recorder: Recorder) -> int:
    """The task that the calling thread works for. A greenlet that has not let others run yet becomes one."""
    now = recorder.tasks.current()
    if now or _here.followed != Serial.runs:
        return now
    running = known.of(sys.modules[MODULE].getcurrent(), lambda: _new(recorder, sys.modules[MODULE].getcurrent(), 0))
    recorder.tasks.resume(running.task)
    return running.task


def _new(recorder: Recorder, greenlet: Any, parent: int) -> Greenlet:
    name, nameless = _name(greenlet)
    return Greenlet(recorder.tasks.spawn(name if nameless else _numbered(name), parent, False, 0, True), nameless)


def _numbered(name: str) -> str:
    """The name, and a number if it is not the first of that name."""
    names[name] = number = names.get(name, 0) + 1
    return name if number == 1 else f"{name}-{number}"


def _name(greenlet: Any) -> tuple[str, bool]:
    """What a greenlet is called, and whether that could be better. No code of the program is called."""
    if parent_of(greenlet) is None:
        thread = threading._active.get(originals.get_ident()) or threading._active.get(id(greenlet))  # type: ignore[attr-defined]
        return ("main greenlet" if thread is None else str(thread._name)), False
    if any(cls.__name__ in _HUBS for cls in type(greenlet).__mro__ if is_of_scheduler(cls)):
        return "hub", False
    function = getattr(greenlet, "_run", None) if _is_scheduled(greenlet) else None
    name = getattr(function, "__name__", "") if isinstance(function, (FunctionType, MethodType)) else ""
    return (name, False) if name else (type(greenlet).__name__.lstrip("_"), True)


def _is_scheduled(greenlet: object) -> bool:
    return any(map(is_of_scheduler, type(greenlet).__mro__))


def is_of_scheduler(cls: type) -> bool:
    """Whether a class is gevent's or eventlet's."""
    return str(cls.__module__).partition(".")[0] in _SCHEDULERS


def parent_of(greenlet: Any) -> Any:
    """The greenlet that goes on when this one ends, None for the main one of a thread."""
    return vars(sys.modules[MODULE].greenlet)["parent"].__get__(greenlet)


def _name_by_frame(recorder: Recorder, greenlet: Greenlet, frame: FrameType | None) -> None:
    """Call it by the function that it began with: while it does not run, greenlet does not tell."""
    greenlet.nameless = False
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
    if frame is not None:
        recorder.rename(greenlet.serial, _numbered(frame.f_code.co_name))


def traced(event: str, args: Any) -> None:
    """What greenlet calls at each switch, in the greenlet that goes on."""
    theirs = _here.theirs
    try:
        recorder = active.recorder()
        if recorder is not None and _here.followed == Serial.runs:
            moved(recorder, *args)
    except Exception:
        Failures.count += 1
    if theirs is not None:
        try:
            theirs(event, args)
        except BaseException as error:
            _give_up()
            hide_frame(error)
            raise


def _give_up() -> None:
    """greenlet takes out a trace function that raises, and so ours: nothing is known of this thread's greenlets now."""
    _here.theirs, _here.followed = None, 0
    if (recorder := active.recorder()) is not None:
        recorder.tasks.resume(0)


def follow(settrace: Any) -> None:
    """From now on switches of the calling thread are seen."""
    if _here.followed != Serial.runs:
        _here.followed = Serial.runs
        before = settrace(traced)
        if before is not traced:
            _here.theirs = before


def leave(settrace: Any) -> None:
    """The run is over: the calling thread has the trace function of the program again, if it has one."""
    _here.followed = 0
    before = settrace(_here.theirs)
    if before is not traced:
        settrace(before)


def setting(real: Any) -> Any:
    """`greenlet.settrace` of the program, whose trace function is called after ours."""

    @functools.wraps(real)
    def settrace(callback: Any, /) -> Any:
        if _here.followed != Serial.runs:
            return real(callback)
        before, _here.theirs = _here.theirs, callback
        return before

    return settrace


def getting(real: Any) -> Any:
    """`greenlet.gettrace` of the program."""

    @functools.wraps(real)
    def gettrace() -> Any:
        return real() if _here.followed != Serial.runs else _here.theirs

    return gettrace


def thread_begun(settrace: Any, recorder: Recorder, thread: Any, _result: object) -> None:
    """`thread` runs from here on, in a thread or in a greenlet."""
    follow(settrace)
    if threads.in_greenlet() and (greenlet := known.get(sys.modules[MODULE].getcurrent())) is not None:
        greenlet.nameless = False
        recorder.rename(greenlet.serial, thread._name)


def patch(patches: Patches) -> None:
    """Follow the calling thread and those that begin from now on, if greenlet has been imported."""
    module = sys.modules.get(MODULE)
    settrace, gettrace = getattr(module, "settrace", None), getattr(module, "gettrace", None)
    if settrace is None or gettrace is None:
        return
    recorder = active.recorder()
    if recorder is not None:
        recorder.tasks.expect()
    follow(settrace)
    patches.around(threads.plain_thread(), "_set_ident", after=functools.partial(thread_begun, settrace))
    patches.at_undo(functools.partial(leave, settrace))
    threads.at_begin.append(functools.partial(follow, settrace))
    patches.at_undo(threads.at_begin.clear)
    stand_ins = {"settrace": setting(settrace), "gettrace": getting(gettrace)}
    for name, stand_in in stand_ins.items():
        for owner in (module, sys.modules.get("greenlet._greenlet")):
            if hasattr(owner, name):
                patches.replace(owner, name, stand_in)
        if name in vars(module.greenlet):  # type: ignore[union-attr]
            replace_in_type(patches, module.greenlet, name, staticmethod(stand_in))  # type: ignore[union-attr]
