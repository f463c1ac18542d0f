"""Both sides of a race in people's words, and the locks they hold. Serves the builder of findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from raceway.findings import naming
from raceway.findings.classify import advances
from raceway.findings.locknames import lock_name
from raceway.model.findings import AccessSide, Actor
from raceway.model.kinds import ActorKind
from raceway.model.races import RawRace, Side
from raceway.model.sites import Site
from raceway.model.struct import replace

_ADVANCE = "advance"
"""What is done to a generator, for people."""


class Names(Protocol):
    """Who can name sites, actors and locks."""

    def site(self, serial: int) -> Site:
        """The site of a serial."""

    def site_file(self, serial: int) -> str:
        """Its file."""

    def actor_name(self, serial: int) -> Actor:
        """The actor of a serial."""

    def lock_place(self, serial: int) -> tuple[str, int]:
        """File and line where a lock was made."""


class LockNames:
    """What locks are called, by their serials; read from the source once for each place that makes them."""

    def __init__(self, names: Names, directory: str) -> None:
        self._names = names
        self._directory = directory
        self._of: dict[tuple[str, int], str] = {}

    def __call__(self, lock: int) -> str:
        place = self._names.lock_place(lock)
        if not place[0]:
            return lock_name(place, lock, self._directory)
        if place not in self._of:
            self._of[place] = lock_name(place, lock, self._directory)
        return self._of[place]


def sides_of(race: RawRace, names: Names, locks: LockNames, directory: str) -> tuple[AccessSide, AccessSide]:
    """The two sides of a race. What has the same name in both and is not the same gets numbers: locks that different
    objects have, threads and tasks, whose names may be alike, and jobs of one worker."""
    called = numbered({*race.earlier.locks, *race.later.locks}, locks)
    earlier, later = (_side(side, called, names, directory) for side in (race.earlier, race.later))
    if not race.worker:
        known = race.earlier.access.actor, race.earlier.access.task
        return _apart(earlier, later, (race.later.access.actor, race.later.access.task) == known)
    first, second = (Actor(one.actor.kind, f"job {at} of {one.actor.name}") for at, one in ((1, earlier), (2, later)))
    return replace(earlier, actor=first), replace(later, actor=second)


def another_worker(race: RawRace, names: Names) -> str:
    """Who else could have had one of two jobs that one worker took; empty where two had them."""
    if race.worker == race.later.access.actor:
        return "another one of its pool could have had one"
    return f"{names.actor_name(race.worker).name} takes from the same queue" if race.worker else ""


def numbered(locks: Iterable[int], called: Callable[[int], str]) -> Callable[[int], str]:
    """What to call locks; those that have one name are numbered."""
    alike: dict[str, list[int]] = {}
    for lock in sorted(locks):
        alike.setdefault(called(lock), []).append(lock)
    numbers = {
        lock: f"{name} #{number}"
        for name, several in alike.items()
        if len(several) > 1
        for number, lock in enumerate(several, start=1)
    }
    return lambda lock: numbers.get(lock) or called(lock)


def unnumbered(lock: str) -> str:
    """The name of a lock without the number that tells it from others of that name."""
    return lock.partition(" #")[0]


def tells_item(key: str, race: RawRace, names: Names) -> bool:
    """Whether a key says which item it is: a number that the source does not have is one of many, as of a loop."""
    sides = (race.earlier.access, race.later.access)
    return not key.removeprefix("-").isdigit() or any(names.site(access.site).key for access in sides)


def _side(side: Side, called: Callable[[int], str], names: Names, directory: str) -> AccessSide:
    access = side.access
    site, path = names.site(access.site), names.site_file(access.site)
    line = naming.source_line(path, site.line)
    end = site.end_column if site.end_line == site.line else len(line.encode(errors="replace"))
    return AccessSide(
        operation=_ADVANCE if advances(side, site) else access.operation.value,
        file=naming.relative(path, directory),
        line=site.line,
        column=naming.characters(path, site.line, site.column),
        end_column=naming.characters(path, site.line, end),
        function=site.function,
        source=line.strip(),
        actor=names.actor_name(access.task or access.actor),
        locks=tuple(called(serial) for serial in side.locks),
        stack=naming.frames(access.stack, directory),
        indent=len(line) - len(line.lstrip()),
    )


def _apart(earlier: AccessSide, later: AccessSide, one_actor: bool) -> tuple[AccessSide, AccessSide]:
    if earlier.actor != later.actor or (one_actor and earlier.actor.kind == ActorKind.THREAD.value):
        return earlier, later
    first, second = (Actor(earlier.actor.kind, f"{earlier.actor.name} ({number})") for number in (1, 2))
    return replace(earlier, actor=first), replace(later, actor=second)
