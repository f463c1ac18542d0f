"""What was made before the run began: queues get their models, and on the pure core locks are put into ours.

The native core observes the types of locks, so there nothing is to be done for them. A lock is told from the objects
that hold it: those in the globals of modules and in the attributes of instances are replaced by ours around the real
one, unless a primitive has it for itself. Whoever holds the real one elsewhere, in a local variable or a list, goes on
with that: it is still the same lock, and only orders nothing.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import sys
import threading
from collections.abc import Iterator
from types import FrameType, ModuleType

from raceway import originals
from raceway.model.typing import Any
from raceway.runtime import active
from raceway.sync import creation
from raceway.sync.locks import Lock, TracedLock, name_as_lock, traced
from raceway.sync.patching import Patches
from raceway.sync.waiting import PATIENCE_S, Mode, mode_of
from raceway.sync.wrappers import Failures, hide_frame

_LEFT_ALONE = ("importlib", "_frozen_importlib", "raceway")
_BOUND = ("acquire", "release", "_release_save", "_acquire_restore", "_is_owned")
"""What a condition takes from its lock for good."""


def instances(*classes: type) -> Iterator[Any]:
    """Live objects of these classes. No code of the program is called."""
    wanted = {id(cls) for one in classes for cls in _with_subclasses(one)}
    everything = gc.get_objects()
    if not wanted.isdisjoint(map(id, map(type, everything))):  # there are tens of thousands, and seldom one of them
        yield from (one for one in everything if id(type(one)) in wanted)


def _with_subclasses(cls: type) -> Iterator[type]:
    yield cls
    one: type
    for one in type.__subclasses__(cls):
        yield from _with_subclasses(one)


class EarlyRLock(TracedLock):
    """An RLock of before the run, with ours around it."""

    __slots__ = ()

    def acquire(self, /, *args: Any, **kwargs: Any) -> bool:
        """Take the lock, or go one level deeper."""
        try:
            return self._enter(sys._getframe(1), args, kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    def _enter(self, frame: FrameType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        mode, wait, taken = mode_of(args, kwargs), None, False
        try:
            if mode is not Mode.TRIES and not self._real._is_owned():
                taken = self._real.acquire(False)
                if not taken:
                    wait = self._wait(mode, frame)
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
            self._told(functools.partial(self._taken, mode is Mode.WAITS))
        return taken

    def release(self, /, *args: Any, **kwargs: Any) -> None:
        """Go one level up."""
        self._told(self._freed)
        try:
            self._real.release(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    def __enter__(self) -> bool:
        try:
            return self._enter(sys._getframe(1), (), {})
        except BaseException as error:
            hide_frame(error)
            raise

    def __exit__(self, *_: object) -> None:
        self.release()

    def locked(self, /, *_args: Any) -> bool:
        """Whether the calling thread holds the lock."""
        return bool(self._real._is_owned())

    def _is_owned(self) -> bool:
        return bool(self._real._is_owned())

    def _recursion_count(self) -> int:
        return int(self._real._recursion_count())

    def _release_save(self) -> Any:
        if self._is_owned():
            self._told(self._record.freed)
        return self._real._release_save()

    def _acquire_restore(self, state: Any) -> None:
        self._real._acquire_restore(state)
        self._told(self._record.taken)

    def _taken(self, waits: bool = True) -> None:
        if self._real._recursion_count() == 1:
            self._record.taken(waits)

    def _freed(self) -> None:
        if self._real._recursion_count() == 1:
            self._record.freed()

    def __repr__(self) -> str:
        return repr(self._real)

    @staticmethod
    def _told(tell: Any) -> None:
        try:
            tell()
        except Exception:
            Failures.count += 1


name_as_lock(EarlyRLock)


def adopt(patches: Patches) -> None:
    """Put the locks of before the run into ours; undone with `patches`."""
    if active.recorder() is None:
        return
    kept = _internal()
    locks = {
        id(lock): lock
        for lock in instances(originals.LockType, originals.RLock)
        if id(lock) not in kept and type(lock) in (originals.LockType, originals.RLock)
    }
    holders = list(_referrers(locks))
    owners = _owners([holder for holder, _held in holders if type(holder) is dict and _module_of(holder) is None])
    ours: dict[int, Any] = {}
    for holder, held in holders:
        for lock in held:
            owner, names = _place(holder, lock, owners)
            for name in names:
                if id(lock) not in ours:
                    ours[id(lock)] = _around(lock)
                patches.replace(owner, name, ours[id(lock)])
            if names and type(owner) is threading.Condition:
                for name in _BOUND:
                    if getattr(vars(owner).get(name), "__self__", None) is lock:
                        patches.replace(owner, name, getattr(ours[id(lock)], name))


def _referrers(targets: dict[int, Any]) -> Iterator[tuple[Any, list[Any]]]:
    """Live objects that refer to any of the targets, which are given by address, and to which.

    Each object is looked at once, however many targets there are.
    """
    wanted = targets.keys()
    for holder in gc.get_objects():
        referents = gc.get_referents(holder)
        if not wanted.isdisjoint(map(id, referents)):
            yield holder, [targets[address] for address in wanted & set(map(id, referents))]


def _owners(namespaces: list[dict[str, Any]]) -> dict[int, Any]:
    """The objects whose attributes these dictionaries are, by the address of the dictionary."""
    found: dict[int, Any] = {}
    for holder, held in _referrers({id(namespace): namespace for namespace in namespaces}):
        with contextlib.suppress(AttributeError):
            attributes = object.__getattribute__(holder, "__dict__")
            if any(attributes is namespace for namespace in held):
                found[id(attributes)] = holder
    return found


def _around(lock: Any) -> Any:
    cls: type[TracedLock] = Lock if type(lock) is originals.LockType else EarlyRLock
    return traced(cls, lock, None)


def _place(holder: Any, lock: Any, owners: dict[int, Any]) -> tuple[Any, list[str]]:
    """The module or instance behind `holder`, and the names under which it has the lock."""
    owner = holder
    if type(holder) is dict:
        owner = _module_of(holder) or owners.get(id(holder))
    module = owner.__name__ if type(owner) is ModuleType else type(owner).__module__
    condition = type(owner) is threading.Condition
    if owner is None or type(module) is not str or module.partition(".")[0] in _LEFT_ALONE:
        return None, []
    if type(owner) is dict or (creation.is_quiet_module(module) and not condition):
        return None, []
    try:
        attributes = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return None, []
    names = [name for name, value in attributes.items() if value is lock] if type(attributes) is dict else []
    return owner, names


def _module_of(namespace: dict[str, Any]) -> ModuleType | None:
    module = sys.modules.get(dict.get(namespace, "__name__") or "")
    return module if type(module) is ModuleType and vars(module) is namespace else None


def _internal() -> set[int]:
    """The locks that primitives have for themselves, also inside conditions of theirs."""
    found: set[int] = set()
    quiet = [one for one in gc.get_objects() if creation.is_quiet_module(type(one).__module__)]
    for one in quiet:
        if type(one) is threading.Condition or isinstance(one, type):
            continue
        for value in getattr(one, "__dict__", {}).values():
            found.add(id(value))
            if type(value) is threading.Condition:
                found.add(id(value._lock))  # type: ignore[attr-defined]
    return found
