"""The statements of random programs, and whole programs: module code, nested functions, a coroutine, a generator."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from random import Random

from tests.transform.generator import CAUGHT, END, LOCALS, PRELUDE, Generator


class Statements(Generator):
    """Expressions and the statements around them."""

    def block(self, depth: int) -> str:
        """An indented block."""
        return textwrap.indent("".join(self.guarded(depth) for _ in range(self.random.randint(1, 3))), "  ")

    def guarded(self, depth: int) -> str:
        """A statement, mostly one whose failure is noted and survived."""
        statement = self.statement(depth)
        if self.random.random() < 0.2:
            return statement
        return f"try:\n{textwrap.indent(statement, '  ')}except Exception as failure: note(failure)\n"

    def statement(self, depth: int) -> str:
        """One statement."""
        return self.choose((*self.simple(), *(self.compound() if depth > 0 else self.exits())), depth)

    def simple(self) -> tuple[Callable[[int], str], ...]:
        """Statements of one line."""
        return (
            lambda _d: f"{self.expression()}\n",
            lambda _d: f"{self.target(2)} = {self.expression()}\n",
            lambda _d: f"{self.target(2)} = {self.target(1)} = {self.expression()}\n",
            lambda _d: f"{self.name()}, {self.target(1)} = {self.expression(2)}, {self.expression(2)}\n",
            lambda _d: f"{self.target(2, False)} += {self.expression()}\n",
            lambda _d: f"{self.name()}.{self.field()}: int = {self.expression(2)}\n",
            lambda _d: f"del {self.operand(1)}.{self.field()}, {self.operand(1)}[{self.key(1)}]\n",
        )

    def exits(self) -> tuple[Callable[[int], str], ...]:
        """Statements that may leave the block."""
        return (
            lambda _d: f"{(name := self.name())} = {self.expression()}; del {name}\n" if self.rarely() else "pass\n",
            lambda _d: f"assert {self.expression(2)}, {self.expression(2)}\n" if self.rarely() else "pass\n",
            lambda _d: f"if {self.expression(1)}: return {self.expression(1)}\n",
            lambda _d: self.random.choice(("break\n", "continue\n")) if self.in_loop else "pass\n",
        )

    def compound(self) -> tuple[Callable[[int], str], ...]:
        """Statements with blocks."""
        return (
            lambda d: f"if {self.expression(2)}:\n{self.block(d)}elif {self.expression(1)}:\n{self.block(d)}",
            lambda d: f"if {self.expression(2)}:\n{self.block(d)}else:\n{self.block(d)}",
            lambda d: f"{self.asynchronous()}for {self.target(2)} in {self.expression(2)}:\n{self.looped(d)}",
            lambda d: f"for {self.target(1)} in {self.expression(1)}:\n{self.looped(d)}else:\n{self.block(d)}",
            lambda d: f"while again() and {self.operand(2)}:\n{self.looped(d)}",
            lambda d: (
                f"{self.asynchronous()}with {self.expression(2)} as {self.target(1)}, {self.name()}:\n{self.block(d)}"
            ),
            lambda d: f"try:\n{self.block(d)}except {self.caught()}:\n{self.block(d)}else:\n{self.block(d)}",
            lambda d: f"try:\n{self.block(d)}finally:\n{self.finishing()}",
            self.match,
            self.definition,
            lambda _d: f"class {self.local()}(object):\n  __z = {self.expression(2)}\n  x = {self.expression(1)}\n",
        )

    def local(self) -> str:
        """The name of a local."""
        return self.random.choice(LOCALS)

    def caught(self) -> str:
        """What an `except` catches."""
        return self.random.choice(CAUGHT)

    def asynchronous(self) -> str:
        """`async` where it is allowed, at times."""
        return "async " if self.in_async and self.random.random() < 0.5 else ""

    def looped(self, depth: int) -> str:
        """The block of a loop."""
        in_loop, self.in_loop = self.in_loop, True
        block = self.block(depth)
        self.in_loop = in_loop
        return block

    def finishing(self) -> str:
        """The block of a `finally`, which does not leave it: later Pythons warn of that."""
        return textwrap.indent(self.choose(self.simple(), 0), "  ")

    def match(self, depth: int) -> str:
        """A `match` statement."""
        patterns = ("[p, *q]", f"L(x=q) if {self.expression(1)}", "{'k': n, **r}", "None | 1", "L.made", "[g, m]")
        cases = [f"case {pattern}:\n{self.block(depth)}" for pattern in self.random.sample(patterns, 3)]
        return f"match {self.expression(2)}:\n" + "".join(textwrap.indent(case, "  ") for case in cases)

    def definition(self, depth: int) -> str:
        """A decorated function."""
        head = f"@{self.operand(1)}\n" if self.random.random() < 0.5 else ""
        return f"{head}def {self.local()}(p, q={self.expression(1)}, *r, m=0):\n{self.function(depth, '')}"

    def function(self, depth: int, nonlocals: str) -> str:
        """The block of a function."""
        state = self.in_async, self.in_loop, self.walrus
        self.in_async, self.in_loop, self.walrus = False, False, True
        block = f"  global g, h\n{nonlocals}{self.block(depth)}  return {self.expression(2)}\n"
        self.in_async, self.in_loop, self.walrus = state
        return block


def program(random: Random) -> str:
    """A whole program."""
    made = Statements(random)
    inner = textwrap.indent(f"def inner(p, q=1, r=None):\n{made.function(2, '  nonlocal n, m' + chr(10))}", "  ")
    body = f"{made.block(2)}{inner}{made.block(2)}  return inner(n, m), n, m\n"
    outer = f"def outer(p, q):\n  global g, h\n  r, n, m = p.x, p, q\n{body}"
    made.in_async = True
    coroutine = f"async def runs(p, q, r=0, n=1, m=2):\n  global g\n{made.block(2)}  return p\n"
    made.in_async = False
    generator = f"def yields(p, q, r=0, n=1, m=2):\n  global h\n  p = yield {made.expression(2)}\n{made.block(1)}"
    generator += f"  q.x = (yield q.y).z\n  yield from {made.expression(1)}\n"
    names = {
        "outer": "outer(L(), g)",
        "runs": "complete(runs(g, L()))",
        "yields": "list(yields(h, k))",
        "again": "outer(g, h)",
    }
    parts = "".join(f"  {name!r}: lambda: {call},\n" for name, call in names.items())
    table = f"parts = {{\n{parts}}}\nlast = {random.choice(sorted(names))!r}\n"
    module = f"{made.name()} = {made.expression(2)}\n" if made.rarely() else ""
    return PRELUDE.format(fuse=random.randint(5, 400)) + module + outer + coroutine + generator + table + END
