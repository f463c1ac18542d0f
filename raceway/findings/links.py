"""Writes that a task makes because of what it has read, where both lie in functions that it has called.

The detector tells that a task has read a place, was suspended, and has written there when another one had. Whether the
write depends on the read is told by where the task was at the two, by the lines of one of its coroutines: there the one
call was made because of the answer of the other one (`Site.links`), and that answer depends on the read. Who has found
nothing under a key takes nothing out there because of that: it makes room for what it will put in.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from types import CodeType

from raceway.findings import naming
from raceway.findings.uses import finds_nothing
from raceway.model.kinds import Operation
from raceway.model.races import THROUGH, THROUGH_VALUE, RawRace, Side
from raceway.model.records import Stack
from raceway.model.sites import Site
from raceway.model.struct import replace

ASKED = 2
"""Frames from the read outwards that may be that of the coroutine: it has read itself, or has called who has."""

ACTED = 12
"""The same from the write."""


class Links:
    """What the modules tell of their coroutines, by file: the lines that ask and that act, and whether the latter are
    given the answer."""

    def __init__(self, site_of: Callable[[int], Site]) -> None:
        self._site_of = site_of
        self._of: dict[str, dict[tuple[int, int], bool]] = {}

    def add(self, site: Site, file: str) -> None:
        """Note what a site tells."""
        for asks, acts, value in site.links:
            self._of.setdefault(file, {})[asks, acts] = value

    def confirmed(self, races: Iterable[RawRace]) -> Iterator[RawRace]:
        """The races, without those whose later side does not depend on what its task has read."""
        for race in races:
            region = self._region(race.later) if race.later.region == THROUGH else race.later.region
            if region is not None:
                yield race if region == race.later.region else replace(race, later=replace(race.later, region=region))

    def _region(self, side: Side) -> int | None:
        """How the write depends on the read; None if it does not. A mark that is set need not rely on the answer."""
        head, site = side.head, self._site_of(side.access.site)
        if head is None or site.literal:
            return None
        answers = self._site_of(head.site).answers
        for asked, asking in enumerate(head.stack[: ASKED if answers else 1]):
            for acted, acting in enumerate(side.access.stack[:ACTED]):
                if acting[0] is asking[0] and (asked or acted) and acting != asking:  # no call acts on its own answer
                    value = self._link(asking, acting)
                    same = _callers(head.stack[asked + 1 :]) == _callers(side.access.stack[acted + 1 :])
                    if value is None or not same:
                        continue
                    takes = side.access.operation is Operation.DELETE and not asked
                    line, path = naming.line_at(*acting), asking[0].co_filename
                    if not (takes and finds_nothing(path, self._site_of(head.site), line)):
                        return THROUGH_VALUE if value else THROUGH
        return None

    def _link(self, asking: tuple[CodeType, int], acting: tuple[CodeType, int]) -> bool | None:
        lines = naming.line_at(*asking), naming.line_at(*acting)
        return self._of.get(asking[0].co_filename, {}).get(lines)


def _callers(stack: Stack) -> tuple[tuple[CodeType, int], ...]:
    """Those of the coroutines that wait for one another."""
    return tuple(takewhile(lambda frame: frame[0].co_flags & inspect.CO_COROUTINE, stack))
