"""Which lock guards a variable where it is guarded: what a fix names that has none of its own to name.

Asked of the races, whose sides are all that is known with the locks held at them, and of the source: in which `with`
statements other uses of the variable stand. The lock held in most places is the usual one. Where the variable is never
guarded it is the one lock that guards others of the same class, module or function, if there is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from raceway.findings import naming
from raceway.findings.fences import Fence, fences
from raceway.findings.sides import LockNames, Names
from raceway.findings.syntax import Place, place
from raceway.model.races import RawRace, Side
from raceway.model.struct import Struct

_NAMELESS = "lock "
"""What the names of locks begin with that were not assigned to anything."""


class Usual(Struct):
    """A lock, and the first place where a variable is used under it; `beside`: where others of its owner are. `sure`:
    no other lock is held in as many places."""

    lock: str
    file: str
    line: int
    function: str
    beside: bool = False
    sure: bool = True


class Guarding:
    """The locks held at the sides of races, by variable; `directory` is what paths are shown relative to."""

    def __init__(self, names: Names, locks: LockNames, directory: str) -> None:
        self._names = names
        self._locks = locks
        self._directory = directory
        self._sides: dict[str, dict[int, Side]] = {}
        self._places: dict[str, set[tuple[str, Place]]] = {}
        self._usual: dict[tuple[str, bool], Usual | None] = {}

    def add(self, variable: str, races: Iterable[RawRace]) -> None:
        """Note the races on a variable."""
        sides, places = self._sides.setdefault(variable, {}), self._places.setdefault(variable, set())
        for race in races:
            for side in (race.earlier, race.later):
                places.add((self._names.site_file(side.access.site), place(self._names.site(side.access.site))))
                if side.locks:
                    sides.setdefault(side.access.site, side)

    def of(self, variable: str, of_tasks: bool) -> Usual | None:
        """The usual lock of a variable, all of whose races are noted, for threads or for tasks; None where neither a
        race nor the source has a place that holds one."""
        if (variable, of_tasks) not in self._usual:
            found = [fences(path, position) for path, position in sorted(self._places.get(variable, ()))]
            own = _of({fence for one in found for fence in one.own}, of_tasks)
            beside = _of({fence for one in found for fence in one.beside}, of_tasks)
            self._usual[variable, of_tasks] = self._held(variable, own) or self._fenced(own) or self._beside(beside)
        return self._usual[variable, of_tasks]

    def _held(self, variable: str, own: Sequence[Fence]) -> Usual | None:
        places: dict[str, list[int]] = {}
        for serial, side in sorted(self._sides.get(variable, {}).items()):
            for lock in side.locks:
                name = self._locks(lock)
                if not name.startswith(_NAMELESS):
                    places.setdefault(name, []).append(serial)
        if not places:
            return None
        held = Counter(_last(fence.lock) for fence in own)
        count = {lock: (held[_last(lock)], len(serials)) for lock, serials in places.items()}
        name = min(count, key=lambda lock: (*(-one for one in count[lock]), len(lock), lock))
        site, file = self._names.site(places[name][0]), self._names.site_file(places[name][0])
        in_source = any(by_source for by_source, _races in count.values())
        places_of = [by_source if in_source else races for by_source, races in count.values()]
        sure = places_of.count(max(places_of)) == 1
        return Usual(name, naming.relative(file, self._directory), site.line, site.function, sure=sure)

    def _fenced(self, fences: Sequence[Fence], beside: bool = False) -> Usual | None:
        held = Counter(fence.lock for fence in fences)
        if not held:
            return None
        name = min(held, key=lambda lock: (-held[lock], lock))
        first = next(fence for fence in fences if fence.lock == name)
        return Usual(name, naming.relative(first.file, self._directory), first.line, first.function, beside)

    def _beside(self, fences: Sequence[Fence]) -> Usual | None:
        alone = len({fence.lock for fence in fences}) == 1
        return self._fenced(fences, beside=True) if alone else None


def _of(found: Iterable[Fence], of_tasks: bool) -> list[Fence]:
    """The fences for threads, or for tasks, in their order."""
    return sorted((one for one in found if one.of_tasks == of_tasks), key=lambda one: (one.file, one.line, one.lock))


def _last(lock: str) -> str:
    """The name of a lock without that of its class, which may be one of several that inherit it."""
    return lock.rpartition(".")[2]
