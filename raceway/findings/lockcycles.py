"""Findings about locks: cycles in the order in which they were taken, and deadlocks that the run ran into."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol

from raceway.findings import naming
from raceway.findings.counted import taken_by_first
from raceway.findings.filenames import identity
from raceway.findings.locknames import lock_name
from raceway.findings.places import side_at
from raceway.findings.sides import numbered, unnumbered
from raceway.model.findings import AccessSide, Actor, Finding, Verdicts
from raceway.model.kinds import Confidence, FindingKind, Severity, Verdict
from raceway.model.locks import LockOrder, Waiting
from raceway.model.records import Stack
from raceway.model.struct import Struct, replace


class Names(Protocol):
    """Who can name actors and locks."""

    def actor_name(self, serial: int) -> Actor:
        """The actor of a serial."""

    def lock_place(self, serial: int) -> tuple[str, int]:
        """File and line where a lock was made."""


class _Edge(Struct):
    """An actor that wants one lock and has others."""

    actor: int
    held: tuple[int, ...]
    taken: int
    stack: Stack


class _Cycle(Struct):
    sides: tuple[AccessSide, ...]
    locks: tuple[str, ...]
    """The locks in the order of the cycle: each is held by the side that takes the next one."""
    happened: bool
    print: str
    """The fingerprint."""


_Places = frozenset[tuple[str, int, str]]


def build_lock_cycles(
    orders: Iterable[tuple[LockOrder, ...]], deadlocks: Iterable[tuple[Waiting, ...]], names: Names, directory: str
) -> tuple[Finding, ...]:
    """One finding for each set of places that make a cycle, however many locks and actors went through it.

    Cycles of the same locks that share a side are one, too: who takes them the wrong way round does so with all.
    """
    found: dict[_Places, list[_Cycle]] = {}
    rings = [([_Edge(one.actor, one.held, one.sync, one.stack) for one in ring], True) for ring in deadlocks]
    orders = [ring for ring in orders if not _counted(ring)]
    rings += [([_Edge(one.actor, one.held, one.taken, one.stack) for one in ring], False) for ring in orders]
    for edges, happened in rings:
        cycle = _cycle(edges, happened, names, directory)
        found.setdefault(frozenset(map(_place, cycle.sides)), []).append(cycle)
    return tuple(map(_folded, _by_cause(found)))


def _by_cause(found: dict[_Places, list[_Cycle]]) -> list[list[list[_Cycle]]]:
    """Cycles of one set of places each, put together where they are of the same locks and share a place."""
    causes: list[tuple[frozenset[str], _Places, list[list[_Cycle]]]] = []
    for places in sorted(found, key=sorted):
        cycles = found[places]
        locks, where, together = frozenset(cycles[0].locks), places, [cycles]
        for one in [one for one in causes if one[0] == locks and one[1] & places]:
            causes.remove(one)
            where, together = where | one[1], [*one[2], *together]
        causes.append((locks, where, together))
    return [together for _locks, _where, together in causes]


def _folded(together: list[list[_Cycle]]) -> Finding:
    """The first one, or one that happened, with the places of the others."""
    findings = sorted(map(_finding, together), key=lambda one: one.confidence is not Confidence.OBSERVED)
    told, *others = findings
    return replace(told, count=sum(one.count for one in findings), also=tuple(one.places for one in others))


def _counted(ring: tuple[LockOrder, ...]) -> bool:
    """Whether one side takes its lock for all that count as having it, the other one to count itself out."""
    if len(ring) != 2:
        return False
    one, other = ring
    return taken_by_first(one.stack, other.stack) or taken_by_first(other.stack, one.stack)


def _place(side: AccessSide) -> tuple[str, int, str]:
    return side.file, side.line, side.operation


def _cycle(edges: list[_Edge], happened: bool, names: Names, directory: str) -> _Cycle:
    """The cycle beginning with the lock that was made first, so that equal ones look alike."""
    first = min(range(len(edges)), key=lambda index: edges[index - 1].taken)
    ring = edges[first:] + edges[:first]
    taken = [edge.taken for edge in ring]
    called = numbered(taken, lambda lock: lock_name(names.lock_place(lock), lock, directory))
    sides = tuple(
        side_at(
            edge.stack,
            f"acquire {called(edge.taken)}",
            names.actor_name(edge.actor),
            tuple(called(lock) for lock in edge.held),
            directory,
        )
        for edge in ring
    )
    known = numbered(taken, lambda lock: _identity(names.lock_place(lock)))
    places = [
        "|".join((identity(side.file, directory), side.function, known(edge.taken), *sorted(map(known, edge.held))))
        for side, edge in zip(sides, ring, strict=True)
    ]
    return _Cycle(
        sides, tuple(called(ring[index - 1].taken) for index in range(len(ring))), happened, _fingerprint(places)
    )


def _identity(place: tuple[str, int]) -> str:
    """What a lock is known by when lines move: what it was assigned to, else its file and how it was made."""
    path, line = place
    return naming.assigned_name(path, line) or f"{identity(path)} {naming.source_line(path, line).strip()}"


def _finding(cycles: list[_Cycle]) -> Finding:
    cycle = next((one for one in cycles if one.happened), cycles[0])
    tasks = all(side.actor.kind == "task" for side in cycle.sides)
    return Finding(
        fingerprint=cycle.print,
        kind=FindingKind.LOCK_ORDER_CYCLE,
        severity=Severity.ERROR,
        confidence=Confidence.OBSERVED if cycle.happened else Confidence.UNORDERED,
        verdict=Verdicts(Verdict.HARMFUL, Verdict.HARMFUL, Verdict.HARMFUL if tasks else None),
        variable=" -> ".join(cycle.locks),
        message=_message(cycle),
        fix=_fix(cycle.locks),
        count=len(cycles),
        accesses=cycle.sides,
    )


def _message(cycle: _Cycle) -> str:
    if len(cycle.sides) == 1:
        return f"{cycle.sides[0].actor.name} waits for {cycle.locks[0]}, which it holds itself: it waits for ever."
    parts = [
        f"{side.actor.name} takes {cycle.locks[(index + 1) % len(cycle.locks)]} while it holds {cycle.locks[index]}"
        for index, side in enumerate(cycle.sides)
    ]
    steps = f"{', '.join(parts[:-1])}, and {parts[-1]}"
    if cycle.happened:
        return f"{steps}: in this run each waited for the other, a deadlock."
    return f"{steps}: when each has its first lock, they wait for each other for ever."


def _fix(locks: tuple[str, ...]) -> str:
    if len(locks) == 1:
        return f"Let one function take {locks[0]} and call others that do not, or make it an RLock."
    plain = {unnumbered(lock) for lock in locks}
    if len(plain) == 1:
        return f"Take several {plain.pop()} in one order everywhere, such as that of a number or name of their owners."
    if len(locks) == 2:
        order = f"always {locks[0]} before {locks[1]} or always the other way round"
        return f"Take these locks in one order everywhere, {order}, or hold one lock around both."
    order = f"such as {', then '.join(locks)}"
    return f"Take these locks in one order everywhere, {order}, or hold one lock around all of them."


def _fingerprint(places: Iterable[str]) -> str:
    """Eight hexadecimal digits that stay the same when lines move."""
    text = "\n".join([FindingKind.LOCK_ORDER_CYCLE.value, *sorted(places)])
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]
