"""Real primitives, saved before any patch: what Raceway's own machinery locks, starts threads and reads clocks with.

Nothing made from these is seen by the sync models. `Thread`, `Event` and the like are not here: they are classes whose
methods are patched, so an invisible worker is started with `start_new_thread` and fed through `SimpleQueue`.
"""

from __future__ import annotations

import _thread
import queue
import sys
import threading
import time

allocate_lock = _thread.allocate_lock
get_ident = _thread.get_ident
start_new_thread = _thread.start_new_thread
Lock = threading.Lock
LockType = _thread.LockType
RLock = _thread.RLock
SimpleQueue = queue.SimpleQueue
current_frame = sys._getframe
monotonic = time.monotonic
perf_counter = time.perf_counter
perf_counter_ns = time.perf_counter_ns
sleep = time.sleep
