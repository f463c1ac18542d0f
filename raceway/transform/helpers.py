"""Tests and acts in methods of their own: `if stock.available(): stock.take()`. And updates of properties: `p.hp -= 1`.

What a method gives back depends on reads of `self`; who tests the answer and then calls another method of the same
object relies on them in what that one writes. The writes get regions whose heads lie in the other method: the two are
of one region if one activation called both, as the detector sees. Methods are told apart by name, so only names count
that the module gives to one method; a method that looks anew before it writes relies on nobody. A property that is
stored with what it gave before is the same with a value in place of a test: its setter writes what its getter read.
So is a method that is given what another one answered, as in `c.set(c.get() + 1)`, for what it stores. And where the
answer is stored by who asked, as in `self.total = self.plus(1)`, the head lies in the method and the write does not. It
is so, too, where a coroutine tests the answer, awaits, and then writes: `if show.left: await pay(); show.sold += 1`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import libcst as cst

from raceway.model.kinds import RegionKind
from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.answers import tests
from raceway.transform.flow import CLEAN, Flow, Taint, fills_up, is_split
from raceway.transform.plan import CALLED, Call, Draft

_KEY = re.compile(r"\[.*\]")


@dataclass(frozen=True, slots=True)
class _Method:
    """One method: the reads that its answer depends on, and its writes that look at nothing anew. `segment` and
    `awaits` are those of its end, `asked` what it tests for being there at all, `matched` and `equated` what it
    compares, `measured` what it asks for how much it is. `given` are the parameters that it never binds anew, with
    their places."""

    answers: tuple[Draft, ...]
    writes: tuple[Draft, ...]
    segment: int
    awaits: int
    given: dict[str, int]
    asked: frozenset[Draft]
    matched: frozenset[Draft]
    measured: frozenset[Draft]
    equated: frozenset[Draft]

    def is_given(self, write: Draft, arguments: frozenset[int | str]) -> bool:
        """Whether `write` stores one of these arguments."""
        return write.brought in self.given and not arguments.isdisjoint((write.brought, self.given[write.brought]))


@dataclass(frozen=True, slots=True)
class _Link:
    """`act` was called, by `call`, because of the answer of `test`, or of a read in the caller itself. `known` are the
    arguments, by place or keyword, that the caller had before."""

    test: str | Draft
    act: str
    call: Call
    known: frozenset[int | str]


@dataclass(frozen=True, slots=True)
class _Stored:
    """`write` stores in an object what depends on the answer of its method: over a switch point or an await that comes
    after the answer, or in another `with` block, that looks at nothing anew."""

    method: str
    base: str
    write: Draft
    spans: bool
    awaits: bool
    apart: bool


@dataclass(frozen=True, slots=True)
class _Tested:
    """The answer of a method or property, which was tested, with an await since or not. `measured`: asked for how much
    it is. `apart`: the method was not called in the `with` blocks that the write lies in, in which nothing is looked at
    anew. `matched`: the answer was compared with something."""

    method: str
    base: str
    awaits: bool
    measured: bool
    apart: bool
    matched: bool


@dataclass(frozen=True, slots=True)
class _Guarded:
    """`write` runs because of tests of answers of its object, the innermost first."""

    write: Draft
    tests: tuple[_Tested, ...]


class Helpers:
    """The methods of a module that others may rely on, and who does. `names` are those that one method has,
    `accessors` those of a getter and a setter."""

    def __init__(self, names: frozenset[str], accessors: frozenset[str]) -> None:
        self._names = names
        self._accessors = accessors
        self._methods: dict[str, _Method] = {}
        self._setters: dict[str, _Method] = {}
        self._links: list[_Link] = []
        self._updates: list[tuple[str, Call]] = []
        self._passed: list[tuple[str | Draft, str, Call]] = []
        self._stored: list[_Stored] = []
        self._guarded: list[_Guarded] = []
        self._relied: set[tuple[Draft, str]] = set()

    def define(self, name: str, parameters: list[str], flow: Flow) -> None:
        """A method has been walked; the first parameter is its object. Of a property the getter comes first."""
        if name in self._names or name in self._accessors:
            own = f"{parameters[0]}#0."
            answers = (read for read in sorted(flow.told, key=_order) if read.index != CALLED and _is_of(read, own))
            methods = self._setters if name in self._methods else self._methods
            writes = tuple(one for one in flow.blind if _is_of(one, own))
            known = map(frozenset, (flow.asked, flow.matched, flow.measured, flow.equated))
            given = {one: place for place, one in enumerate(parameters[1:]) if one not in flow.bound}
            methods[name] = _Method(tuple(answers), writes, flow.segment, flow.awaits, given, *known)

    def called(
        self,
        flow: Flow,
        node: cst.CSTNode,
        name: str,
        base: cst.CSTNode,
        arguments: Mapping[int | str, int] = MappingProxyType({}),
    ) -> Taint:
        """A method of that name is called on `base`, or a property read: what the answer depends on. `arguments` are
        those that are locals, and when each of these got its value."""
        path = flow.path(base) if name in self._names or name in self._accessors else ""
        if not path:
            return CLEAN
        if name in self._names:
            self._rely(flow, node, name, path, arguments)
        return self.answer(flow, node, name, path)

    def answer(self, flow: Flow, node: cst.CSTNode, name: str = "", path: str = "") -> Taint:
        """What a call answers, or a property; the name is that of a method of the module, if it is one."""
        if not (name or flow.is_async):
            return CLEAN
        answer = Draft(CALLED, SiteForm.METHOD, Context.CALL, Role.BASE, node, name, path, "", "", node)
        flow.stamp(answer, ())
        return frozenset((answer,))

    def _rely(self, flow: Flow, node: cst.CSTNode, name: str, path: str, arguments: Mapping[int | str, int]) -> None:
        """What is called relies on the tests that led here."""
        for test, call in tests(flow, node):
            known = frozenset(key for key, bound in arguments.items() if bound < test.order)
            if test.index != CALLED:
                if _is_of(test, f"{path}."):
                    self._links.append(_Link(test, name, call, known))
            elif test.base == path and test.name != name and test.name in self._names:
                self._links.append(_Link(test.name, name, call, known))

    def passed(self, flow: Flow, node: cst.CSTNode, name: str, base: cst.CSTNode, value: Taint) -> None:
        """A method of that name is called on `base` and given what depends on `value`."""
        path = flow.path(base) if name in self._names else ""
        for read in sorted(value, key=_order) if path else ():
            awaits = read.awaits != flow.awaits
            if read.index == CALLED and read.base == path and read.name != name and read.name in self._names:
                self._passed.append((read.name, name, Call(node, awaits, value=True)))
            elif read.index != CALLED and _is_of(read, f"{path}."):
                apart = is_split(flow, read, value)
                self._passed.append((read, name, Call(node, awaits, value=True, here=True, apart=apart)))

    def answered(self, flow: Flow, write: Draft, value: Taint) -> None:
        """`write` is made of what depends on `value`."""
        plain = not write.literal and all(one.kind is RegionKind.VALUE for one in write.regions)
        if plain and (flow.is_async or write.blocks):
            self._note_guarded(flow, write)
        for read in sorted(value, key=_order) if write.context is Context.STORE else ():
            if read.index == CALLED and read.name in self._names and _is_of(write, f"{read.base}."):
                known = (*value, *(tested for guard in flow.guards for tested in guard.reads))
                apart = bool(write.blocks) and all(set(write.blocks).isdisjoint(one.blocks) for one in known)
                spans, awaits = read.segment != flow.segment, read.awaits != flow.awaits
                self._stored.append(_Stored(read.name, read.base, write, spans, awaits, apart))

    def _note_guarded(self, flow: Flow, write: Draft) -> None:
        """What acts on an answer that something has acted on before only adds to what it finds, or takes it back."""
        inside, looks = set(write.blocks), [read for guard in flow.guards for read in guard.reads]
        anew = not inside or any(inside & set(read.blocks) for read in looks)
        asked = [
            read
            for guard in reversed(flow.guards)
            for read in sorted(guard.reads, key=_order, reverse=True)
            if read.index == CALLED and read.name in self._names and _is_of(write, f"{read.base}.")
        ]
        places = {(read, path) for read in asked for path in write.paths}
        if asked and self._relied.isdisjoint(places):
            tests = (
                _Tested(
                    one.name, one.base, one.awaits != flow.awaits, one in flow.measured, not anew, one in flow.matched
                )
                for one in asked
            )
            self._guarded.append(_Guarded(write, tuple(tests)))
        self._relied |= places

    def stored(self, flow: Flow, target: cst.Attribute, name: str, value: Taint) -> None:
        """What depends on `value` is stored in a property, if that is what the name is."""
        path = flow.path(target.value) if name in self._accessors else ""
        for read in sorted(value, key=_order) if path else ():
            if read.index == CALLED and (read.base, read.name) == (path, name):
                self.updated(name, target, read.awaits != flow.awaits)

    def updated(self, name: str, target: cst.Attribute, awaits: bool) -> None:
        """What is stored in a property depends on what it gave before, with an await in between or not."""
        if name in self._accessors:
            self._updates.append((name, Call(target, awaits, value=True)))

    def link(self) -> None:
        """Once the module has been walked: give the writes their regions."""
        for link in self._links:
            act = self._methods.get(link.act)
            for read in self._answers(link.test):
                for write in act.writes if act is not None else ():
                    awaits = link.call.awaits or write.awaits > 0
                    if not _places(read).isdisjoint(_places(write)):
                        matched = link.call.matched or self._matches(link.test, read)
                        brings = act is not None and act.is_given(write, link.known)
                        equated = link.call.equated or self._equates(link.test, read)
                        relying = replace(link.call, awaits=awaits, matched=matched, brings=brings, equated=equated)
                        fills = fills_up(write, read, link.call.fills or self._measures(link.test, read))
                        write.rely(read, replace(relying, fills=fills))
        for name, call in self._updates:
            for read in self._answers(name):
                for write in self._setters[name].writes if name in self._setters else ():
                    if not _places(read).isdisjoint(_places(write)):
                        write.rely(read, call)

        for value, setter, call in self._passed:
            given = self._methods.get(setter)
            for read in self._answers(value):
                for write in given.writes if given is not None else ():
                    plain = write.context is Context.STORE and not write.literal
                    if plain and not _places(read).isdisjoint(_places(write)):
                        write.rely(read, call)

        for guarded in self._guarded:
            self._rely_apart(guarded)

        for one in self._stored:
            if (method := self._methods.get(one.method)) is not None:
                for read in method.answers:
                    if not _places(read).isdisjoint(_places(one.write, one.base)):
                        spans, awaits = one.spans or read.segment != method.segment, read.awaits != method.awaits
                        splits = one.apart and bool(read.blocks) and read not in method.asked
                        one.write.add_region(read, RegionKind.VALUE, spans, one.awaits or awaits, splits)
                        read.lent = True

    def _rely_apart(self, guarded: _Guarded) -> None:
        """The innermost test that has asked for the place counts."""
        write = guarded.write
        for test in guarded.tests:
            method = self._methods.get(test.method)
            if method is None:
                continue
            reads = [read for read in method.answers if not _places(read).isdisjoint(_places(write, test.base))]
            for read in reads:
                fills = fills_up(write, read, test.measured or read in method.measured)
                awaits = test.awaits or read.awaits != method.awaits
                adds = fills or write.takes or write.context is Context.AUGMENT
                splits = adds and test.apart and bool(read.blocks) and not (test.matched or read in method.matched)
                if awaits or splits:
                    write.rely_apart(read, fills, awaits)
            if reads:
                return

    def _answers(self, test: str | Draft) -> tuple[Draft, ...]:
        """The reads that a test depends on: those of a method's answer, or one that stands for itself."""
        if isinstance(test, Draft):
            return (test,)
        method = self._methods.get(test)
        return () if method is None else method.answers

    def _matches(self, test: str | Draft, read: Draft) -> bool:
        """Whether the method that a test calls compares the read with something."""
        return isinstance(test, str) and test in self._methods and read in self._methods[test].matched

    def _measures(self, test: str | Draft, read: Draft) -> bool:
        """Whether the method that a test calls asks how much there is."""
        return isinstance(test, str) and test in self._methods and read in self._methods[test].measured

    def _equates(self, test: str | Draft, read: Draft) -> bool:
        """Whether the method that a test calls compares the read for equality."""
        return isinstance(test, str) and test in self._methods and read in self._methods[test].equated


def _is_of(draft: Draft, own: str) -> bool:
    return any(path.startswith(own) for path in draft.paths)


def _places(draft: Draft, base: str = "") -> set[str]:
    """The paths below the object, `base` or else a local, for any key: the detector asks for the same one."""
    own = (path.removeprefix(f"{base}.") if base else path.partition(".")[2] for path in draft.paths)
    return {_KEY.sub("[]", path) for path in own}


def _order(draft: Draft) -> int:
    return draft.order
