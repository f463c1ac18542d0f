"""Pools of `multiprocessing`: a job is pickled -> whoever hears of its result.

What a job needs is pickled by a thread of the pool, which runs code of the program where a class says how that is done.
The result comes by way of another process, which orders it after that: who has it may change what the job was given. A
pool has one clock, since one thread pickles all. The models are put in when the program has imported
`multiprocessing.pool`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.sync import mp_connections, mp_queues
from raceway.sync.patching import Patches
from raceway.sync.serials import Serials, of_run
from raceway.sync.wrappers import Failures, hide_frame

MODULE = "multiprocessing.pool"

results = of_run(Serials("pool"))
"""By the table of jobs that the threads of a pool have in common."""


def handing_out(real: Callable[..., Any]) -> Callable[..., Any]:
    """What the thread of a pool runs that pickles jobs and puts them into a pipe."""

    @functools.wraps(real)
    def handle_tasks(taskqueue: Any, put: Any, outqueue: Any, pool: Any, cache: Any, /) -> Any:
        try:
            if (recorder := active.recorder()) is not None:
                connection = getattr(put, "__self__", None)
                if isinstance(connection, sys.modules["multiprocessing.connection"].Connection):
                    mp_connections.carried.put(connection, results.serial(recorder, cache))
        except Exception:
            Failures.count += 1
        try:
            return real(taskqueue, put, outqueue, pool, cache)
        except BaseException as error:
            hide_frame(error)
            raise

    return handle_tasks


def hearing(real: Callable[..., Any]) -> Callable[..., Any]:
    """What the thread of a pool runs that takes results out of a pipe."""

    @functools.wraps(real)
    def handle_results(outqueue: Any, get: Callable[[], Any], cache: Any, /) -> Any:
        def told() -> Any:
            try:
                result = get()
            except BaseException as error:
                hide_frame(error)
                raise
            try:
                if (recorder := active.recorder()) is not None and (serial := results.get(cache)) is not None:
                    recorder.acquire(serial.number)
            except Exception:
                Failures.count += 1
            return result

        try:
            return real(outqueue, told, cache)
        except BaseException as error:
            hide_frame(error)
            raise

    return handle_results


def patch(patches: Patches) -> None:
    """Put the models beside what the threads run, if the module has been imported."""
    pool = getattr(sys.modules.get(MODULE), "Pool", None)
    for name, arguments, model in (
        ("_handle_tasks", ("taskqueue", "put", "outqueue", "pool", "cache"), handing_out),
        ("_handle_results", ("outqueue", "get", "cache"), hearing),
    ):
        real = getattr(pool, name, None)
        if real is not None and mp_queues.takes(real, arguments):
            patches.replace(pool, name, staticmethod(model(real)))
