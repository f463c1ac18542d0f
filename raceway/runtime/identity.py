"""Identity of objects: serials of ours, since `id()` is reused as soon as an object dies.

An object that can be weakly referenced is watched by a weak reference; its serial is retired when it dies. Others
(lists, dicts, instances with slots) are held by a strong reference, and let go as soon as a look at their reference
count shows that only ours is left: every look-up looks at a few, and the cyclic collector is given back what cycles may
lead through during a full collection. So in this core such an object can outlive its last use by some accesses; the
native core watches the allocator instead and delays nothing.

Threads run during a collection, all of them without a GIL, so what was given back may have died and its address belong
to another object afterwards. What is not surely the same gets a new serial: history is lost rather than told of the
wrong object.
"""

from __future__ import annotations

import gc
import itertools
import sys
import weakref
from collections import deque
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.runtime.gonekeys import KeysAsked

_OURS = 3
"""References that `sweep` itself sees: the entry's, its local variable's, the argument of getrefcount."""

_SWEPT_PER_LOOKUP = 4

_WITNESSES = 8
"""Referents that are compared to tell whether an object is still the same."""

_FULL = frozenset({0, 1, 2}) if "free-threading build" in sys.version else frozenset({2})
"""The generations that the collector calls a full collection; without a GIL it knows but one, by any of these names."""

SEVERAL = -1
"""No actor has this serial."""


class Entry:
    """What is known of one live object.

    `label` is what people call it, `sync` the serial under which it hands over, `notes` is for whoever caches facts
    about it (a class's attributes). `giver` is the actor that has put items into a container, `SEVERAL` for more than
    one, and `handing` tells that another one has taken some out. `asked` are the keys of it that have locations.
    """

    __slots__ = ("asked", "giver", "handing", "held", "label", "notes", "reference", "serial", "sync")

    def __init__(self, serial: int) -> None:
        self.serial = serial
        self.held: Any = None
        self.reference: weakref.ref[Any] | None = None
        self.label = ""
        self.sync = 0
        self.giver = 0
        self.handing = False
        self.asked: KeysAsked | None = None
        self.notes: dict[str, Any] | None = None


class Identity:
    """Serials of live objects, by address. Look-ups never call code of the program.

    `generation` is another one whenever an object may have died, so whoever remembers addresses knows when to forget.
    """

    def __init__(self, retired: Callable[[int], None]) -> None:
        self._tell = retired
        self._entries: dict[int, Entry] = {}
        self._held: deque[int] = deque()
        self._serials = itertools.count(1)
        self._loose: dict[int, tuple[Entry, tuple[int, ...]]] = {}
        self._generations = itertools.count(1)
        self.generation = 0

    def start(self) -> None:
        """Begin to follow the cyclic collector."""
        gc.callbacks.append(self._collecting)

    def stop(self) -> None:
        """Let go of everything."""
        if self._collecting in gc.callbacks:
            gc.callbacks.remove(self._collecting)
        self._held.clear()
        self._entries.clear()

    def new_serial(self) -> int:
        """A fresh serial for something that is not an object of the program."""
        return next(self._serials)

    def of(self, target: Any) -> Entry:
        """The entry of a live object, made at the first look."""
        address = id(target)
        entry = self._entries.get(address)
        if entry is None:
            entry = self._new(target, address)
        if self._held:
            self.sweep()
        return entry

    def serial_at(self, address: int) -> int:
        """The serial of the live object at this address, 0 when it has none."""
        entry = self._entries.get(address)
        return 0 if entry is None else entry.serial

    def knows(self, address: int) -> bool:
        """Whether a live object with an entry is at this address."""
        return address in self._entries

    def _new(self, target: Any, address: int) -> Entry:
        entry = Entry(next(self._serials))

        def died(_reference: object) -> None:
            if self._entries.get(address) is entry:
                self._entries.pop(address, None)
                self._retired(entry.serial)

        try:
            entry.reference = weakref.ref(target, died)
        except TypeError:
            entry.held = target
        known = self._entries.setdefault(address, entry)
        if known is not entry:
            entry.reference = None
            return known
        if entry.reference is None:
            self._held.append(address)
        return entry

    def _retired(self, serial: int) -> None:
        self.generation = next(self._generations)
        self._tell(serial)

    def sweep(self) -> None:
        """Let go of held objects that nobody else refers to.

        An address that a thread has taken out of the queue is that thread's alone until it puts it back.
        """
        for _ in range(_SWEPT_PER_LOOKUP):
            try:
                address = self._held.popleft()
            except IndexError:
                return
            entry = self._entries.get(address)
            held = entry.held if entry is not None else None
            if entry is None or held is None:
                continue
            if sys.getrefcount(held) > _OURS:
                self._held.append(address)
            elif self._entries.pop(address, None) is entry:
                self._retired(entry.serial)
                entry.held = None

    def _collecting(self, phase: str, details: dict[str, int]) -> None:
        """Around a full collection: what we hold must not look alive, or cycles through it would never die."""
        if details.get("generation") not in _FULL:
            return
        if phase == "start":
            self._loosen()
        elif self._loose:
            self._tighten()

    def _loosen(self) -> None:
        """Give the collector what may be part of cycles, and let go of what nobody else refers to."""
        for _ in range(len(self._held)):
            try:
                address = self._held.popleft()
            except IndexError:
                return
            entry = self._entries.get(address)
            held = entry.held if entry is not None else None
            if entry is None or held is None:
                continue
            shared = sys.getrefcount(held) > _OURS
            if shared and not _may_cycle(held):
                self._held.append(address)
                continue
            self._entries.pop(address, None)
            if shared:
                self._loose[address] = entry, _witnesses(held)
            else:
                self._retired(entry.serial)
            entry.held = None
        self.generation = next(self._generations)

    def _tighten(self) -> None:
        """Hold again what is still there and surely the same."""
        alive = {id(target): target for target in gc.get_objects() if id(target) in self._loose}
        for address, (entry, before) in self._loose.items():
            target = alive.get(address)
            same = bool(before) and target is not None and before == _witnesses(target)
            if same and self._entries.setdefault(address, entry) is entry:
                entry.held = target
                self._held.append(address)
            else:
                self._retired(entry.serial)
        self._loose.clear()


def _may_cycle(target: object) -> bool:
    """Whether cycles may lead through it. Otherwise it need not be given back, which would leave it open who it is."""
    if not gc.is_tracked(target):
        return False
    return any(gc.is_tracked(one) for one in gc.get_referents(target) if one is not type(target))


def _witnesses(target: object) -> tuple[int, ...]:
    """What tells an object from another that was made at its address: none for an empty one."""
    return tuple([id(one) for one in gc.get_referents(target) if one is not type(target)][:_WITNESSES])
