"""Identity of objects: serials of ours, since `id()` is reused as soon as an object dies.

An object that can be weakly referenced is watched by a weak reference; its serial is retired when it dies. Others
(lists, dicts, instances with slots) are held by a strong reference, and let go as soon as a look at their reference
count shows that only ours is left: every look-up looks at a few, and the cyclic collector is given back what it tracks
while it runs its oldest generation. So in this core such an object can outlive its last use by some accesses; the
native core watches the allocator instead and delays nothing.
"""

from __future__ import annotations

import gc
import itertools
import sys
import weakref
from collections.abc import Callable

from raceway.model.typing import Any

_OURS = 3
"""References that `sweep` itself sees: the entry's, its local variable's, the argument of getrefcount."""

_SWEPT_PER_LOOKUP = 4


class Entry:
    """What is known of one live object.

    `label` is what people call it, `sync` the serial under which it hands over, `notes` is for whoever caches facts
    about it (a class's attributes).
    """

    __slots__ = ("held", "label", "notes", "reference", "serial", "sync")

    def __init__(self, serial: int) -> None:
        self.serial = serial
        self.held: Any = None
        self.reference: weakref.ref[Any] | None = None
        self.label = ""
        self.sync = 0
        self.notes: dict[str, Any] | None = None


class Identity:
    """Serials of live objects, by address. Look-ups never call code of the program."""

    def __init__(self, retired: Callable[[int], None]) -> None:
        self._retired = retired
        self._entries: dict[int, Entry] = {}
        self._held: list[int] = []
        self._next_held = 0
        self._serials = itertools.count(1)
        self._loose: list[int] = []

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

    def knows(self, address: int) -> bool:
        """Whether a live object with an entry is at this address."""
        return address in self._entries

    def _new(self, target: Any, address: int) -> Entry:
        entry = Entry(next(self._serials))

        def died(_reference: object) -> None:
            if self._entries.get(address) is entry:
                del self._entries[address]
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

    def sweep(self) -> None:
        """Let go of held objects that nobody else refers to."""
        for _ in range(_SWEPT_PER_LOOKUP):
            try:
                place = self._next_held % len(self._held)
                address = self._held[place]
            except (ZeroDivisionError, IndexError):
                return
            self._next_held = place + 1
            entry = self._entries.get(address)
            held = entry.held if entry is not None else None
            if entry is not None and held is not None and sys.getrefcount(held) <= _OURS:
                self._drop(place, address, entry)

    def _drop(self, place: int, address: int, entry: Entry) -> None:
        try:
            if self._held[place] != address:
                return
            self._held[place] = self._held[-1]
            self._held.pop()
        except IndexError:
            return
        if self._entries.pop(address, None) is entry:
            self._retired(entry.serial)
            entry.held = None

    def _collecting(self, phase: str, details: dict[str, int]) -> None:
        """Around a full collection: what we hold must not look alive, or cycles through it would never die."""
        if details.get("generation") != 2:
            return
        if phase == "start":
            self._loosen()
        elif self._loose:
            self._tighten()

    def _loosen(self) -> None:
        for address in list(self._held):
            entry = self._entries.get(address)
            if entry is not None and entry.held is not None and gc.is_tracked(entry.held):
                self._loose.append(address)
                entry.held = None

    def _tighten(self) -> None:
        wanted = set(self._loose)
        alive = {id(target): target for target in gc.get_objects() if id(target) in wanted}
        for address in self._loose:
            entry = self._entries.get(address)
            if entry is None:
                continue
            if address in alive:
                entry.held = alive[address]
            else:
                del self._entries[address]
                self._retired(entry.serial)
        self._loose.clear()
        self._held = [address for address in self._held if address in self._entries]
