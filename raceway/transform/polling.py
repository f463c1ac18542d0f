"""Loops that go on until another thread has counted far enough, and do other work meanwhile.

    while self._more():            def _more(self):
        self._show()                   return self.done < self.started
    self.close()

Whoever leaves such a loop has seen the last count, and so what came before it. Where the loop ends a tap says once more
what its last test has read: the detector takes that for the read of a loop that only waits. Within the loop nothing is
ordered, since a count that lets it go on may have come by luck. What a loop counts itself, or what it calls in this
module, does not count; nor does what the module stores anything else in than numbers, texts and flags.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SIMPLE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Pass)


class Asked(NamedTuple):
    """The test of a loop has `owner.name` in it, itself a read or the call of a method that reads `attribute`."""

    owner: str
    name: str
    attribute: str


class _Mentions(NamedTuple):
    """The names that a piece of code uses, and the attributes that it stores, or may store by name."""

    names: set[str]
    stored: set[str]


class Polls:
    """What one look over a module tells of what its loops wait for. `helpers`: the names of methods and properties that
    one class has, once; `plain`: the attributes that hold numbers, texts and flags as far as the module stores them."""

    def __init__(self, tree: ast.Module, helpers: frozenset[str], plain: frozenset[str]) -> None:
        self._tree = tree
        self._helpers = helpers
        self._plain = plain

    @cached_property
    def loops(self) -> tuple[tuple[Asked, ...], ...]:
        """What each `while` of the module asks for, in the order of the source."""
        return tuple(map(self._of, self._whiles))

    @cached_property
    def unbound(self) -> frozenset[str]:
        """The names that the module deletes, if only where a handler ends: at the end of a loop there may be none."""
        found = set()
        for node in ast.walk(self._tree):
            match node:
                case ast.Name(id=name, ctx=ast.Del()) | ast.ExceptHandler(name=str() as name):
                    found.add(name)
        return frozenset(found)

    @cached_property
    def _whiles(self) -> list[ast.While]:
        loops = (node for node in ast.walk(self._tree) if isinstance(node, ast.While))
        return sorted(loops, key=lambda node: (node.lineno, node.col_offset))

    def _of(self, node: ast.While) -> tuple[Asked, ...]:
        asked = [one for one in self._certain(node.test, False) if one.attribute in self._plain]
        if not asked or len({part.lineno for part in deciding(node.test)}) > 1:
            return ()
        stored = self._stored(node)
        return tuple(one for one in dict.fromkeys(asked) if one.attribute not in stored)

    def only_asked(self, helper: str) -> bool:
        """Whether nobody calls a method but tests of such loops; others may not, as its name says."""
        if not helper.startswith("_"):
            return False
        tests = [node.test for node, asked in zip(self._whiles, self.loops, strict=True) if asked]
        return _uses(self._tree, helper) == sum(_uses(test, helper) for test in tests)

    @cached_property
    def _functions(self) -> dict[str, list[_Function]]:
        found: dict[str, list[_Function]] = defaultdict(list)
        for node in ast.walk(self._tree):
            if isinstance(node, _Function):
                found[node.name].append(node)
        return found

    @cached_property
    def _mentioned(self) -> dict[str, _Mentions]:
        return {
            name: _Mentions(*(set.union(*sets) for sets in zip(*map(_mentions, functions), strict=True)))
            for name, functions in self._functions.items()
        }

    def _stored(self, node: ast.While) -> set[str]:
        """What the loop stores, and the functions of the module that it names, and those that these name."""
        names, stored = _mentions(node)
        seen: set[str] = set()
        while todo := (names & self._mentioned.keys()) - seen:
            seen |= todo
            for name in todo:
                names |= self._mentioned[name].names
                stored |= self._mentioned[name].stored
        return stored

    def _certain(self, node: ast.expr, outcome: bool, helpers: bool = True) -> Iterator[Asked]:
        """What a test has read for certain once it is true, or false; `helpers`: in methods that it calls, too."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                yield from self._certain(inner, not outcome, helpers)
            case ast.BoolOp(op=operator, values=values):
                for value in values if isinstance(operator, ast.And) is outcome else values[:1]:
                    yield from self._certain(value, outcome, helpers)
            case ast.Compare(left=left, comparators=[right, *_]) | ast.BinOp(left=left, right=right):
                yield from self._certain(left, outcome, helpers)
                yield from self._certain(right, outcome, helpers)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                yield Asked(owner, name, name)
                yield from self._answer(owner, name, outcome) if helpers else ()
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name), args=[]) if helpers:
                yield from self._answer(owner, name, outcome)

    def _answer(self, owner: str, helper: str, outcome: bool) -> Iterator[Asked]:
        """What a method of `owner` has read on every way to such an answer."""
        found = self._functions[helper] if helper in self._helpers else []
        if len(found) != 1 or not (parameters := (*found[0].args.posonlyargs, *found[0].args.args)):
            return
        for node in found[0].body:
            match node:
                case ast.Return(value=ast.expr() as value):
                    tests, goes_on = [(value, outcome)], False
                case ast.If(test=test, body=[ast.Return(value=ast.Constant(value=value))], orelse=[]):
                    tests, goes_on = [(test, False)], True
                    if bool(value) is outcome:
                        return
                case _:
                    tests, goes_on = [], isinstance(node, _SIMPLE)
            for test, truth in tests:
                for one in self._certain(test, truth, helpers=False):
                    if one.owner == parameters[0].arg:
                        yield Asked(owner, helper, one.attribute)
            if not goes_on:
                return


def deciding(test: ast.expr) -> Iterator[ast.expr]:
    """The parts after each of which a test may be over. A tap behind it has their line, or tracers would see it."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            yield from deciding(inner)
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from deciding(part)
        case ast.IfExp(body=body, orelse=other):
            yield from deciding(body)
            yield from deciding(other)
        case _:
            yield test


def _uses(tree: ast.AST, name: str) -> int:
    return sum(isinstance(node, ast.Attribute) and node.attr == name for node in ast.walk(tree))


def _mentions(node: ast.AST) -> _Mentions:
    found = _Mentions(set(), set())
    for part in ast.walk(node):
        match part:
            case ast.Attribute(attr=name, ctx=ctx):
                (found.names if isinstance(ctx, ast.Load) else found.stored).add(name)
            case ast.Name(id=name):
                found.names.add(name)
            case ast.Constant(value=str() as text):
                found.stored.add(text)  # perhaps a name for setattr()
    return found
