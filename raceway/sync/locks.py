"""Lock of the pure core: a Python class around the real one of `_thread`, and what any lock tells.

Edges: freeing a lock -> taking it next; what an actor holds is told too, and that it waits for a lock (`waiting`). A
try or a timeout that failed draws no edge.
A Lock may be freed by another actor than its taker. `Condition` needs no model: it releases and retakes its lock, so
notifier -> waiter goes through that lock.

`_thread` gives ours too, but not to importlib, which asks for every module's lock at any depth of the stack and down to
the last moments of the interpreter: it gets a copy of the module, with what was there. `threading` keeps what it took
from `_thread` for itself.

A traceback shows no frame of this file. What a Python method cannot give: a signal handler that raises exactly at the
entry of `__exit__` or `release` leaves the lock held, as with any context manager written in Python (bpo-29988).
"""

from __future__ import annotations

import _thread
import functools
import os
import sys
import threading
from types import FrameType, ModuleType

from raceway import originals
from raceway.model.typing import Any, ClassVar
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import creation
from raceway.sync.patching import Patches
from raceway.sync.serials import Serial
from raceway.sync.waiting import PATIENCE_S, Mode, Wait, mode_of
from raceway.sync.wrappers import Failures, hide_frame


class LockRecord:
    """What a lock tells the recorder, whoever implements it: `taken` once it is held, `freed` just before it is not."""

    __slots__ = ("_serial",)

    _recorder = staticmethod(active.recorder)
    _remade: ClassVar[list[LockRecord]] = []
    _ready_in: ClassVar[int] = 0

    def __init__(self, serial: Serial) -> None:
        self._serial = serial

    def taken(self, waits: bool = True) -> None:
        """The current actor took the lock, at the outermost level; `waits`: it would have waited without limit."""
        if (recorder := self._recorder()) is not None:
            if waits:
                recorder.lock_taken(self._number(recorder))
            else:
                recorder.lock_taken(self._number(recorder), False)

    def wait(self, mode: Mode, frame: FrameType) -> Wait | None:
        """The current actor is about to wait at `frame` for the lock, which somebody has."""
        try:
            recorder = self._recorder()
            # A serial of an earlier run is renewed by the holder only.
            if recorder is not None and self._serial.run == Serial.runs and mode is not Mode.TRIES:
                return Wait(recorder, self._serial.number, mode, frame)
        except Exception:
            Failures.count += 1
        return None

    def freed(self) -> None:
        """The current actor is about to free the lock, at the outermost level."""
        if (recorder := self._recorder()) is not None:
            recorder.lock_freed(self._number(recorder))

    def remade(self) -> None:
        """The lock was held and is made anew in a forked child. The recorder may not be ready there yet: handlers of
        forks run in the order in which they were registered."""
        if self._ready_in == os.getpid():
            self.freed()
        else:
            self._remade.append(self)

    @classmethod
    def tell_remade(cls) -> None:
        """The recorder is ready in this process: locks that were made anew are held no longer."""
        cls._ready_in = os.getpid()
        while cls._remade:
            cls._remade.pop().freed()

    def _number(self, recorder: Recorder) -> int:
        # Only the holder gets here, so no other thread renews the serial meanwhile.
        self._serial = self._serial.renewed(recorder)
        return self._serial.number


def record_for(frame: FrameType | None) -> LockRecord | None:
    """The record of a new lock, named after the user's line behind `frame`; None outside a run."""
    recorder = active.recorder()
    return None if recorder is None else LockRecord(Serial(recorder, "lock", *creation.place(frame)))


class _LockType(type):
    """The type of our locks: counts real locks as instances, and bears the name of the real type."""

    def __instancecheck__(cls, instance: object) -> bool:
        return type(instance) is originals.LockType or isinstance(type(instance), _LockType)

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        return "lock"


class TracedLock(metaclass=_LockType):
    """The methods of a lock, around a real one."""

    __slots__ = ("__weakref__", "_real", "_record")

    _real: Any
    _record: LockRecord

    # What was the type of a lock before the run began is it still.
    __class__ = property(lambda _: originals.LockType)

    def acquire(self, /, *args: Any, **kwargs: Any) -> bool:
        """Take the lock."""
        mode, wait, taken = mode_of(args, kwargs), None, False
        try:
            if mode is not Mode.TRIES and self._real.locked():
                wait = self._wait(mode, sys._getframe(1))
                if wait is not None and wait.closes and not (taken := self._real.acquire(True, PATIENCE_S)):
                    wait.tell()
            taken = taken or self._real.acquire(*args, **kwargs)
        except BaseException as error:
            if wait is not None:
                wait.over(False)
            hide_frame(error)
            raise
        if wait is not None:
            wait.over(taken)
        if taken:
            try:
                self._taken(mode is Mode.WAITS)
            except Exception:
                Failures.count += 1
        return taken

    def release(self, /, *args: Any, **kwargs: Any) -> None:
        """Free the lock."""
        try:
            try:
                if not args and not kwargs and self._real.locked():
                    self._freed()
            except Exception:
                Failures.count += 1
            finally:
                self._real.release(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    def __enter__(self) -> bool:
        taken, wait = False, None
        try:
            if self._real.locked():
                wait = self._wait(Mode.WAITS, sys._getframe(1))
            # A signal handler may raise after any call. The loop stores the outcome with no call in between, so that
            # an exception means, as with the real lock, that the lock is not held.
            if wait is not None and wait.closes:
                for taken in iter(functools.partial(self._real.acquire, True, PATIENCE_S), None):  # noqa: B007
                    break
                if not taken:
                    wait.tell()
            if not taken:
                for taken in iter(self._real.acquire, None):  # noqa: B007
                    break
            try:
                if wait is not None:
                    wait.over(True)
                self._taken()
            except Exception:
                Failures.count += 1
        except BaseException as error:
            if wait is not None:
                wait.over(False)
            if taken:
                self._real.release()
            hide_frame(error)
            raise
        return True

    def __exit__(self, *_: object) -> None:
        try:
            try:
                if self._real.locked():
                    self._freed()
            except Exception:
                Failures.count += 1
            finally:
                self._real.release()
        except BaseException as error:
            hide_frame(error)
            raise

    def locked(self, /, *args: Any) -> bool:
        """Whether somebody holds the lock."""
        try:
            return bool(self._real.locked(*args))
        except BaseException as error:
            hide_frame(error)
            raise

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked

    def _at_fork_reinit(self) -> None:
        if self._real.locked():
            self._record.remade()
        self._real._at_fork_reinit()

    def __reduce_ex__(self, protocol: Any) -> Any:
        try:
            return self._real.__reduce_ex__(protocol)
        except BaseException as error:
            hide_frame(error)
            raise

    def __repr__(self) -> str:
        status = "locked" if self._real.locked() else "unlocked"
        return f"<{status} _thread.lock object at {id(self):#x}>"

    def _wait(self, mode: Mode, frame: FrameType) -> Wait | None:
        return self._record.wait(mode, frame)

    def _taken(self, waits: bool = True) -> None:
        self._record.taken(waits)

    def _freed(self) -> None:
        self._record.freed()


def traced(cls: type[TracedLock], real: Any, frame: FrameType | None) -> Any:
    """A lock of class `cls` around `real`, named after the line behind `frame`; `real` itself outside a run."""
    record = record_for(frame)
    if record is None:
        return real
    lock = object.__new__(cls)
    lock._real = real
    lock._record = record
    return lock


made_for: dict[str, type[TracedLock]] = {}
"""Internal modules whose locks are quiet in a way of their own."""


class Lock(TracedLock):
    """Stands for `threading.Lock`. It hands out real locks outside a run, and to internal modules."""

    __slots__ = ()

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Any:
        """A lock for whoever asks."""
        try:
            real = originals.Lock(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if active.recorder() is None:
                return real
            frame = creation.asker(sys._getframe(1))
            if not creation.is_quiet(frame):
                return traced(cls, real, frame)
            special = made_for.get(creation.module_of(frame))
            return real if special is None else traced(special, real, frame)
        except Exception:
            Failures.count += 1
            return real

    def __init_subclass__(cls) -> None:
        try:
            raise TypeError("type '_thread.lock' is not an acceptable base type")
        except TypeError as error:
            hide_frame(error)
            raise


def name_as_lock(cls: type[TracedLock]) -> None:
    """Let errors and `repr` call a class of ours what they call the type of a real lock."""
    type.__dict__["__name__"].__set__(cls, "_thread.lock")
    cls.__qualname__ = "lock"
    cls.__module__ = "_thread"
    cls.__doc__ = originals.LockType.__doc__


name_as_lock(Lock)


def patch(patches: Patches) -> None:
    """Replace the factories."""
    LockRecord.tell_remade()
    if threading.Lock is originals.Lock:
        patches.replace(threading, "Lock", Lock)
    _bootstrap: Any = sys.modules["_frozen_importlib"]
    plain = ModuleType("_thread", _thread.__doc__)
    vars(plain).update(vars(_thread))
    patches.replace(_bootstrap, "_thread", plain)
    for name in ("allocate_lock", "allocate"):
        if getattr(_thread, name) is getattr(originals, name):  # gevent's are for greenlets
            patches.replace(_thread, name, Lock)
    if not creation.is_quiet_module("threading") and hasattr(threading, "_shutdown_locks_lock"):
        # `threading` itself is watched, but has made its lock: ours goes around it.
        lock = traced(Lock, threading._shutdown_locks_lock, sys._getframe())
        patches.replace(threading, "_shutdown_locks_lock", lock)
