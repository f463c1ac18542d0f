"""Replays a trace on a core: the rules of both, fed with the same records."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from raceway.detector.detector import Detector
from raceway.model.kinds import ActorKind, Commute, LocationKind, Operation
from raceway.model.locks import LockFacts, LockOrder
from raceway.model.races import RawRace
from raceway.model.records import (
    WHOLE,
    Access,
    Acquire,
    Done,
    End,
    Fork,
    Give,
    Job,
    Join,
    Location,
    Record,
    Release,
    Retire,
    Spawn,
    Suspend,
    Take,
    Wake,
)
from raceway.model.sites import Site

Replay = Callable[[Sequence[Record], Sequence[Site]], list[RawRace]]
"""The races that a fresh core finds in a trace with these sites."""

OUT_OF_THE_WAY = 1 << 20
"""Added to serials of traces: the native core has given some out itself when a trace begins."""

_OPERATIONS = tuple(Operation)
_COMMUTES = tuple(Commute)


def pure(trace: Iterable[Record], sites: Sequence[Site], elide: bool = True) -> list[RawRace]:
    """Replay on the Python detector."""
    detector = Detector(sites.__getitem__, elide)
    for record in trace:
        detector.feed(record)
    return detector.races.all()


def pure_locks(trace: Iterable[Record], sites: Sequence[Site]) -> LockFacts:
    """What the Python detector knows of locks after a trace."""
    detector = Detector(sites.__getitem__)
    for record in trace:
        detector.feed(record)
    return LockFacts(detector.orders.all(), frozenset(detector.syncs.signals))


@contextlib.contextmanager
def fed(trace: Sequence[Record], sites: Sequence[Site]) -> Iterator[Any]:
    """The C core with a trace in it."""
    from raceway import _native
    from raceway.runtime import native as twin

    _native.start(*twin._contract_rows())
    try:
        _native.add_sites(twin.site_table(sites).columns())
        looping = next((one.actor for one in trace if isinstance(one, Access) and one.task), 1)
        for record in trace:
            _native.feed(_packed(record, looping))
        assert _native.counters()[-1] == 0
        yield _native
    finally:
        _native.stop()
        _native.forget()


def native(trace: Sequence[Record], sites: Sequence[Site]) -> list[RawRace]:
    """Replay on the C core. Serials of locks come back as they were, those of objects and actors do not matter."""
    from raceway.runtime import native as twin

    with fed(trace, sites) as core:
        return [twin._race(_unpacked(row)) for row in core.races()]


Doubts = list[tuple[LocationKind, int]]
"""Kinds of the locations that two jobs of one worker race for, and how many keys are known of each."""


def workers_of(trace: Iterable[Record]) -> list[int]:
    """The actors that take jobs."""
    return sorted({record.actor for record in trace if isinstance(record, Job)})


def pure_doubts(trace: Sequence[Record], sites: Sequence[Site]) -> Doubts:
    """What is in doubt on the Python detector after a trace, by the actors that take jobs."""
    detector = Detector(sites.__getitem__)
    for record in trace:
        detector.feed(record)
    rows = [row for actor in workers_of(trace) for row in detector.races.doubts(actor)]
    return [(LocationKind(kind), len(keys)) for _number, _serials, kind, keys, _codes in rows]


def native_doubts(trace: Sequence[Record], sites: Sequence[Site]) -> Doubts:
    """What is in doubt on the C core after a trace."""
    with fed(trace, sites) as core:
        rows = [row for actor in workers_of(trace) for row in core.doubts_of(OUT_OF_THE_WAY + actor)]
    return [(LocationKind(kind), len(keys)) for _number, _serials, kind, keys, _codes in rows]


def native_locks(trace: Sequence[Record], sites: Sequence[Site]) -> LockFacts:
    """What the C core knows of locks after a trace, with the trace's own serials."""
    base = OUT_OF_THE_WAY
    with fed(trace, sites) as core:
        orders, signals, *_rest = core.locks()
    return LockFacts(
        tuple(
            LockOrder(actor - base, tuple(lock - base for lock in held), taken - base, *rest)
            for actor, held, taken, *rest in orders
        ),
        frozenset(lock - base for lock in signals),
    )


REPLAYS: dict[str, Replay] = {"pure": pure, "native": native}


_BITS = (1 << 64) - 1


def _mix(value: int) -> int:
    value ^= value >> 32
    value = value * 0xD6E8FEB86659FD93 & _BITS
    return value ^ value >> 32


def keeps_heads(trace: Iterable[Record], heads: Sequence[int]) -> bool:
    """Whether no two heads of an actor share a place in the native core's table, where the newer one would stay.

    Mirrors `head_place` of shadow.c and `key_of` of keys.c.
    """
    places: dict[tuple[int, int], tuple[int, int, Location]] = {}
    for record in trace:
        if isinstance(record, Access) and record.location.key != WHOLE:
            where = record.location
            key = 0x60BEE2BEE120FC15 if where.key is None else _mix(int(str(where.key)) + 0x51ED2701) | 1
            place = key ^ _mix(OUT_OF_THE_WAY + where.object + 1)
            number = _mix((record.site ^ record.activation << 16) + place & _BITS) % 256
            head = (record.site, record.activation, where)
            if record.site in heads and places.setdefault((record.actor, number), head) != head:
                return False
    return True


def _task(serial: int) -> int:
    return OUT_OF_THE_WAY + serial if serial else 0


def _packed(record: Record, looping: int) -> tuple[Any, ...]:
    base = OUT_OF_THE_WAY
    match record:
        case Access():
            place, whole = record.location, record.location.key == WHOLE
            key = None if whole else place.key
            numbers = (base + record.actor, _OPERATIONS.index(record.operation), base + place.object, place.kind)
            what = (
                record.site,
                record.variable,
                _COMMUTES.index(record.commute),
                record.activation,
                _task(record.task),
            )
            return ("access", *numbers, key, whole, *what)
        case Acquire():
            waits = bool(record.stack)
            edge = ("acquire", base + record.actor, base + record.sync, waits, record.held)
            return (*edge, _task(record.task), record.yields)
        case Release():
            return ("release", base + record.actor, base + record.sync, record.merge, record.held, _task(record.task))
        case Give():
            return ("give", base + record.actor)
        case Job():
            return ("job", base + record.actor, base + record.queue)
        case Take():
            place, whole = record.location, record.location.key == WHOLE
            key = None if whole else place.key
            return ("take", base + record.actor, base + place.object, place.kind, key, whole, base + record.owner)
        case Spawn():
            green = record.kind is ActorKind.GREENLET
            return ("spawn", base + looping, base + record.task, green, False, _task(record.parent))
        case Wake():
            return ("wake", base + looping, base + record.task, False, False, base + record.by)
        case Suspend():
            return ("suspend", base + looping, base + record.task, list(record.walks))
        case Done():
            return ("done", base + looping, base + record.task)
        case Fork() | Join():
            return ("fork" if isinstance(record, Fork) else "join", base + record.actor, base + record.child)
        case End():
            return ("end", base + record.actor)
        case Retire():
            return ("retire", base + record.object)
        case _:
            raise ValueError(record)


def _unpacked(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*map(_side, row[:2]), *row[2:])


def _side(packed: tuple[Any, ...]) -> tuple[Any, ...]:
    actor, operation, commute, site, stack, locks, *rest = packed
    held = tuple(lock - OUT_OF_THE_WAY for lock in locks)
    return actor - OUT_OF_THE_WAY, operation, commute, site, stack, held, *rest
