"""The interleaving of a finding: the steps of both sides in an order that does harm. Serves the builder of findings.

    one side's region:    it reads | the other writes | it writes     <- from what it read, which is gone
    two plain accesses:   one      | the other                        <- in the order of this run
    steps of a generator: one begins | the other                      <- which finds it running

When the run saw the harm, the steps are what happened. Otherwise they are one order among those that nothing forbids.
"""

from __future__ import annotations

from collections.abc import Callable

from raceway.findings import naming
from raceway.findings.classify import Member, advances
from raceway.findings.gaps import awaiting_line
from raceway.model.findings import AccessSide, Step
from raceway.model.kinds import FindingKind, Operation, RegionKind
from raceway.model.races import ECHO, RawRace
from raceway.model.sites import Context, Site, SiteForm
from raceway.model.struct import Struct, replace

_TAKES = "acquire "
_WRITE = "write"
_STRUCTURAL = {Context.STORE: "add an item", Context.DELETE: "remove an item"}


class _Part(Struct):
    """What one side does: `at` is the serial of its site. `reads` and `writes` are those of its region, -1 for none.

    `looks` is what the read of the region is: a read of a value, or a test; `stored` is the serial of the site where
    the side has stored what it asks for, -1 if it asks for no such thing.
    """

    side: int
    name: str
    operation: str
    mutates: bool
    at: int
    reads: int
    writes: int
    looks: str
    stored: int = -1


def _unlocked(parts: list[_Part], members: tuple[Member, Member]) -> _Part:
    """The first of the parts; if it writes holding a lock, one that reads without any: that lock keeps nobody out."""
    reads = (part for part in parts if not (part.mutates or members[part.side].side.locks))
    first = parts[0]
    return next(reads, first) if first.mutates and members[first.side].side.locks else first


class Interleaving:
    """Makes steps. `site_of` and `file_of` know the sites by their serials; paths become relative to `directory`."""

    def __init__(self, site_of: Callable[[int], Site], file_of: Callable[[int], str], directory: str) -> None:
        self._site_of = site_of
        self._file_of = file_of
        self._directory = directory

    def of(
        self,
        kind: FindingKind,
        race: RawRace,
        members: tuple[Member, Member],
        sides: tuple[AccessSide, AccessSide],
        stored: int = -1,
        changed: str = "",
        missing: bool = False,
    ) -> tuple[Step, ...]:
        """The steps of a race. `members` and `sides` are its two sides, the earlier one first. Of the one that reads:
        `stored` is the site at which it has stored what it reads back, -1 for none; `changed` the method by which it
        changes what the other one replaces; `missing` that nothing is there before the other one stores it."""
        parts = [self._part(index, member, sides[index].actor.name) for index, member in enumerate(members)]
        first, second = parts
        if kind is FindingKind.WRITE_WRITE and advances(members[0].side, self._site_of(first.at)):
            return self._advance(first, second)
        reader, writer = (second, first) if first.mutates else (first, second)
        if stored >= 0:
            return self._back(reader, writer, stored)
        if changed:
            return self._replace(reader, writer, f"{changed}()")
        if kind is FindingKind.ITERATION_MUTATION:
            walker, changer = (first, second) if first.operation == "iterate" else (second, first)
            return self._walk(walker, changer)
        regional = [part for part in parts if part.reads >= 0 and part.writes >= 0]
        if kind in (FindingKind.READ_WRITE, FindingKind.WRITE_WRITE) or not regional:
            return self._plain(first, second, missing)
        if second.stored >= 0:
            return self._echo(second, first)
        # Of two regions that whose read is what the finding is about: of a value, or a test.
        fitting = [part for part in regional if (part.looks == "read") == (kind is FindingKind.LOST_UPDATE)]
        told = race.observed or kind is FindingKind.SPLIT_CRITICAL_SECTION
        victim = second if told and second in regional else _unlocked(fitting or regional, members)
        other = second if victim is first else first
        if kind is FindingKind.SPLIT_CRITICAL_SECTION and not other.mutates:  # it makes the test of the same region
            other = replace(other, writes=victim.writes, looks=victim.looks)
        return self._region(kind, victim, other, observed=race.observed)

    def _part(self, index: int, member: Member, name: str) -> _Part:
        access = member.side.access
        serial, operation = access.site, access.operation
        reads = writes = -1
        looks = "read" if member.region in (None, RegionKind.VALUE) else "test"
        if member.region is None:
            reads, writes = (-1, serial) if operation.mutates else (serial, -1)
        elif operation is Operation.READ_MODIFY_WRITE and member.side.region < 0:
            reads = writes = serial
        elif operation.mutates:
            site, began = self._site_of(serial), member.side.head
            if began is None:
                reads, writes = serial - site.index + site.regions[member.side.region].head, serial
            else:
                reads, writes = began.site, serial
        else:
            reads, writes = member.opened if member.opened >= 0 else serial, member.unit
        head = member.side.head if member.side.region == ECHO else None
        stored = -1 if head is None else head.site
        return _Part(index, name, operation.value, operation.mutates, serial, reads, writes, looks, stored)

    def _region(self, kind: FindingKind, victim: _Part, other: _Part, *, observed: bool) -> tuple[Step, ...]:
        steps = [self._step(victim, victim.reads, victim.looks)]
        if kind is FindingKind.AWAIT_GAP and (line := self._awaits(victim)):
            steps.append(self._in_line(victim, line, "await"))
        if other.reads >= 0 and other.writes >= 0 and not observed:
            steps.append(self._step(other, other.reads, other.looks))
        if kind is FindingKind.DOUBLE_INIT:
            harm = f"a second time: what {other.name} stored is lost"
        elif victim.looks == "read":
            harm = f"from the value read before: the write of {other.name} is lost"
        else:
            harm = f"on an answer that {other.name} has made out of date"
        change = other.writes if other.writes >= 0 else other.at
        steps += [
            self._step(other, change, self._change(other, change)),
            self._step(victim, victim.writes, self._change(victim, victim.writes), harm),
        ]
        return tuple(steps)

    def _echo(self, owner: _Part, other: _Part) -> tuple[Step, ...]:
        return (
            self._step(owner, owner.stored, _WRITE),
            self._step(other, other.at, _WRITE),
            self._step(owner, owner.at, "read", f"what {other.name} has stored"),
        )

    def _back(self, reader: _Part, writer: _Part, stored: int) -> tuple[Step, ...]:
        """One stores a value and reads it back, after the other one has stored there."""
        return (
            self._step(reader, stored, _WRITE),
            self._step(writer, writer.at, _WRITE),
            self._step(reader, reader.at, reader.operation, f"gets what {writer.name} has stored, not what it stored"),
        )

    def _replace(self, reader: _Part, writer: _Part, change: str) -> tuple[Step, ...]:
        """One replaces what it has looked at before, and the other one changes it in between."""
        harm = f"what {reader.name} changed by {change} is lost with the old one"
        return (
            self._step(writer, writer.reads, writer.looks),
            self._step(reader, reader.at, change),
            self._step(writer, writer.writes, _WRITE, harm),
        )

    def _advance(self, first: _Part, second: _Part) -> tuple[Step, ...]:
        """Both go on with a generator: the second one comes while the first one is inside."""
        harm = f"ValueError: generator already executing, as {first.name} is still inside"
        return (
            self._step(first, first.at, f"{self._call(first.at)} begins"),
            self._step(second, second.at, self._call(second.at), harm),
        )

    def _call(self, serial: int) -> str:
        site = self._site_of(serial)
        return "next()" if site.form is SiteForm.ITERATE or site.name == "__next__" else f"{site.verb}()"

    def _walk(self, walker: _Part, changer: _Part) -> tuple[Step, ...]:
        harm = "RuntimeError, or items are skipped or seen twice"
        return (
            self._step(walker, walker.at, "begin to iterate"),
            self._step(changer, changer.at, self._change(changer, changer.at)),
            self._step(walker, walker.at, "go on to the next item", harm),
        )

    def _plain(self, first: _Part, second: _Part, missing: bool) -> tuple[Step, ...]:
        if first.mutates and second.mutates:
            harm = f"the write of {first.name} is gone; in the other order this one would be"
        elif missing:
            late = first.name if second.mutates else second.name
            harm = f"too late for {late}" if second.mutates else "if it comes first, nothing is there yet"
        elif second.mutates:
            harm = f"nothing tells {first.name}, which has read the old value"
        else:
            harm = f"finds what {first.name} wrote, or, if it comes first, what was there before"
        return (
            self._step(first, first.at, self._change(first, first.at) if first.mutates else first.operation),
            self._step(
                second, second.at, self._change(second, second.at) if second.mutates else second.operation, harm
            ),
        )

    def _change(self, part: _Part, serial: int) -> str:
        """What the site of a serial, at which a side writes, does: of a container the method, where it is one."""
        site = self._site_of(serial)
        operation = part.operation if part.mutates and part.at == serial else _WRITE
        structural = operation == Operation.STRUCTURAL_CHANGE.value
        if site.context is Context.LOAD and not part.mutates:
            return "use"
        if site.form is SiteForm.METHOD or (structural and site.form is SiteForm.FUNCTION):
            return f"{site.verb}()"
        if structural:
            return _STRUCTURAL[site.context] if site.keyed and site.context in _STRUCTURAL else "add or remove items"
        return _WRITE if operation == Operation.READ_MODIFY_WRITE.value and part.reads >= 0 else operation

    def _awaits(self, part: _Part) -> int:
        """The line in which a side awaits between its read and its write; 0 if that is not known."""
        path = self._file_of(part.reads)
        same = path == self._file_of(part.writes)
        return awaiting_line(path, self._site_of(part.reads), self._site_of(part.writes)) if same else 0

    def _in_line(self, part: _Part, line: int, operation: str) -> Step:
        path = self._file_of(part.reads)
        source = naming.source_line(path, line).strip()
        return Step(part.side, operation, naming.relative(path, self._directory), line, source)

    def _step(self, part: _Part, serial: int, operation: str, harm: str = "") -> Step:
        site, path = self._site_of(serial), self._file_of(serial)
        return Step(
            side=part.side,
            operation=operation,
            file=naming.relative(path, self._directory),
            line=site.line,
            source=naming.source_line(path, site.line).strip(),
            value=site.literal if operation not in ("read", "test") else "",
            harm=harm,
        )


def taken_by(side: AccessSide) -> str:
    """The lock that a side of a lock-order cycle takes."""
    return side.operation.removeprefix(_TAKES)


def held_by(sides: tuple[AccessSide, ...], index: int) -> str:
    """The lock that a side of a cycle holds and the side before it takes; empty when it holds none."""
    before, held = taken_by(sides[index - 1]), sides[index].locks
    return before if before in held else held[-1] if held else ""


def cycle(sides: tuple[AccessSide, ...]) -> tuple[Step, ...]:
    """The steps into the deadlock of a lock-order cycle: each side holds its lock, then waits for that of the next.

    A side's operation names the lock taken; where the one it holds was taken is not its place, so that step has none.
    """
    held = [held_by(sides, index) for index in range(len(sides))]
    holds = [Step(index, f"hold {lock}", "", 0, "") for index, lock in enumerate(held) if lock]
    waits = [
        Step(index, f"wait for {taken_by(side)}", side.file, side.line, side.source) for index, side in enumerate(sides)
    ]
    harm = "each now waits for a lock that the next one holds, for ever" if len(sides) > 1 else "it waits for ever"
    return (*holds, *waits[:-1], *(replace(last, harm=harm) for last in waits[-1:]))
