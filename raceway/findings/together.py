"""Variables that one function reads and another one writes, each with a race of its own: a flag and its data, fields of
one state.

Each access may be one step, and yet what the reader has is of two moments. The findings about them are related.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from raceway.model.findings import Finding, Related
from raceway.model.kinds import Operation
from raceway.model.races import RawRace, Side
from raceway.model.sites import Site
from raceway.model.struct import Struct

_SHOWN = 4
_TRUE = "True"

Place = tuple[str, str]
"""A file and a function in it."""


class Moments(Struct):
    """What is read together: `variables` in the order in which `reader` reads them, which `writer` writes. `flag` is
    the one that announces the others, and is set before them; else empty. `of` are the numbers of their groups."""

    reader: str
    writer: str
    variables: tuple[str, ...]
    flag: str
    of: tuple[int, ...]


class _Use(Struct):
    """How a variable is read and written: lines and columns, whether it is set to True, the number of its group."""

    variable: str
    read: tuple[int, int]
    written: tuple[int, int]
    announces: bool
    group: int


def together(
    groups: Iterable[tuple[int, str, Iterable[RawRace]]],
    site_of: Callable[[int], Site],
    file_of: Callable[[int], str],
) -> dict[int, Moments]:
    """By the number of a group of races what its variable is read together with. Groups are given with their variables;
    all races in them are of one access that only reads and one that writes."""
    uses: dict[tuple[Place, Place], dict[str, _Use]] = {}
    for number, variable, races in groups:
        for race in races:
            reader, writer = _reader_first(race)
            looks, stores = site_of(reader.access.site), site_of(writer.access.site)
            key = (file_of(reader.access.site), looks.function), (file_of(writer.access.site), stores.function)
            at, by = (looks.line, looks.column), (stores.line, stores.column)
            use = _Use(variable, at, by, stores.flag and stores.literal == _TRUE, number)
            known = uses.setdefault(key, {}).get(variable)
            if known is None or use.read < known.read:
                uses[key][variable] = use
    found: dict[int, Moments] = {}
    for (reading, writing), by_variable in uses.items():
        if reading != writing and len(by_variable) > 1:
            moments = _moments(reading[1], writing[1], list(by_variable.values()))
            for number in moments.of:
                found.setdefault(number, moments)
    return found


def _reader_first(race: RawRace) -> tuple[Side, Side]:
    first, second = race.earlier, race.later
    return (first, second) if first.access.operation in (Operation.READ, Operation.ITERATE) else (second, first)


def _moments(reader: str, writer: str, uses: Sequence[_Use]) -> Moments:
    by_read = sorted(uses, key=lambda use: (use.read, use.variable))
    first = min(uses, key=lambda use: use.written)
    flag = first.variable if first.announces and first is by_read[0] else ""
    return Moments(reader, writer, tuple(use.variable for use in by_read), flag, tuple(use.group for use in by_read))


def what(moments: Moments) -> str:
    """The sentence that tells of it."""
    reader, writer, flag = moments.reader, moments.writer, moments.flag
    if flag:
        data = _listed([one for one in moments.variables if one != flag])
        then = f"{writer} sets {flag} first: who finds it set can find the others as they were."
        return f"{reader} reads {flag} and then {data}, but {then}"
    return (
        f"{reader} reads {_listed(moments.variables)} together, which {writer} writes one after the other: they can be "
        "of two moments."
    )


def remedy(moments: Moments, lock: str) -> str:
    """What to change; `lock` is the one to hold."""
    names, flag = _listed(moments.variables), moments.flag
    if flag:
        data = _listed([one for one in moments.variables if one != flag])
        return f"Make {flag} an Event that is set after {data}, or guard all of them with {lock} on both sides."
    return f"Guard {names} together with {lock}, or hand over one object that has them all."


def held(moments: Moments, lock: str) -> str:
    """What to change where only the reader lacks the lock."""
    return (
        f"Hold {lock} in {moments.reader} around all reads of {_listed(moments.variables)}: {moments.writer} holds it."
    )


def related(moments: Mapping[int, Moments], number: int) -> tuple[int, ...]:
    """The numbers of the groups that a group is read together with."""
    known = moments.get(number)
    return () if known is None else tuple(one for one in known.of if one != number)


def references(finding: Finding, others: Iterable[Finding]) -> tuple[Related, ...]:
    """What a finding says of others that it is read together with."""
    found = {one.fingerprint: Related(one.fingerprint, one.variable) for one in others}
    found.pop(finding.fingerprint, None)
    return tuple(found.values())


def _listed(names: Sequence[str]) -> str:
    *first, last = names if len(names) <= _SHOWN else [*names[: _SHOWN - 1], f"{len(names) - _SHOWN + 1} more"]
    return f"{', '.join(first)} and {last}" if first else last
