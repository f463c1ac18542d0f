"""Happens-before models of threads for the pure core, and the two calls that tell of home-made synchronisation.

Programs that order their threads where Raceway cannot see it (through shared memory, a socket pair, C code) say so with
`raceway.sync.release(obj)` and `raceway.sync.acquire(obj)`. Everything else here is for the session.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType

from raceway.runtime.contract import Recorder
from raceway.sync import (
    asynclocks,
    barriers,
    creation,
    eventloops,
    events,
    executors,
    handmade,
    locks,
    native,
    queues,
    rlocks,
    semaphores,
    serials,
    simplequeues,
    sockets,
    threads,
)
from raceway.sync.handmade import acquire, release
from raceway.sync.lifetimes import lifetimes
from raceway.sync.patching import Failures, Patches
from raceway.sync.threads import frames

__all__ = [
    "AWAITED",
    "Patches",
    "acquire",
    "failures",
    "forked",
    "frames",
    "install",
    "lifetimes",
    "release",
    "uninstall",
]

_installed: list[Patches] = []

_TABLES: tuple[serials.Table[object], ...] = (
    asynclocks.locks,
    barriers.serials,
    eventloops.makers,
    eventloops.serials,
    eventloops.tasks,
    events.serials,
    executors.callbacks,
    executors.lives,
    handmade.serials,
    queues.channels,
    queues.shutdowns,
    queues.tasks,
    semaphores.internal,
    semaphores.owned,
    semaphores.serials,
    sockets.connections,
    threads.actors,
)  # type: ignore[assignment]  # of many kinds


def _nothing(_module: str) -> bool:
    return False


def install(recorder: Recorder, instrumented: Callable[[str], bool] = _nothing) -> Patches:
    """Put the models in. `recorder` is the active one.

    `instrumented` tells whether a module is: then the locks it uses inside are traced like any others.
    """
    uninstall()
    serials.Serial.runs += 1
    creation.set_scope(instrumented)
    patches = Patches()
    _installed.append(patches)
    threads.patch(patches, recorder)
    if not native.put_in(patches, recorder):
        for family in (locks, rlocks, queues):
            family.patch(patches)
    for family in (events, semaphores, barriers, simplequeues, executors, sockets, asynclocks, eventloops):
        family.patch(patches)
    return patches


def _imported(family: ModuleType) -> None:
    """The program has imported what these models are for: put them in, if the others are."""
    for patches in _installed:
        family.patch(patches)


AWAITED = {family.MODULE: functools.partial(_imported, family) for family in (asynclocks, eventloops, sockets)}
"""What to call when one of these modules has run; their models are not worth an import of ours."""


def uninstall() -> None:
    """Take the models out, if they are in. What was made meanwhile goes on working, and tells nothing."""
    creation.forget_uses()
    creation.set_scope(_nothing)
    while _installed:
        _installed.pop().undo()
    for table in _TABLES:
        table.clear()
    handmade.kept.clear()
    eventloops.unnamed.clear()
    threads.finished.clear()
    sockets.channels.clear()


def failures() -> int:
    """How many calls of a model went wrong in this process; each cost an edge at most."""
    return Failures.count


def forked(recorder: Recorder) -> None:
    """In a forked child, once the recorder can be told: the calling thread is alone, and locks were made anew."""
    locks.LockRecord.tell_remade()
    if recorder.native is not None:
        recorder.native.locks_forked()
    threads.alone(recorder)
