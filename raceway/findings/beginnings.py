"""Regions of two tasks that the turn of their loop kept apart, and nothing else: which of them are true.

A task that is made while another one is at work on something may begin before that goes on, or after. What it does
before its first await it could have done in either order, whether that await suspends it or not. Its stack tells: each
of its coroutines stands before all its awaits, but for the one of the coroutine that it is waiting for, and in no loop.

So it is with walks that another task could have come into, but for those that come again after its change.

And both must be after the same: one region of the code, or initialisations of one thing. A task that opens what it
finds closed does not race with one that closes what it finds open.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from types import CodeType

from raceway.findings.awaits import Awaits
from raceway.findings.classify import Openings, members
from raceway.findings.entering import enter_one
from raceway.model.kinds import Operation, RegionKind
from raceway.model.races import RawRace
from raceway.model.records import Stack
from raceway.model.sites import Site

_AWAITING = frozenset({"GET_AWAITABLE", "GET_ANEXT"})
_COROUTINES = inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE | inspect.CO_ASYNC_GENERATOR


def at_the_beginning(
    races: Iterable[RawRace], site_of: Callable[[int], Site], openings: Openings, awaits: Awaits
) -> Iterator[RawRace]:
    """The races, without those that could have happened only at the beginning of a task, and that was over."""
    for race in races:
        if race.observed or not race.one_loop or _could_have(race, site_of, openings, awaits):
            yield race


def _could_have(race: RawRace, site_of: Callable[[int], Site], openings: Openings, awaits: Awaits) -> bool:
    if race.earlier.access.operation is Operation.ITERATE:
        walk, change = race.earlier.access, race.later.access
        suspends = race.paused or awaits.may_suspend(site_of(walk.site).rounds)
        comes = race.recurs or is_beginning(change.stack)
        return suspends and comes and not enter_one(walk.stack, change.stack)
    return _is_same(race, site_of, openings) and is_beginning(race.later.access.stack)


def _is_same(race: RawRace, site_of: Callable[[int], Site], openings: Openings) -> bool:
    """Whether the region that the one side has closed, always with an await, is the one that the other opens, or both
    initialise."""
    closed, opened = members(race, site_of, openings)
    head, region = race.earlier.head, site_of(race.earlier.access.site).regions[race.earlier.region]
    same = head is not None and head.site == race.later.access.site
    return region.sure and (same or closed.region is opened.region is RegionKind.LAZY_INIT)


def is_beginning(stack: Stack) -> bool:
    """Whether nothing was awaited before, by the coroutine that the stack begins with and by all that wait for it."""
    own = list(takewhile(_is_coroutine, stack))
    outer = stack[len(own) :]
    known = bool(own and outer) and not any(map(_is_coroutine, outer))
    return known and all(_is_first(code, offset, depth > 0) for depth, (code, offset) in enumerate(own))


def _is_coroutine(frame: tuple[CodeType, int]) -> bool:
    return bool(frame[0].co_flags & _COROUTINES)


def _is_first(code: CodeType, offset: int, awaits: bool) -> bool:
    """Whether a coroutine has come to this instruction without an await; `awaits`: this is one."""
    before = 0
    for step in dis.get_instructions(code):
        if step.offset < offset:
            before += step.opname in _AWAITING
        elif step.opname.startswith("JUMP_BACKWARD") and step.argval <= offset and "INTERRUPT" not in step.opname:
            return False  # in a loop
    return before == awaits
