"""What functions of a module give back, and who relies on it: `if not known(key): add(key)`, `total = get() + 1`.

As `helpers` has it for methods: the reads that an answer depends on are the heads of what is written because of it, by
the caller itself or by another function that it calls, and the detector asks for one place and one caller. What a
function reads is of the module, or of what it was given: then the caller knows it by another name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import libcst as cst

from raceway.model.kinds import RegionKind
from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.flow import Flow, Taint, fills_up, is_split
from raceway.transform.plan import CALLED, Call, Draft

_KEY = re.compile(r"\[.*\]")
_BINDING = re.compile(r"#\d+")

Arguments = Mapping[int | str, str]
"""The access paths of what a call is given, by place or keyword."""


@dataclass(frozen=True, slots=True)
class _Function:
    """One function: the reads that its answer depends on, and its writes that look at nothing anew. `segment` and
    `awaits` are those of its end, `asked` what it tests for being there at all, `matched` and `equated` what it
    compares. `given` are the parameters that it never binds anew, with their places, and `defaults` the access paths of
    what they are without an argument."""

    answers: tuple[Draft, ...]
    writes: tuple[Draft, ...]
    segment: int
    awaits: int
    given: dict[str, int]
    defaults: dict[str, str]
    asked: frozenset[Draft]
    matched: frozenset[Draft]
    equated: frozenset[Draft]
    measured: frozenset[Draft]

    def variables(self, draft: Draft, arguments: Arguments) -> set[str]:
        """The paths of a draft of the function as who calls it knows them, for any key."""
        return {_plain(path) for path in self._known(draft, arguments)}

    def _known(self, draft: Draft, arguments: Arguments) -> Iterator[str]:
        for path in draft.paths:
            name, _number, rest = path.partition("#0")
            if name not in self.given:
                yield path
            elif given := arguments.get(self.given[name], arguments.get(name, self.defaults.get(name, ""))):
                yield given + rest


@dataclass(frozen=True, slots=True)
class _Stored:
    """`write` stores what depends on an answer: over a switch point or an await that comes after that, or in another
    `with` block, that looks at nothing anew."""

    answer: Draft
    write: Draft
    spans: bool
    awaits: bool
    apart: bool


@dataclass(frozen=True, slots=True)
class _Act:
    """The function of that name is called because of a test, of an answer or of a place; or it is given an answer."""

    test: Draft
    name: str
    arguments: Arguments
    call: Call


class Answers:
    """The functions of a module, what their callers do because of what they give back, and what because of tests."""

    def __init__(self) -> None:
        self._functions: dict[str, _Function] = {}
        self._arguments: dict[Draft, Arguments] = {}
        self._acts: list[_Act] = []
        self._stored: list[_Stored] = []

    def define(
        self,
        name: str,
        parameters: list[str],
        defaults: dict[str, str],
        flow: Flow,
        is_global: Callable[[str], bool],
    ) -> None:
        """A function of the module has been walked. `defaults` are access paths, by parameter."""
        given = {one: place for place, one in enumerate(parameters) if one not in flow.bound}

        def is_known(draft: Draft) -> bool:
            names = (path.partition("#")[0] for path in draft.paths)
            return any(name in given or is_global(name) for name in names)

        answers = tuple(one for one in sorted(flow.told, key=_order) if is_known(one))
        writes = tuple(one for one in flow.blind if is_known(one))
        sets = map(frozenset, (flow.asked, flow.matched, flow.equated, flow.measured))
        self._functions[name] = _Function(answers, writes, flow.segment, flow.awaits, given, defaults, *sets)

    def call(self, flow: Flow, node: cst.Call, name: str, arguments: Arguments, value: Taint) -> Taint:
        """A function of the module is called: what its answer depends on. It relies on the tests that led here, and on
        what it is given."""
        for test, call in tests(flow, node):
            if (test.index != CALLED or test in self._arguments) and test.name != name:
                self._acts.append(_Act(test, name, arguments, call))
        for read in sorted(value, key=_order):
            if read in self._arguments and read.name != name:
                awaits = read.awaits != flow.awaits
                self._acts.append(_Act(read, name, arguments, Call(node, awaits, value=True)))
        answer = Draft(CALLED, SiteForm.FUNCTION, Context.CALL, Role.BASE, node, name, "", "", "", node)
        self._arguments[answer] = arguments
        return frozenset((answer,))

    def stored(self, flow: Flow, write: Draft, value: Taint) -> None:
        """`write` is made of what depends on `value`."""
        for read in sorted(value, key=_order) if write.context is Context.STORE else ():
            if read in self._arguments:
                known = (*value, *(tested for guard in flow.guards for tested in guard.reads))
                apart = bool(write.blocks) and all(set(write.blocks).isdisjoint(one.blocks) for one in known)
                spans, awaits = read.segment != flow.segment, read.awaits != flow.awaits
                self._stored.append(_Stored(read, write, spans, awaits, apart))

    def link(self) -> None:
        """Once the module has been walked: give the writes their regions."""
        for act in self._acts:
            if (function := self._functions.get(act.name)) is not None:
                self._link(act, function)
        for one in self._stored:
            function = self._functions.get(one.answer.name)
            for read, places in self._reads(one.answer):
                if function is not None and not places.isdisjoint(map(_plain, one.write.paths)):
                    spans, awaits = one.spans or read.segment != function.segment, read.awaits != function.awaits
                    splits = one.apart and bool(read.blocks) and read not in function.asked
                    one.write.add_region(read, RegionKind.VALUE, spans, one.awaits or awaits, splits)
                    read.lent = True

    def _link(self, act: _Act, function: _Function) -> None:
        plain = [one for one in function.writes if one.context is Context.STORE and not one.literal]
        writes = [
            (write, function.variables(write, act.arguments))
            for write in (plain if act.call.value else function.writes)
        ]
        tested = self._functions.get(act.test.name) if act.test in self._arguments else None
        for read, places in self._reads(act.test) if writes else ():
            matched = act.call.matched or (tested is not None and read in tested.matched)
            equated = act.call.equated or (tested is not None and read in tested.equated)
            for write, written in writes:
                if not places.isdisjoint(written):
                    awaits = act.call.awaits or write.awaits > 0
                    measured = act.call.fills or (tested is not None and read in tested.measured)
                    relying = replace(act.call, awaits=awaits, matched=matched, equated=equated)
                    write.rely(read, replace(relying, fills=fills_up(write, read, measured)))

    def _reads(self, test: Draft) -> Iterator[tuple[Draft, set[str]]]:
        """The reads that a test depends on, with their paths: those of an answer, or one that stands for itself."""
        if test not in self._arguments:
            yield test, set(map(_plain, test.paths))
        elif (function := self._functions.get(test.name)) is not None:
            for read in function.answers:
                yield read, function.variables(read, self._arguments[test])


def tests(flow: Flow, node: cst.CSTNode) -> Iterator[tuple[Draft, Call]]:
    """The tests that led to a call, and how the call relies on each."""
    ends = _ends(flow)
    absent = {read for guard in flow.guards for read in guard.absent}
    for test in sorted({read for guard in flow.guards for read in guard.reads}, key=_order):
        matched, here = test in flow.matched, test.index != CALLED
        call = Call(node, test.awaits != flow.awaits, False, matched, flow.tried > 0, here, test in absent)
        measured = test in flow.measured
        looks = replace(call, fills=measured, rounds=test in ends, equated=test in flow.equated)
        yield test, replace(looks, apart=here and is_split(flow, test))


def _ends(flow: Flow) -> set[Draft]:
    """The tests that are conditions of loops in which another one, of what a call gave since, has led to here."""
    found: set[Draft] = set()
    for number, guard in enumerate(flow.guards):
        if guard.loops:
            newest = max((inner.since for inner in flow.guards[number + 1 :]), default=0)
            found.update(test for test in guard.reads if newest >= test.order)
    return found


def _plain(path: str) -> str:
    """A path for any key, and whatever the number of a binding."""
    return _BINDING.sub("", _KEY.sub("[]", path))


def _order(draft: Draft) -> int:
    return draft.order
