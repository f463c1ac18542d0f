"""Real primitives, saved before any patch: what Raceway's own machinery locks, starts threads and reads clocks with.

gevent may have replaced some before Raceway came: it keeps the real ones. Nothing made from these is seen by the sync
models. `Thread`, `Event` and the like are not here: they are classes whose methods are patched, so an invisible worker
is started with `start_new_thread` and fed through `SimpleQueue`.
"""

from __future__ import annotations

import _thread
import queue
import sys
import threading
import time

allocate = _thread.allocate
allocate_lock = _thread.allocate_lock
get_ident = _thread.get_ident
start_new_thread = _thread.start_new_thread
Local = _thread._local
Lock = threading.Lock
LockType = _thread.LockType
RLock = _thread.RLock
SimpleQueue = queue.SimpleQueue
current_frame = sys._getframe
monotonic = time.monotonic
perf_counter = time.perf_counter
perf_counter_ns = time.perf_counter_ns
sleep = time.sleep

_REPLACED = {
    "_thread": ("allocate_lock", "get_ident", "start_new_thread", "LockType"),
    "threading": ("Lock",),
    "queue": ("SimpleQueue",),
    "time": ("sleep",),
}


def _take_back() -> None:
    get_original = getattr(sys.modules.get("gevent.monkey"), "get_original", None)
    if get_original is not None:
        for module, names in _REPLACED.items():
            globals().update({name: get_original(module, name) for name in names})
        globals()["Local"] = get_original("_thread", "_local")


_take_back()
