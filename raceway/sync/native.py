"""What the native core has models of in C: they are put in place of `locks`, `rlocks`, half of `queues`, and of the
models of futures and sockets.

raceway/native/locks.c observes the lock types themselves, so every lock is seen: those made before the run, by
uninstrumented packages, and through `_thread`. What is quiet and what names a lock is as `creation` says; the locks of
the import system are quiet too.
"""

from __future__ import annotations

import functools
import queue
import sys
import threading
import weakref

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync import creation, events, executors, queues, sockets
from raceway.sync.patching import Patches

_IMPORT_SYSTEM = {"importlib._bootstrap", "_frozen_importlib"}


def put_in(patches: Patches, recorder: Recorder) -> bool:
    """Put the models in C in place, if `recorder` is of a core that has them for this interpreter."""
    native = recorder.native
    if native is None:
        return False
    told = None if type(recorder) is native.Recorder else recorder
    if not native.locks_install(told, *creation.rules(_IMPORT_SYSTEM)):
        return False
    patches.at_undo(native.locks_uninstall)
    queues.patch(patches, made_with(native))
    patches.twins = twins(native)
    return True


def twins(native: Any) -> dict[object, Any]:
    """Models of functions and attributes, and what takes their place."""
    return {
        executors.STATE: native.Watched("_state", "future state"),
        executors.WAITERS: native.Watched("_waiters", "future waiters"),
        executors.CALLBACKS: native.Watched("_done_callbacks", "future callbacks"),
        events.setting: native.event_setting,
        events.seen_set: native.event_seen_set,
        sockets.sending: functools.partial(native.Around, model="sending"),
        sockets.received: functools.partial(native.Around, model="received"),
    }


def made_with(native: Any) -> Any:
    """A model of the making of queues that gives them conditions which tell a channel in C."""

    class Told(threading.Condition):
        """A condition of a queue, with the queue's channel."""

        def __init__(self, mutex: Any, channel: Any) -> None:
            super().__init__(mutex)
            self._raceway_channel = channel

    real = vars(threading.Condition)["notify"]
    not_empty = type("NotEmpty", (Told,), {"__module__": __name__, "notify": native.Around(real, "put")})
    not_full = type("NotFull", (Told,), {"__module__": __name__, "notify": native.Around(real, "got")})

    def made(_recorder: Recorder, owner: queue.Queue[Any], _result: object) -> None:
        """A queue was made: its conditions tell what it does."""
        size: object = owner.maxsize
        places = min(size, sys.maxsize) if isinstance(size, int) else 0
        channel = native.Channel(weakref.ref(owner), owner.mutex, places, queues.is_loud(owner))
        owner.not_empty = not_empty(owner.mutex, channel)
        owner.not_full = not_full(owner.mutex, channel)

    return made
