"""Futures, tasks and transports of asyncio, which know their loop, used while that runs in another thread.

Mostly that makes a handle, which `strays` sees; a result that nobody waits for yet makes none, nor does what a
transport can send at once. No frame of ours shows in a traceback.
"""

from __future__ import annotations

import functools
import sys

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.sync.extensiontypes import stand_in
from raceway.sync.patching import Patches
from raceway.sync.strays import Evidence, is_foreign, strayed
from raceway.sync.wrappers import beside

_METHODS = (
    ("asyncio.futures", "Future", ("set_result", "set_exception", "cancel", "add_done_callback")),
    ("asyncio.tasks", "Task", ("cancel",)),
)
_TRANSPORTS = (
    ("asyncio.selector_events", "_SelectorSocketTransport", "write"),
    ("asyncio.selector_events", "_SelectorDatagramTransport", "sendto"),
    ("asyncio.unix_events", "_UnixWritePipeTransport", "write"),
    ("asyncio.sslproto", "_SSLProtocolTransport", "write"),
)


def used(owner: Any) -> None:
    """A thread is about to use a future, a task or a transport."""
    recorder = active.recorder()
    if recorder is None or recorder.tasks.current():
        return
    loop = getattr(owner, "_loop", None)
    if loop is not None and is_foreign(loop):
        strayed(loop, owner, Evidence.FUTURE)


def _told(real: Any) -> Any:
    return beside(real, used)


def patch(patches: Patches) -> None:
    """Put the model beside the methods, if asyncio has been imported."""
    native = patches.native
    make = _told if native is None else functools.partial(native.Around, model="future used", otherwise=used)
    for module, name, methods in _METHODS:
        owner: Any = getattr(sys.modules.get(module), name, None)
        for method in methods if owner is not None else ():
            stand_in(patches, owner, method, make)
    for module, name, method in _TRANSPORTS:
        transport = getattr(sys.modules.get(module), name, None)
        if transport is not None:
            patches.beside(transport, method, used)
