"""What a core has found, as findings: all of it, or what came after a mark. Serves the session.

Races and dependencies between locks are gathered in counts that only grow, so a mark is a copy of the counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from raceway.model.findings import Finding
from raceway.model.locks import LockMark, deadlocks_since, mark_locks, orders_since
from raceway.model.races import RawRace, counted, since
from raceway.model.struct import Struct
from raceway.runtime.contract import Core, Counters
from raceway.sync import strays


class Mark(Struct):
    """A moment of a run: what had been noted by then, and how many accesses each running actor had made."""

    races: dict[tuple[object, ...], int]
    locks: LockMark
    counters: Counters
    activity: dict[int, int]
    strays: int = 0


BEGINNING = Mark({}, LockMark({}), Counters(0, 0, 0, 0), {})
"""The moment before anything was noted."""


def take_mark(core: Core, last: Mark | None) -> Mark:
    """This moment; cheap when nothing was noted since `last`."""
    counters, activity = core.counters(), core.telling.activity()
    if last is not None and last.counters.noted == counters.noted:
        return Mark(last.races, last.locks, counters, activity, len(strays.met))
    return Mark(counted(core.races()), mark_locks(core.locks()), counters, activity, len(strays.met))


def found(
    core: Core, after: Mark, directory: str, has_gil: Callable[[], bool], predicted: Sequence[RawRace] = ()
) -> tuple[Finding, ...]:
    """The findings of what came after the mark, worst first, and those of `predicted` races; paths in them are relative
    to `directory`."""
    races, facts = since(core.races(), after.races), core.locks()
    deadlocks, met = deadlocks_since(facts, after.locks), strays.met[after.strays :]
    if not races and not facts.orders and not deadlocks and not met and not predicted:
        return ()
    from raceway.detector.lockorder import cycles
    from raceway.findings import build, build_lock_cycles, build_strays, completed, merge_findings

    names = core.names
    built = build((*races, *predicted), names.all_sites(), names, directory, has_gil())
    orders = orders_since(cycles(facts.orders, facts.signals), after.locks)
    locks = build_lock_cycles(orders, deadlocks, names, directory)
    sources = (names.site_file(serial) for serial, site in names.all_sites() if site.index == 0)
    every = (*built, *locks, *build_strays(met, names, directory, sources))
    return merge_findings(completed(finding, directory) for finding in every)
