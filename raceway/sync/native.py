"""What the native core has models of in C: they are put in place of `locks`, `rlocks`, half of `queues`, and of the
models of threads, futures, events, sockets, polling objects and databases. Sockets that are connected without
addresses, as those of a pair, and semaphores of the program are left to the models in Python.

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

from raceway import originals
from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import (
    creation,
    databases,
    events,
    executors,
    imports,
    pollers,
    queues,
    semaphores,
    sockets,
    threads,
    workers,
)
from raceway.sync.lifetimes import lifetimes
from raceway.sync.patching import ABSENT, Patches

_IMPORT_SYSTEM = {"importlib._bootstrap", "_frozen_importlib"}


def put_in(patches: Patches, recorder: Recorder) -> bool:
    """Put the models in C in place, if `recorder` is of a core that has them for this interpreter."""
    native = recorder.native
    if native is None:
        return False
    told = None if type(recorder) is native.Recorder else recorder
    real = {name: getattr(originals, name) for name in ("LockType", "RLock", "allocate_lock", "allocate")}
    if not native.locks_install(told, *creation.rules(_IMPORT_SYSTEM), real):
        return False
    patches.at_undo(native.locks_uninstall)
    queues.patch(patches, made_with(native))
    native.jobs_judging(_judging_taken, _judging_ended)
    patches.at_undo(functools.partial(native.jobs_judging, None, None))
    patches.native, patches.twins = native, twins(native)
    threads.actors.native = native
    native.threads_install(_begun, lifetimes.ended, threads.finished.append, threads.real_is_alive, threads.in_greenlet)
    patches.at_undo(native.threads_uninstall)
    native.pollers_install()
    native.sockets_install(_sending_without_address)
    sockets.called.native = native
    return True


def twins(native: Any) -> dict[object, Any]:
    """Models of functions and attributes, and what takes their place."""
    file_of = functools.partial(databases.file_of, native.DatabaseFile)
    return {
        databases.connecting: functools.partial(native.DatabaseConnect, file_of=file_of),
        databases.executing: functools.partial(native.DatabaseMethod, role="execute"),
        databases.scripting: functools.partial(native.DatabaseMethod, role="script"),
        databases.ending: functools.partial(native.DatabaseMethod, role="end"),
        imports.imported: functools.partial(native.Around, model="imported"),
        executors.STATE: native.Watched("_state", "future state"),
        executors.WAITERS: native.Watched("_waiters", "future waiters"),
        executors.CALLBACKS: native.Watched("_done_callbacks", "future callbacks"),
        events.setting: native.event_setting,
        events.seen_set: native.event_seen_set,
        sockets.sending: functools.partial(native.Around, model="sending", otherwise=_sending_without_address),
        sockets.received: functools.partial(native.Around, model="received", otherwise=_received_without_address),
        sockets.closing: native.socket_closing,
        pollers.registering: functools.partial(native.Around, model="registering"),
        pollers.forgetting: functools.partial(native.Around, model="forgetting"),
        pollers.polled: functools.partial(native.Around, model="polled"),
        semaphores.COUNTER: native.Watched("_value", "semaphore counter", _counting),
        threads.starting: functools.partial(native.Around, model="starting"),
        threads.begun: native.thread_begun,
        threads.ended: native.thread_ended,
        threads.joined: native.thread_joined,
        threads.seen_alive: native.thread_seen_alive,
        threads.renamed: native.thread_renamed,
    }


def _sending_without_address(end: object) -> None:
    if (recorder := active.recorder()) is not None:
        sockets.sending(recorder, end)


def _received_without_address(end: object) -> None:
    if (recorder := active.recorder()) is not None:
        sockets.received(recorder, end, None)


def _begun(actor: int, name: str) -> bool:
    if (recorder := active.recorder()) is not None:
        for told in threads.at_start:
            told(recorder, actor)
    return lifetimes.begun(actor, name)


def _judging_taken() -> None:
    if (recorder := active.recorder()) is not None:
        workers.judge_taken(recorder)


def _judging_ended(future: Any) -> None:
    if (recorder := active.recorder()) is not None:
        workers.judge_ended(recorder, future)


def _counting(semaphore: object, old: object, new: object) -> None:
    if (recorder := active.recorder()) is not None:
        semaphores.counting(recorder, semaphore, ABSENT if old is None else old, new)


def made_with(native: Any) -> Any:
    """A model of the making of queues that gives them conditions which tell a channel in C."""

    class Told(threading.Condition):
        """A condition of a queue, with the queue's channel."""

        def __init__(self, mutex: Any, channel: Any) -> None:
            super().__init__(mutex)
            self._raceway_channel = channel

    real = vars(threading.Condition)["notify"]
    taps = frozenset(native.TAPS)
    not_empty = type("NotEmpty", (Told,), {"__module__": __name__, "notify": native.Around(real, "put")})
    not_full = type("NotFull", (Told,), {"__module__": __name__, "notify": native.Around(real, "got")})

    def made(_recorder: Recorder, owner: queue.Queue[Any], _result: object, fresh: bool = True) -> None:
        """A queue was made, just now if `fresh`: its conditions tell what it does."""
        size: object = owner.maxsize if fresh else 0
        places = min(size, sys.maxsize) if isinstance(size, int) else 0
        channel = native.Channel(weakref.ref(owner), owner.mutex, places, queues.is_loud(owner, taps))
        owner.not_empty = not_empty(owner.mutex, channel)
        owner.not_full = not_full(owner.mutex, channel)

    return made
