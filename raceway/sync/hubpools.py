"""Thread pools of gevent. A job's result or failure, in the pool's thread -> the hub that hands it to who waits.

Jobs go to the threads through a queue with locks of the interpreter, which `locks` models.
"""

from __future__ import annotations

import _thread
import sys
from types import BuiltinFunctionType

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync.patching import Patches
from raceway.sync.serials import Serials, of_run
from raceway.sync.threads import raw_starter

MODULE = "gevent.threadpool"

results = of_run(Serials("results of a thread pool"))


def finished(recorder: Recorder, result: Any) -> None:
    """The calling thread is about to tell the hub of a job's result."""
    recorder.release(results.number(recorder, result.hub))


def told(recorder: Recorder, result: Any) -> None:
    """The hub is about to hand a result on."""
    serial = results.get(result.hub)
    if serial is not None:
        recorder.acquire(serial.number)


def patch(patches: Patches) -> None:
    """Put the models in, if the module has been imported."""
    module = sys.modules.get(MODULE)
    result = getattr(module, "ThreadResult", None)
    if result is None:
        return
    patches.around(result, "set", before=finished)
    patches.around(result, "handle_error", before=finished)
    patches.around(result, "_on_async", before=told)
    start = getattr(module, "start_new_thread", None)
    if type(start) is BuiltinFunctionType and start.__module__ == _thread.__name__:
        patches.replace(module, "start_new_thread", raw_starter(start))
