"""Threads around trio's run loops: `TrioToken.run_sync_soon()` -> the call, which `to_thread` and `from_thread` are
made of; `start_thread_soon()` -> the job, in whichever thread of the cache.

The locks that the cache and the entry queue have for this are quiet: a thread that gets a job orders nothing before
those that got others. A call from outside is a callback of the loop, made by whoever asked for it.
"""

from __future__ import annotations

import functools
import queue
import sys

from raceway.model.typing import Any
from raceway.originals import SimpleQueue as RealSimpleQueue
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import eventloops
from raceway.sync.callbacks import Callback
from raceway.sync.patching import Patches
from raceway.sync.serials import Serial
from raceway.sync.wrappers import Failures, hide_frame


class Job:
    """A function on its way to another thread, with the serial of what was before it was handed over."""

    __slots__ = ("_function", "_serial")

    _recorder = staticmethod(active.recorder)

    def __init__(self, function: Any, serial: Serial) -> None:
        self._function = function
        self._serial = serial

    def __call__(self) -> Any:
        try:
            recorder = self._recorder()
            if recorder is not None and self._serial.run == Serial.runs:
                recorder.acquire(self._serial.number)
        except Exception:
            Failures.count += 1
        try:
            return self._function()
        except BaseException as error:
            hide_frame(error)
            raise


def starting(real: Any) -> Any:
    """`ThreadCache.start_thread_soon` with the job in place of its function."""
    current = active.recorder

    @functools.wraps(real)
    def start_thread_soon(self: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            if (recorder := current()) is not None:
                serial = Serial(recorder, "job")
                recorder.release(serial.number, False)
                fn = Job(fn, serial)
        except Exception:
            Failures.count += 1
        return real(self, fn, *args, **kwargs)

    return start_thread_soon


def entering(real: Any) -> Any:
    """`EntryQueue.run_sync_soon` with a callback in place of its function."""
    current = active.recorder

    @functools.wraps(real)
    def run_sync_soon(self: Any, sync_fn: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            if (recorder := current()) is not None:
                sync_fn = Callback(sync_fn, self)
                eventloops.calling(recorder, self)
                eventloops.made(recorder, sync_fn, None)
        except Exception:
            Failures.count += 1
        try:
            return real(self, sync_fn, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return run_sync_soon


def sending(_recorder: Recorder, _token: object, message: Any) -> None:
    """A thread is about to have a loop do something, and waits for the outcome at a queue. One of a sort that was taken
    from `queue` before the run tells nothing, so it gets another."""
    if type(message.queue) is RealSimpleQueue:
        vars(message)["queue"] = queue.SimpleQueue()


_PLACES = (
    ("trio._core._entry_queue", "EntryQueue", "run_sync_soon", entering),
    ("trio._core._thread_cache", "ThreadCache", "start_thread_soon", starting),
)


def patch(patches: Patches) -> None:
    """Put the models in place of the functions, if trio has been imported."""
    for module, owner, name, model in _PLACES:
        found = getattr(sys.modules.get(module), owner, None)
        if found is not None:
            patches.replace(found, name, model(vars(found)[name]))
    if hasattr(threads := sys.modules.get("trio._threads"), "_send_message_to_trio"):
        patches.ahead(threads, "_send_message_to_trio", sending)
