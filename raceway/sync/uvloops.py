"""Loops of uvloop: what they are handed to run, and the thread that runs one.

    call_soon, call_later, call_at, add_reader, add_writer -> a step of a task, or a callback of who handed it over
    call_soon_threadsafe()                                 -> every callback that the loop runs after it

Their handles are made and run in C, so what is observed is what they call: it is put into a `Callback`, which tells the
models of asyncio what a handle would. What the loop does for its own transports and subprocesses passes no such method
until a future has its result: that is done by no task. uvloop is not imported for this. A traceback shows no frame of
ours.
"""

from __future__ import annotations

import functools
import sys

from raceway.model.typing import Any
from raceway.originals import get_ident
from raceway.runtime import active
from raceway.sync import eventloops
from raceway.sync.callbacks import Callback
from raceway.sync.patching import Patches
from raceway.sync.strays import is_foreign, runners, strayed
from raceway.sync.wrappers import Failures, hide_frame

MODULE = "uvloop"

_PLACES = {"call_soon": 0, "call_soon_threadsafe": 0, "call_later": 1, "call_at": 1, "add_reader": 1, "add_writer": 1}
"""Methods that are handed a callback, and its place among the arguments."""


def handing(real: Any, place: int, safe: bool) -> Any:
    """A method that is handed a callback, by any thread if it is `safe`."""
    current = active.recorder

    @functools.wraps(real)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            recorder = current()
            if recorder is not None and len(args) > place and type(args[place]) is not Callback:
                callback = Callback(args[place], self)
                if safe:
                    eventloops.calling(recorder, self)
                eventloops.made(recorder, callback, safe)
                args = (*args[:place], callback, *args[place + 1 :])
        except Exception:
            Failures.count += 1
        try:
            return real(self, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return wrapper


def running(real: Any) -> Any:
    """`Loop.run_forever`, by which every loop is run."""

    @functools.wraps(real)
    def run_forever(self: Any) -> Any:
        runners.put(self, get_ident())
        try:
            return real(self)
        except BaseException as error:
            hide_frame(error)
            raise
        finally:
            runners.drop(self)

    return run_forever


def _strayed(loop: Any, callback: object) -> None:
    if is_foreign(loop):
        strayed(loop, callback)


def patch(patches: Patches) -> None:
    """Put the models in place of the methods, if uvloop has been imported."""
    loop = getattr(sys.modules.get(MODULE), "Loop", None)
    if loop is None:
        return
    native = eventloops.in_native(active.recorder())
    for name, place in _PLACES.items():
        real, safe = getattr(loop, name), name == "call_soon_threadsafe"
        if native is None:
            patches.replace(loop, name, handing(real, place, safe))
        else:
            task = sys.modules["asyncio.tasks"].Task
            handling = native.Handling(real, False, task, _strayed, eventloops.going_on)
            running_loop = None if safe else sys.modules["asyncio.events"]._get_running_loop
            patches.replace(loop, name, native.Handing(real, place + 1, handling, running_loop))
    patches.around(loop, "stop", before=eventloops.stopping)
    patches.replace(loop, "run_forever", running(loop.run_forever))
