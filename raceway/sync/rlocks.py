"""RLock of the pure core: a class derived from the real one of `_thread`.

Edges: freeing the lock at the outermost level -> taking it next; what an actor holds is told too. A try or a timeout
that failed tells nothing. `Condition()` makes one of these, and releases and retakes it while it waits, so notifier ->
waiter goes through it. `threading.RLock` stays as it is, and so do names bound to it before: it asks
`threading._CRLock`, which is ours. What is said of `locks` about `_thread`, tracebacks and signals holds here too.
"""

from __future__ import annotations

import _thread
import functools
import sys
import threading

from raceway import originals
from raceway.model.typing import Any
from raceway.runtime import active
from raceway.sync import creation
from raceway.sync.locks import LockRecord, record_for
from raceway.sync.patching import Patches
from raceway.sync.waiting import PATIENCE_S, Mode, mode_of
from raceway.sync.wrappers import Failures, hide_frame

_RealRLock: Any = originals.RLock

_FACTORIES = frozenset({"RLock", "Condition.__init__"})


class RLock(_RealRLock):  # type: ignore[misc]
    """Stands for `threading._CRLock`, and is one: the real lock is its base. May be subclassed as the real one may."""

    __slots__ = ("_raceway_depth", "_raceway_record")

    _raceway_depth: int
    _raceway_record: LockRecord | None

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Any:
        """An RLock for whoever asks; a real one outside a run, and for internal modules."""
        record = None
        try:
            if active.recorder() is not None:
                frame = creation.asker(sys._getframe(1), _FACTORIES)
                creation.tell_use(frame)
                record = None if creation.is_quiet(frame) else record_for(frame)
        except Exception:
            Failures.count += 1
        if record is None and cls is RLock:
            return originals.RLock(*args, **kwargs)
        lock = super().__new__(cls, *args, **kwargs)
        lock._raceway_depth = 0  # changed by the holder only
        lock._raceway_record = record
        return lock

    def acquire(self, /, *args: Any, **kwargs: Any) -> Any:
        """Take the lock, or go one level deeper."""
        mode, wait, taken = mode_of(args, kwargs), None, False
        try:
            nested = super()._is_owned()
            if mode is not Mode.TRIES and not nested and self._raceway_record is not None:
                taken = super().acquire(False)
                if not taken:
                    wait = self._raceway_record.wait(mode, sys._getframe(1))
                if wait is not None and wait.closes and not (taken := super().acquire(True, PATIENCE_S)):
                    wait.tell()
            taken = taken or super().acquire(*args, **kwargs)
        except BaseException as error:
            if wait is not None:
                wait.over(False)
            hide_frame(error)
            raise
        if wait is not None:
            wait.over(taken)
        if taken:
            try:
                self._raceway_entered(nested, mode is Mode.WAITS)
            except Exception:
                Failures.count += 1
        return taken

    def release(self, /, *args: Any, **kwargs: Any) -> None:
        """Go one level up; free the lock at the outermost one."""
        try:
            try:
                if not args and not kwargs:
                    self._raceway_leaving()
            except Exception:
                Failures.count += 1
            finally:
                super().release(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    def __enter__(self) -> Any:
        taken, wait = False, None
        try:
            nested = super()._is_owned()
            if not nested and self._raceway_record is not None:
                for taken in iter(functools.partial(super().acquire, False), None):  # noqa: B007  see TracedLock.__enter__
                    break
                if not taken:
                    wait = self._raceway_record.wait(Mode.WAITS, sys._getframe(1))
                if wait is not None and wait.closes:
                    for taken in iter(functools.partial(super().acquire, True, PATIENCE_S), None):  # noqa: B007
                        break
                    if not taken:
                        wait.tell()
            if not taken:
                for taken in iter(super().acquire, None):  # noqa: B007
                    break
            try:
                if wait is not None:
                    wait.over(True)
                self._raceway_entered(nested)
            except Exception:
                Failures.count += 1
        except BaseException as error:
            if wait is not None:
                wait.over(False)
            if taken:
                super().release()
            hide_frame(error)
            raise
        return taken

    def __exit__(self, *_: object) -> None:
        try:
            try:
                self._raceway_leaving()
            except Exception:
                Failures.count += 1
            finally:
                super().release()
        except BaseException as error:
            hide_frame(error)
            raise

    def _release_save(self) -> Any:
        try:
            try:
                if super()._is_owned() and self._raceway_record is not None:
                    self._raceway_record.freed()
            except Exception:
                Failures.count += 1
            return super()._release_save()
        except BaseException as error:
            hide_frame(error)
            raise

    def _acquire_restore(self, state: Any) -> None:
        super()._acquire_restore(state)
        try:
            self._raceway_entered(False)
            self._raceway_depth = state[0]
        except Exception:
            Failures.count += 1

    def _at_fork_reinit(self) -> None:
        if super()._is_owned() and self._raceway_record is not None:
            self._raceway_record.remade()
        super()._at_fork_reinit()

    def _raceway_entered(self, nested: bool, waits: bool = True) -> None:
        self._raceway_depth = self._raceway_depth + 1 if nested else 1
        if not nested and self._raceway_record is not None:
            self._raceway_record.taken(waits)

    def _raceway_leaving(self) -> None:
        if super()._is_owned():
            if self._raceway_depth <= 1 and self._raceway_record is not None:
                self._raceway_record.freed()
            self._raceway_depth -= 1


RLock.__module__ = "_thread"
RLock.__name__ = "_thread.RLock"  # the C base prints it; `__qualname__` stays without the module


def patch(patches: Patches) -> None:
    """Replace the factory."""
    if threading._CRLock is not None:  # type: ignore[attr-defined]  # gevent has RLock made in Python, of its locks
        patches.replace(threading, "_CRLock", RLock)
    patches.replace(_thread, "RLock", RLock)
    if sys.version_info < (3, 12):  # cached_property locks while it computes, until 3.12
        patches.replace(functools, "RLock", RLock)
    if not creation.is_quiet_module("threading") and threading.active_count() == 1:
        # `threading` itself is watched, but has made its lock. Nobody else holds it while there is one thread.
        patches.replace(threading, "_active_limbo_lock", RLock())
