"""Pools of processes of `concurrent.futures`: a job is pickled, by the thread of a queue -> who hears of its result.

That comes by way of another process, as with `mp_pools`, to the thread that manages the pool, which tells the future.
The model is put in when the program has imported `concurrent.futures.process`. On no exception path.
"""

from __future__ import annotations

import sys

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync import mp_queues
from raceway.sync.patching import Patches

MODULE = "concurrent.futures.process"


def passing_on(recorder: Recorder, manager: Any, _result: object) -> None:
    """The thread that manages a pool is about to tell of what came from a process."""
    serial = mp_queues.pickled.get(manager.call_queue._buffer)
    if serial is not None:
        recorder.acquire(serial.number)


def patch(patches: Patches) -> None:
    """Put the model beside the method, if the module has been imported."""
    manager = getattr(sys.modules.get(MODULE), "_ExecutorManagerThread", None)
    if hasattr(manager, "process_result_item"):
        patches.ahead(manager, "process_result_item", passing_on)
