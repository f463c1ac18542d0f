"""Happens-before models of threads for the pure core, and the two calls that tell of home-made synchronisation.

Programs that order their threads where Raceway cannot see it (through shared memory, a socket pair, C code) say so with
`raceway.sync.release(obj)` and `raceway.sync.acquire(obj)`. Everything else here is for the session.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

from raceway.runtime.contract import Recorder
from raceway.sync import (
    barriers,
    caches,
    creation,
    early,
    events,
    executors,
    imports,
    locks,
    native,
    pipes,
    pollers,
    queues,
    rlocks,
    semaphores,
    serials,
    simplequeues,
    strays,
    threads,
)
from raceway.sync.handmade import acquire, release
from raceway.sync.lifetimes import lifetimes
from raceway.sync.patching import Patches
from raceway.sync.threads import frames
from raceway.sync.wrappers import Failures

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

_LATE = {
    "anyio._backends._asyncio": "ownedlocks",
    "asyncio.base_events": "eventloops",
    "asyncio.locks": "asynclocks",
    "asyncio.queues": "loopobjects",
    "asyncio.timeouts": "timelimits",
    "asyncio.unix_events": "loopfutures",
    "eventlet.hubs.timer": "hubs",
    "fcntl": "filelocks",
    "gevent._ffi.loop": "hubs",
    "gevent.libev.corecext": "hubs",
    "gevent.threadpool": "hubpools",
    "greenlet": "greenlets",
    "multiprocessing.connection": "mp_connections",
    "multiprocessing.managers": "mp_managers",
    "multiprocessing.process": "mp_processes",
    "multiprocessing.queues": "mp_queues",
    "multiprocessing.synchronize": "mp_locks",
    "resource": "limits",
    "selectors": "selectors",
    "socket": "sockets",
    "sqlite3": "databases",
    "ssl": "tls",
    "subprocess": "children",
    "trio": "triotasks",
    "trio._threads": "triothreads",
    "trio._sync": "ownedlocks",
    "uvloop": "uvloops",
}
"""Modules that a program may never import, and the models for them: neither is worth an import of ours."""


def _nothing(_module: str) -> bool:
    return False


def install(recorder: Recorder, instrumented: Callable[[str], bool] = _nothing) -> Patches:
    """Put the models in. `recorder` is the active one.

    `instrumented` tells whether a module is: then the locks it uses inside are traced like any others.
    """
    uninstall()
    strays.met.clear()
    serials.Serial.runs += 1
    creation.set_scope(instrumented)
    patches = Patches()
    _installed.append(patches)
    in_c = native.put_in(patches, recorder)
    threads.patch(patches, recorder)
    if not in_c:
        early.adopt(patches)
        for family in (locks, rlocks, queues):
            family.patch(patches)
    for family in (events, semaphores, barriers, simplequeues, executors, pipes, pollers, imports):
        family.patch(patches)
    caches.patch(patches, recorder.native)
    for module in _LATE:
        if module in sys.modules:
            _imported(module, early=True)
    return patches


def _imported(module: str, early: bool = False) -> None:
    """The program has imported `module`, perhaps before the run: put its models in, if the others are."""
    for patches in _installed:
        models = importlib.import_module(f"{__name__}.{_LATE[module]}")
        models.patch(patches)
        if early and hasattr(models, "follow_early"):
            models.follow_early()


AWAITED = dict.fromkeys(_LATE, _imported)
"""What to call, with its name, when one of these modules has run."""


def uninstall() -> None:
    """Take the models out, if they are in. What was made meanwhile goes on working, and tells nothing."""
    creation.forget_uses()
    creation.set_scope(_nothing)
    while _installed:
        _installed.pop().undo()
    serials.forget_run()


def failures() -> int:
    """How many calls of a model went wrong in this process; each cost an edge at most."""
    return Failures.count


def forked(recorder: Recorder) -> None:
    """In a forked child, once the recorder can be told: the calling thread is alone, and locks were made anew."""
    strays.met.clear()
    locks.LockRecord.tell_remade()
    if recorder.native is not None:
        recorder.native.locks_forked()
    threads.alone(recorder)
