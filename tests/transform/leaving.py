"""Random functions that end in handlers, loops, `with` and `finally`, one within the other, and take all their ways."""

from __future__ import annotations

import textwrap
from random import Random

_PRELUDE = """\
from random import Random
class Boom(Exception): pass
class C:
 def __enter__(self): b()
 def __exit__(self, *failure): return b()
def b(): return random.random() < 0.5
def x():
 if random.random() < 0.25: raise Boom
def f():
 v = 0
"""
_END = """\
for n in range(25):
 random = Random(n)
 try: f()
 except Boom: pass
"""
_SIMPLE: tuple[str, ...] = ("x()\n", "pass\n", "v = b()\n")
_ENDS = ("return\n", "return v\n", "if b(): return\n", "raise Boom\n", "if b(): raise Boom\n")
_LEAVES = ("break\n", "continue\n", "if b(): break\n", "if b(): continue\n")


class Leaving:
    """One random function. The flags say what is allowed at this place."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.in_loop = False
        self.in_finally = False

    def block(self, depth: int) -> str:
        """An indented block."""
        return textwrap.indent("".join(self.statement(depth) for _ in range(self.random.randint(1, 2))), " ")

    def statement(self, depth: int) -> str:
        """One statement."""
        simple = _SIMPLE if self.in_finally else _SIMPLE + _ENDS
        simple += _LEAVES if self.in_loop else ()
        if depth == 0 or self.random.random() < 0.25:
            return self.random.choice(simple)
        match self.random.choice(("if", "with", "loop", "handled", "finished", "finished")):
            case "if":
                return f"if b():\n{self.block(depth - 1)}{self.otherwise(depth)}"
            case "with":
                return f"with C():\n{self.block(depth - 1)}"
            case "loop":
                return self.loop(depth)
            case "handled":
                finished = self.finished(depth) if self.random.random() < 0.3 else ""
                handled = f"try:\n{self.block(depth - 1)}except Boom:\n{self.block(depth - 1)}"
                return f"{handled}{self.otherwise(depth)}{finished}"
            case _:
                return f"try:\n{self.block(depth - 1)}{self.finished(depth)}"

    def otherwise(self, depth: int) -> str:
        """An `else`, at times."""
        return f"else:\n{self.block(depth - 1)}" if self.random.random() < 0.3 else ""

    def loop(self, depth: int) -> str:
        """A loop."""
        in_loop, self.in_loop = self.in_loop, True
        body = self.block(depth - 1)
        self.in_loop = in_loop
        return f"{self.random.choice(('while b()', 'for i in range(2)'))}:\n{body}{self.otherwise(depth)}"

    def finished(self, depth: int) -> str:
        """A `finally`, which does not leave itself: later Pythons warn of that."""
        state = self.in_loop, self.in_finally
        self.in_loop, self.in_finally = False, True
        body = self.block(depth - 1)
        self.in_loop, self.in_finally = state
        return f"finally:\n{body}"


def program(seed: int) -> str:
    """A program that calls such a function 25 times."""
    made = Leaving(Random(seed))
    body = "".join(made.statement(3) for _ in range(made.random.randint(1, 2)))
    return _PRELUDE + textwrap.indent(body, " ") + _END
