"""Event: `set()` -> every `wait()` and `is_set()` that returned True.

Earlier sets stay in the edge after `clear()`: a waiter that was woken may be slow to say so. What `threading.Thread`
and the executors do with events of their own is no edge; a Timer's `cancel()` and `finished` are, and so is an event
whose method is what a thread or a job was given to do. A traceback shows no frame of ours.
"""

from __future__ import annotations

import sys
import threading

from raceway.runtime.contract import Recorder
from raceway.sync import creation
from raceway.sync.patching import Patches
from raceway.sync.serials import Serials, of_run

serials = of_run(Serials("event"))

_OWN_USERS = ("Timer.", "Event.")
_CALLERS = frozenset({"Thread.run", "_WorkItem.run", "WorkerContext.run"})
"""These call what they were given, as in `pool.submit(event.wait)`; the last one since Python 3.14."""


def setting(recorder: Recorder, event: object) -> None:
    """`event` is about to be set."""
    if not _internal_use():
        recorder.release(serials.number(recorder, event))


def seen_set(recorder: Recorder, event: object, result: object) -> None:
    """`event` was waited for or looked at; `result` tells whether it is set."""
    if result and not _internal_use():
        recorder.acquire(serials.number(recorder, event))


def _internal_use() -> bool:
    frame = sys._getframe(3)  # this one, the model, the wrapper, and then the caller
    if not creation.is_quiet(frame) or frame.f_code.co_qualname in _CALLERS:
        return False
    return creation.module_of(frame) != "threading" or not frame.f_code.co_qualname.startswith(_OWN_USERS)


def patch(patches: Patches) -> None:
    """Put the models beside the methods, unless gevent has put an event of its own in the place of the class."""
    if threading.Event.__module__ != "threading":
        return
    patches.around(threading.Event, "set", before=setting)
    patches.around(threading.Event, "wait", after=seen_set)
    patches.around(threading.Event, "is_set", after=seen_set)
