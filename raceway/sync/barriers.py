"""Barrier: all arrivals of a generation -> its action -> all departures of that generation.

The models sit beside inner methods that run under the barrier's own lock, so generations cannot mix: the first arrival
of one replaces what the one before left, when all have departed. Who leaves with BrokenBarrierError gets no edge.
A traceback shows no frame of ours.
"""

from __future__ import annotations

import threading

from raceway.runtime.contract import Recorder
from raceway.sync.patching import Patches
from raceway.sync.serials import Serials, of_run

serials = of_run(Serials("barrier"))


def arrived(recorder: Recorder, barrier: threading.Barrier, _result: object) -> None:
    """The current actor came in; the barrier is filling."""
    later_than_first = barrier._count > 0  # type: ignore[attr-defined]
    recorder.release(serials.number(recorder, barrier), merge=later_than_first)


def complete(recorder: Recorder, barrier: threading.Barrier) -> None:
    """The current actor came last, and is about to run the action."""
    recorder.acquire(serials.number(recorder, barrier))


def acted(recorder: Recorder, barrier: threading.Barrier, _result: object) -> None:
    """The action was run; all may leave once the barrier's lock is free."""
    recorder.release(serials.number(recorder, barrier))


def departed(recorder: Recorder, barrier: threading.Barrier, _result: object) -> None:
    """The current actor waited, and may leave."""
    recorder.acquire(serials.number(recorder, barrier))


def patch(patches: Patches) -> None:
    """Put the models beside the inner methods."""
    patches.around(threading.Barrier, "_enter", after=arrived)
    patches.around(threading.Barrier, "_release", before=complete, after=acted)
    patches.around(threading.Barrier, "_wait", after=departed)
