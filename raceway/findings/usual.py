"""Which lock guards a variable where it is guarded: what a fix names that has none of its own to name.

Asked of the races alone: their sides are all that is known with the locks held at them. The lock held in most places
is the usual one.
"""

from __future__ import annotations

from collections.abc import Iterable

from raceway.findings import naming
from raceway.findings.sides import LockNames, Names
from raceway.model.races import RawRace, Side
from raceway.model.struct import Struct

_NAMELESS = "lock "
"""What the names of locks begin with that were not assigned to anything."""


class Usual(Struct):
    """A lock, and the first place where a variable is used under it."""

    lock: str
    file: str
    line: int
    function: str


class Guarding:
    """The locks held at the sides of races, by variable; `directory` is what paths are shown relative to."""

    def __init__(self, names: Names, locks: LockNames, directory: str) -> None:
        self._names = names
        self._locks = locks
        self._directory = directory
        self._sides: dict[str, dict[int, Side]] = {}
        self._usual: dict[str, Usual | None] = {}

    def add(self, variable: str, races: Iterable[RawRace]) -> None:
        """Note the races on a variable."""
        sides = self._sides.setdefault(variable, {})
        for race in races:
            for side in (race.earlier, race.later):
                if side.locks:
                    sides.setdefault(side.access.site, side)

    def of(self, variable: str) -> Usual | None:
        """The usual lock of a variable, all of whose races are noted; None where no race has a side that holds one."""
        if variable not in self._usual:
            self._usual[variable] = self._find(variable)
        return self._usual[variable]

    def _find(self, variable: str) -> Usual | None:
        places: dict[str, list[int]] = {}
        for serial, side in sorted(self._sides.get(variable, {}).items()):
            for lock in side.locks:
                name = self._locks(lock)
                if not name.startswith(_NAMELESS):
                    places.setdefault(name, []).append(serial)
        if not places:
            return None
        name = min(places, key=lambda lock: (-len(places[lock]), len(lock), lock))
        site, file = self._names.site(places[name][0]), self._names.site_file(places[name][0])
        return Usual(name, naming.relative(file, self._directory), site.line, site.function)
