"""Event loops of asyncio, seen from other threads: `call_soon_threadsafe()` -> every callback the loop runs after it.

`run_coroutine_threadsafe` and `asyncio.to_thread` are made of this and of futures, which `executors` models. All that
one loop runs is one actor here, its thread. asyncio is not imported for this: the models are put in when the program
has imported it. A traceback shows no frame of ours.
"""

from __future__ import annotations

import sys

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync.patching import Patches
from raceway.sync.serials import Serials, of_run

MODULE = "asyncio.base_events"
"""Once this module has run, its classes and those of `asyncio.events` are there."""

serials = of_run(Serials("event loop"))


def calling(recorder: Recorder, loop: object) -> None:
    """Another thread, or this one, is about to hand a callback to `loop`."""
    recorder.release(serials.number(recorder, loop))


def running(recorder: Recorder, handle: Any) -> None:
    """The loop is about to run a callback."""
    serial = serials.get(handle._loop)
    if serial is not None:
        recorder.acquire(serial.number)


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if asyncio has been imported."""
    loops, events = sys.modules.get(MODULE), sys.modules.get("asyncio.events")
    if loops is not None and events is not None and hasattr(loops, "BaseEventLoop"):
        patches.around(loops.BaseEventLoop, "call_soon_threadsafe", before=calling)
        patches.around(events.Handle, "_run", before=running)
