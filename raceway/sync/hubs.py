"""Hubs of gevent and eventlet: what a hub runs because a greenlet, or another thread, asked it to.

Whatever makes a greenlet go on passes `run_callback()` of the hub's loop, save for timers and what the kernel tells (of
eventlet all are timers): so who called that has started or woken the greenlet that the callback switches to. Not so if
a semaphore is given back: which of those who wait for it comes next is luck. `run_callback_threadsafe()`, by another
thread -> every callback that the loop runs after it.
"""

from __future__ import annotations

import functools
import sys
from types import BuiltinMethodType, FunctionType, MethodType

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import greenlets
from raceway.sync.extensiontypes import replace_in_type
from raceway.sync.patching import Patches
from raceway.sync.serials import Kept, Serial, of_run
from raceway.sync.wrappers import Failures, hide_frame

LOOPS = {"gevent.libev.corecext": "loop", "gevent._ffi.loop": "AbstractLoop"}
"""Modules -> classes of loops in them."""
TIMERS = "eventlet.hubs.timer"

_NAMED = (FunctionType, MethodType, BuiltinMethodType)

foreign: Kept[int, Serial] = of_run(Kept())
"""What other threads hand callbacks over by, by the address of the loop: some do not allow weak references."""


told: set[type] = of_run(set())
"""Classes of loops that have the models."""


class Callback:
    """A callback of the loop that acts for the task `by`, which handed it over at the place `born` in the run."""

    __slots__ = ("born", "by", "function", "loop")

    _recorder = staticmethod(active.recorder)

    def __init__(self, loop: int, function: Any, by: int, born: int) -> None:
        self.loop = loop
        self.function = function
        self.by = by
        self.born = born

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        serial = before = 0
        try:
            if (recorder := self._recorder()) is not None:
                serial, before = self._begin(recorder)
        except Exception:
            Failures.count += 1
        try:
            return self.function(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        finally:
            try:
                if serial and (recorder := self._recorder()) is not None:
                    recorder.tasks.resume(before)
                    recorder.tasks.done(serial)
                    greenlets.working.discard(serial)
            except Exception:
                Failures.count += 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)

    def __repr__(self) -> str:
        return repr(self.function)

    def _begin(self, recorder: Recorder) -> tuple[int, int]:
        if (known := foreign.get(self.loop)) is not None:
            recorder.acquire(known.number)
        serial = recorder.tasks.spawn(f"callback {_name(self.function)}".rstrip(), self.by, True, self.born)
        greenlets.working.add(serial)
        return serial, recorder.tasks.resume(serial)


def _name(function: object) -> str:
    name = getattr(function, "__name__", "") if isinstance(function, _NAMED) else ""
    return name if type(name) is str else ""


def _gives_back(function: object) -> bool:
    """Whether the callback tells those who wait for a semaphore."""
    owner = getattr(function, "__self__", None)
    return any(cls.__name__ == "Semaphore" and greenlets.is_of_scheduler(cls) for cls in type(owner).__mro__)


def handing(real: Any, from_elsewhere: bool) -> Any:
    """`run_callback` or, `from_elsewhere`, `run_callback_threadsafe` of a loop."""
    current = active.recorder

    @functools.wraps(real)
    def run_callback(self: Any, func: Any, *args: Any) -> Any:
        try:
            if (recorder := current()) is not None and callable(func):
                by = 0 if _gives_back(func) else greenlets.current(recorder)
                if from_elsewhere:
                    serial = foreign.get(id(self)) or Serial(recorder, "event loop")
                    recorder.release(foreign.keep(id(self), serial).number)
                func = Callback(id(self), func, by, recorder.tasks.now())
        except Exception:
            Failures.count += 1
        try:
            return real(self, func, *args)
        except BaseException as error:
            hide_frame(error)
            raise

    return run_callback


def timing(real: Any) -> Any:
    """The making of a timer of eventlet."""
    current = active.recorder

    @functools.wraps(real)
    def __init__(self: Any, seconds: Any, cb: Any, *args: Any, **kw: Any) -> None:  # noqa: N807 - it stands for one
        try:
            if (recorder := current()) is not None and callable(cb):
                by = 0 if _gives_back(cb) else greenlets.current(recorder)
                cb = Callback(0, cb, by, recorder.tasks.now())
        except Exception:
            Failures.count += 1
        try:
            real(self, seconds, cb, *args, **kw)
        except BaseException as error:
            hide_frame(error)
            raise

    return __init__


def patch(patches: Patches) -> None:
    """Put the models into the loops that are there."""
    timer = getattr(sys.modules.get(TIMERS), "Timer", None)
    if timer is not None and timer not in told:
        told.add(timer)
        patches.replace(timer, "__init__", timing(vars(timer)["__init__"]))
    for module, name in LOOPS.items():
        loop = getattr(sys.modules.get(module), name, None)
        if loop is not None and loop not in told:
            told.add(loop)
            for method, from_elsewhere in (("run_callback", False), ("run_callback_threadsafe", True)):
                replace_in_type(patches, loop, method, handing(getattr(loop, method), from_elsewhere))
