"""The plan of taps: what libcst's tree is to be rewritten to, before it is rendered as text or as a code object."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import libcst as cst

from raceway.model.kinds import RegionKind
from raceway.model.sites import Context, Region, Role, SiteForm
from raceway.transform.links import Pairs

CALLED = -1
"""Index of the drafts that stand for the answers of methods and functions; they are no sites."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a method because of the answer of another one; `awaits`: an await lies between the two. `value`: it is
    given the answer, or what was made of it. `matched`: the answer was compared for equality, with no literal. `tried`:
    the caller handles exceptions of it. `rounds`: the answer is the condition of a loop, in which something else that
    it was given in this round lets it make the call. `equated`: the answer was compared for equality with whatever.
    `fills`: the answer tells how full something is, into which what is called puts something. `apart`: the read lies in
    `with` blocks that the call does not lie in."""

    node: cst.CSTNode
    awaits: bool
    value: bool = False
    matched: bool = False
    tried: bool = False
    here: bool = False
    absent: bool = False
    brings: bool = False
    fills: bool = False
    rounds: bool = False
    equated: bool = False
    apart: bool = False

    @property
    def in_turn(self) -> bool:
        """Whether it only matters to the test when there is nothing left to be done in a loop."""
        return self.rounds and self.equated


@dataclass(eq=False, slots=True)
class Draft:
    """A site under construction; `order`, `segment` and `awaits` say when in its activation it is reached, `blocks` in
    which `with` blocks. `operand` is what is tapped. `passed_by`: a short circuit may leave it out. `calls`: by head,
    the calls that rely on it. `sure`: heads after which what is stored was awaited for. `takes`: it takes out of a
    container what must be there. `fails`: it does so, or deletes it. `brought`: the local that it stores. `called`:
    the function that does what the method `name` would."""

    index: int
    form: SiteForm
    context: Context
    commit: Role
    anchor: cst.CSTNode
    name: str
    base: str
    label: str
    function: str
    operand: cst.CSTNode
    keyed: bool = False
    key: str = ""
    through: str = ""
    literal: str = ""
    spans: bool = False
    suspends: bool = False
    opens: bool = False
    switches: bool = False
    flag: bool = False
    is_head: bool = False
    rechecked: bool = False
    double_checked: bool = False
    passed_by: bool = False
    once: bool = False
    waits: bool = False
    polled: bool = False
    whole: bool = False
    counted: bool = False
    answers: bool = False
    asks: bool = False
    rounds: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    order: int = 0
    segment: int = 0
    awaits: int = 0
    blocks: tuple[int, ...] = ()
    regions: list[Region] = field(default_factory=list)
    lent: bool = False
    sure: set[int] = field(default_factory=set)
    calls: dict[int, list[Call]] = field(default_factory=dict)
    takes: bool = False
    fails: bool = False
    brought: str = ""
    called: str = ""

    def rely(self, head: Draft, call: Call) -> None:
        """Note that `call` of the method that this write is in depends on the read `head` in another method."""
        if any(region.head == head.index for region in self.regions) and head.index not in self.calls:
            return
        self.calls.setdefault(head.index, []).append(call)
        head.is_head = head.lent = self.lent = True
        head.switches = True
        head.opens |= call.awaits

    def rely_on_wait(self, head: Draft, vain: Collection[Draft]) -> None:
        """Note that this write depends on the read `head`, which has let it wait for a condition, and not on `vain`."""
        useless = {read.index for read in vain}
        if head is not self and all(region.head != head.index for region in self.regions):
            self.regions = [region for region in self.regions if region.head not in useless]
            self.regions.append(Region(head.index, RegionKind.TEST, True, splits=True, waits=True))
            head.is_head = True

    def rely_apart(self, head: Draft, fills: bool, awaits: bool) -> None:
        """Note that this write depends, over an await or in another `with` block, on the read `head` in a method that
        its function has asked."""
        if all(region.head != head.index for region in self.regions):
            found = Region(
                head.index,
                RegionKind.TEST,
                spans=True,
                awaits=awaits,
                splits=not awaits,
                switches=awaits,
                apart=True,
                fills=fills,
                takes=self.fails,
            )
            self.regions.append(found)
            head.is_head = head.lent = True
            head.opens |= awaits
            head.switches |= awaits

    def add_region(
        self,
        head: Draft,
        kind: RegionKind,
        spans: bool,
        awaits: bool,
        splits: bool = False,
        acted: bool = False,
        instead: bool = False,
        fills: bool = False,
        brings: bool = False,
        takes: bool = False,
    ) -> None:
        """Note that this write depends on the read `head`; one region per head, the first kind stays.

        `acted`: another write has acted on the read before, and this one only adds to what it finds.
        """
        if head is not self and all(region.head != head.index for region in self.regions):
            switches = spans and not acted
            found = Region(
                head.index, kind, spans, awaits, splits, switches, instead, fills=fills, brings=brings, takes=takes
            )
            self.regions.append(found)
            head.is_head = True
            head.opens |= awaits
            head.switches |= switches


@dataclass(frozen=True, slots=True)
class Tap:
    """One tap: on the child `field` (and `index`, in a list) of `node`, or on the node itself when `field` is empty.

    STATEMENT taps name where the statement goes in `field`: "before", "after" or "body" (first in the body).
    A tap at the end of a loop, in its "orelse", is on the name of an object.
    `cell` is the captured variable whose identity the tap needs.
    """

    node: cst.CSTNode
    field: str
    index: int
    draft: Draft
    role: Role
    cell: str = ""


@dataclass(slots=True)
class Plan:
    """All taps of one module, in the order in which they were planned: inner operands before outer ones. `links` are
    the pairs of its coroutines."""

    drafts: list[Draft] = field(default_factory=list)
    taps: list[Tap] = field(default_factory=list)
    links: Pairs = field(default_factory=dict)
