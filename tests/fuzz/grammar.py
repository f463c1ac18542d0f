"""Random programs over the objects of the stage: what `transform/generated` makes, and classes, containers, generators,
exception groups, patterns and handlers of every sort.

A module holds many programs, each a function of its own, so that one instrumentation serves them all.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from random import Random

from tests.fuzz.stage import MAKERS
from tests.transform.generated import Statements

_OPERATORS = ("+", "-", "*", "@", "//", "%", "&", "|", "^", "<<", ">>", "/", "<", "<=", "!=", "==", ">")
_AUGMENTED = ("+=", "-=", "*=", "@=", "|=", "&=", ">>=", "//=")
_FIELDS = ("x", "y", "__z", "pop", "get", "shared", "method", "computed", "empty", *MAKERS)
_METHODS = (
    "append({0})", "extend({0})", "insert({0}, {1})", "pop()", "pop({0})", "get({0})", "get({0}, {1})", "index({0})",
    "setdefault({0}, {1})", "update({0})", "items()", "keys()", "values()", "copy()", "remove({0})", "discard({0})",
    "add({0})", "clear()", "popitem()", "popleft()", "appendleft({0})", "sort(key=lambda e: {0})", "reverse()",
    "move_to_end({0})", "most_common({0})", "__getitem__({0})", "__setitem__({0}, {1})", "count({0})", "join({0})",
    "method({0}, *{1})", "method(a={0})",
)  # fmt: skip
_CALLS = (
    "len({0})", "list({0})", "tuple({0})", "sorted({0}, key=id and kind)", "sum({0}, {1})", "any({0})", "min({0}, {1})",
    "getattr({0}, 'x')", "getattr({0}, 'nothing', {1})", "setattr({0}, 'x', {1})", "hasattr({0}, 'y')", "iter({0})",
    "delattr({0}, 'y')", "next(iter({0}), {1})", "dict({0})", "set({0})", "enumerate({0})", "list(zip({0}, {1}))",
    "list(map(kind, {0}))", "isinstance({0}, L)", "vars({0})", "repr({0})", "str({0})", "print(end='')", "type({0})",
    "list(filter(None, {0}))", "reversed({0})", "bool({0})", "callable({0})", "super({0})", "dict(k={0}, **{1})",
    "locals() and {0}", "abs({0})", "format({0}, 'spec')", "bytes({0})", "' '.join({0})", "'{{}}'.format({0})",
    "'%s' % {0}", "spark({0}, {1})",
)  # fmt: skip
_PATTERNS = (
    "[p, *q]", "[L(), *_]", "L(x=q)", "Box(x=p, y=1 | 2)", "{'k': n, **r}", "{'k': L() as m}", "None | 1 | 'a'", "p",
    "[g, m]", "(1 | 2) as r", "[[p, q], r]", "L.shared", "str() | int()", "-1 | 2.5", "Slotted(items={'k': q})", "[]",
)  # fmt: skip
_DUNDERS = (
    "__getitem__(self, k)", "__setitem__(self, k, v)", "__delitem__(self, k)", "__contains__(self, k)", "__len__(self)",
    "__bool__(self)", "__iter__(self)", "__call__(self, *k, **v)", "__getattr__(self, k)", "__enter__(self)",
    "__exit__(self, *k)", "__eq__(self, k)", "__add__(self, k)", "__radd__(self, k)", "__iadd__(self, k)",
    "__matmul__(self, k)", "__lt__(self, k)", "__format__(self, k)", "__del__(self)", "__setattr__(self, k, v)",
    "__delattr__(self, k)", "__get__(self, k, v)", "__set__(self, k, v)", "__set_name__(self, k, v)", "__await__(self)",
    "__init_subclass__(cls, **k)", "__class_getitem__(cls, k)", "__getattribute__(self, k)", "__next__(self)",
    "__missing__(self, k)", "__reversed__(self)", "__index__(self)", "__hash__(self)", "__new__(cls, *k)",
)  # fmt: skip
_BASES = ("", "(Box)", "(L)", "(dict)", "(list)", "(object, metaclass=type)", "(Slotted)", "(Exception)", "(Box, L)")


HEAD = "g = h = k = 0\n"
"""What a module begins with."""


class Programs(Statements):
    """Expressions, statements, classes; `makes` are further ways to begin."""

    def field(self) -> str:
        """The name of an attribute, most of them of the sort that fields of stage objects have."""
        return self.random.choice(_FIELDS)

    def places(self) -> tuple[Callable[[int], str], ...]:
        """Attributes, items, calls; methods of containers and builtins beside them."""
        return (
            *super().places(),
            self.method_call,
            self.method_call,
            self.builtin_call,
            lambda d: f"{self.name()}.{self.random.choice(MAKERS)}",
            lambda _d: f"made({self.random.choice(MAKERS)!r})",
            lambda d: f"{self.operand(d)}[{self.key(d)}][{self.key(0)}]",
        )

    def operators(self) -> tuple[Callable[[int], str], ...]:
        """All binary operators, unary ones, chains."""
        return (
            *super().operators(),
            lambda d: f"({self.operand(d)} {self.random.choice(_OPERATORS)} {self.operand(d)})",
            lambda d: f"({self.operand(d)} in {self.operand(d)} in {self.operand(d)})",
            lambda d: f"({self.operand(d)} and {self.operand(d)} or not {self.operand(d)})",
            lambda d: f"({self.random.choice('-~+')}{self.operand(d)})",
        )

    def displays(self) -> tuple[Callable[[int], str], ...]:
        """Slices of displays, f-strings with more in them, generators that are not consumed whole."""
        return (
            *super().displays(),
            lambda d: f"[{self.elements(d)}][{self.key(0)}]",
            lambda _d: f"f'{{{self.quoted(0)}=}} {{{self.quoted(1)}!s}}' '{{}}'",
            lambda d: f"next({self.operand(d)} for {self.local()} in {self.operand(d)})",
            lambda d: f"(*{self.operand(d)}, {self.expression(d)})",
        )

    def method_call(self, depth: int) -> str:
        """A method of one of the containers, with operands that have effects."""
        call = self.random.choice(_METHODS).format(self.expression(depth - 1), self.operand(depth - 1))
        return f"{self.operand(depth)}.{call}"

    def builtin_call(self, depth: int) -> str:
        """A builtin that walks, reads or stores."""
        return self.random.choice(_CALLS).format(self.operand(depth), self.operand(depth - 1))

    def simple(self) -> tuple[Callable[[int], str], ...]:
        """More assignments, deletions, returns of values, imports."""
        return (
            *super().simple(),
            lambda _d: f"{self.target(2, False)} {self.random.choice(_AUGMENTED)} {self.expression()}\n",
            lambda _d: f"{self.target(1)} = {self.target(1)} = {self.target(1)} = {self.expression(2)}\n",
            lambda _d: f"{self.operand(1)}.x, {self.operand(1)}[{self.key(1)}] = {self.expression(2)}\n",
            lambda _d: f"{self.local()}: {self.expression(1)} = {self.expression(2)}\n",
            lambda _d: f"{self.method_call(2)}\n",
            lambda _d: f"{self.method_call(2)}; {self.builtin_call(2)}; {self.name()} = {self.name()}\n",
            lambda _d: f"from os.path import sep as {self.random.choice(('p', 'g', 'n'))}; from math import pi as r\n",
            lambda _d: f"spark({self.name()}, {self.expression(2)})\n",
        )

    def compound(self) -> tuple[Callable[[int], str], ...]:
        """More handlers, classes, generators."""
        return (
            *super().compound(),
            self.class_,
            self.class_,
            self.generator,
            self.handlers,
            self.groups,
            lambda d: f"for {self.target(1)} in {self.method_call(2)}:\n{self.looped(d)}else:\n{self.block(d)}",
            lambda d: f"with {self.expression(2)}, {self.expression(1)} as {self.target(1)}:\n{self.block(d)}",
        )

    def match(self, depth: int) -> str:
        """A `match` statement with patterns of every sort."""
        patterns = [pattern for pattern in self.random.sample(_PATTERNS, 4) if pattern != "p"]
        guards = [f" if {self.expression(1)}" if self.random.random() < 0.4 else "" for _ in patterns]
        cases = [f"case {pattern}{guard}:\n{self.block(0)}" for pattern, guard in zip(patterns, guards, strict=True)]
        if self.rarely():
            cases.append(f"case r:\n{self.block(0)}")
        subject = f"{self.expression(1)}, {self.expression(1)}" if self.rarely() else self.expression(2)
        return f"match {subject}:\n" + "".join(textwrap.indent(case, "  ") for case in cases)

    def handlers(self, depth: int) -> str:
        """A `try` whose handlers raise, and whose `finally` sees it."""
        error = self.random.choice(("Boom", "Boom('again')", "Boom(1, 2) from None", "Boom from Boom(3)", ""))
        inner = f"try:\n{self.block(depth)}except {self.caught()}:\n{self.block(0)}  raise {error}\n"
        inner += f"finally:\n{self.finishing()}"
        return f"try:\n{textwrap.indent(inner, '  ')}except (Boom, TypeError) as failure: note(failure)\n"

    def groups(self, depth: int) -> str:
        """`except*`."""
        made = f"ExceptionGroup('some', [Boom(kind({self.expression(1)})), ValueError(1), KeyError(2)])"
        inner = f"try:\n{self.block(0)}  raise {made}\n"
        inner += f"except* {self.random.choice(('Boom', '(Boom, TypeError)'))} as r:\n{self.plain_block()}"
        inner += f"except* ValueError:\n{self.plain_block()}"
        return f"try:\n{textwrap.indent(inner, '  ')}except* Exception as failure: note(failure)\n"

    def plain_block(self) -> str:
        """A block without anything that may leave it, which `except*` forbids."""
        return textwrap.indent("".join(self.choose(self.simple(), 0) for _ in range(2)), "  ")

    def generator(self, depth: int) -> str:
        """A generator and somebody who drives it."""
        state = self.in_async, self.in_loop
        self.in_async = self.in_loop = False
        name = self.local()
        steps = (
            f"q = yield {self.expression(2)}\n",
            f"(yield {self.expression(1)}).x = {self.expression(1)}\n",
            f"made('items')[(yield {self.expression(1)})] = yield {self.expression(1)}\n",
            f"r = [(yield {self.expression(1)}), {self.expression(1)}, (yield)]\n",
            f"yield from {self.expression(2)}\n",
            f"try:\n  yield {self.expression(1)}\nfinally:\n{self.finishing()}",
            f"with {self.expression(1)}:\n  yield {self.expression(1)}\n",
        )
        block = textwrap.indent("".join(self.random.choices(steps, k=3)), "  ")
        self.in_async, self.in_loop = state
        used = self.random.choice(("drive({0}(L()))", "spark(*{0}(L()))", "p = list({0}(L()))", "r = {0}(L()); r = 1"))
        return f"def {name}(p, q=1, r=2):\n{block}{used.format(name)}\n"

    def class_(self, depth: int) -> str:
        """A class with special methods, a property, fields, and uses of an object of it."""
        state = self.in_async, self.in_loop, self.walrus
        self.in_async, self.in_loop = False, False
        name = self.local()
        parameters = "[T, *U]" if sys.version_info >= (3, 12) and self.rarely() else ""
        parts = [f"__z = x = {self.expression(1)}\n", f"y = {self.expression(1)}\n", "__slots__ = ('x', '__z')\n"]
        body = [self.random.choice(parts[:2] if self.random.random() < 0.8 else parts)]
        body += [self.special(signature) for signature in self.random.sample(_DUNDERS, self.random.randint(1, 4))]
        if self.random.random() < 0.4:
            body.append(f"@property\ndef computed(self):\n  spark('computed')\n  return {self.expression(1)}\n")
            body.append(f"@computed.setter\ndef computed(self, r):\n  global g\n  self.__z = {self.expression(2)}\n")
        if self.random.random() < 0.4:
            body.append(f"def __init__(self, *q):\n  super().__init__()\n  self.x = {self.expression(1)}\n")
        if self.rarely():
            body.append(f"for {self.local()} in {self.expression(1)}: {self.expression(1)}\n")
        self.in_async, self.in_loop, self.walrus = state
        head = f"class {name}{parameters}{self.random.choice(_BASES)}:\n"
        uses = (
            "r = {0}()\n", "r.x = {1}\n", "spark(r[{1}])\n", "r[{1}] = {1}\n", "r += {1}\n", "spark({1} in r)\n",
            "with r as q: spark(q)\n", "r.computed = r.computed\n", "r()\n", "del r.x\n", "spark(r + {1})\n",
            "for q in r: spark(q); break\n", "if r: spark(len(r))\n", "f'{{r}}'\n", "r.missing\n", "spark({0}.x)\n",
        )  # fmt: skip
        used = "".join(
            f"try: {self.random.choice(uses).format(name, self.name())}except Exception as failure: note(failure)\n"
            for _ in range(4)
        )
        made = f"try: r = {name}()\nexcept Exception as failure: note(failure)\n" if name != "r" else ""
        return head + textwrap.indent("".join(body), "  ") + made + used

    def special(self, signature: str) -> str:
        """A special method that has an effect, and mostly gives something."""
        given = self.random.choice((self.expression(1), "self", "super().x", "__class__", "1", "NotImplemented"))
        if signature.startswith("__getattr") and self.random.random() < 0.7:
            given = "object.__getattribute__(self, k)"
        effect = f"spark({signature[: signature.index('(')]!r})"
        if signature.startswith(("__iter__", "__await__")):
            return f"def {signature}:\n  {effect}\n  yield {self.expression(1)}\n"
        if signature.startswith("__new__"):
            given = "super().__new__(cls)"
        return f"def {signature}:\n  {effect}\n  return {given}\n"


def program(made: Programs, name: str) -> str:
    """One program: a function with an inner one, or a coroutine."""
    random = made.random
    variables = "  global g, h\n"
    if random.random() < 0.2:
        made.in_async = True
        block = made.block(2)
        made.in_async = False
        return f"async def {name}(p, q, r=0, n=1, m=2):\n{variables}{block}  return p\n"
    first = f"  r, n, m = p.x, p, q\n{made.block(1)}"
    second = made.block(1)
    inner = ""
    if random.random() < 0.5:
        block = made.function(1, "  nonlocal n, m\n")
        inner = textwrap.indent(f"def inner(p, q=1, r=None):\n{block}", "  ") + "  spark(inner(n, m))\n"
    return f"def {name}(p, q):\n{variables}{first}{inner}{second}  return n, m, r\n"


def module(seeds: list[int], sort: type[Programs] = Programs, head: str = HEAD) -> str:
    """A module with one program for each seed, `program_0` and on; what does not compile is left out."""
    parts = [head]
    for place, seed in enumerate(seeds):
        text = program(sort(Random(seed)), f"program_{place}")
        parts.append(text if compiles(text) else f"def program_{place}(p, q): pass\n")
    return "\n".join(parts)


def compiles(text: str) -> bool:
    """Whether Python accepts a program."""
    try:
        compile(text, "<program>", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True
