"""Loops that wait for what others count: their taps, where they end, are on no line that a tracer would not see."""

from __future__ import annotations

import itertools
import textwrap
from random import Random

from tests.transform.twins import line_events, plain_code, run, tapped_code

_PRELUDE = """\
class Tank:
    def __init__(self): self.level = 0; self.full = False; self.high = 5; self.parts = [1]
    def takes(self): return self.level < 3
def fill(o): setattr(o, chr(108) + "evel", o.level + 1)
def f(o, a=1, b=0):
"""
_END = "f(Tank())\n"
_TESTS = (
    "o.level < 3", "not o.level >= 3", "(\n o.level\n < 3\n )", "(\n not\n o.full\n and o.level < 3\n )", "o.takes()",
    "o.\\\n level < 3", "(a\n and o.level < 3)", "(o.level < o.high\n and o.level\n < 4)", "(0 <=\n o.level\n < 3)",
    "(o\n .parts and o.level < 3)", "(o.parts\n and o.level < 3)", "not (o.level >= 3 or 0)",
    "(o.level < 3 if a else o.level < 4)", "(o.level < 3 if a\n else o.level < 4)", "(not o.level >= 3\n or 0)",
)  # fmt: skip
_BODIES = (
    "fill(o)\n", "if o.level > 1: break\nfill(o)\n", "fill(o)\nif a: continue\nb = 1\n",
    "try: fill(o)\nfinally: b += 1\n",
)  # fmt: skip
_ENDS = ("", "else:\n  b = 2\n", "b = 3\n", "return b\n", "if b: b = 4\n")
_AROUND = (
    "{0}", "if a:\n{1}", "for _ in range(2):\n{1}", "try:\n{1}finally:\n  b = 5\n",
    "try: {{}}[0]\nexcept KeyError:\n{1}", "while b < 1:\n  b += 1\n{1}", "try:\n{1}except KeyError: pass\n",
)  # fmt: skip
PROGRAMS = 150


def _programs() -> list[str]:
    every = list(itertools.product(_TESTS, _BODIES, _ENDS, _AROUND))
    return [_program(*Random(7).sample(every, PROGRAMS)[place]) for place in range(PROGRAMS)]


def _program(test: str, body: str, end: str, around: str) -> str:
    loop = f"while {test}:\n{textwrap.indent(body, '  ')}{end}"
    function = around.format(loop, textwrap.indent(loop, "  "))
    return _PRELUDE + textwrap.indent(function, " ") + _END


def test_a_tracer_sees_the_same_lines(taps: str) -> None:
    for program in _programs():
        assert line_events(tapped_code(program, taps), program) == line_events(plain_code(program), program), program


def test_the_programs_run() -> None:
    programs = _programs()
    assert [program for program in programs if run(plain_code(program), program).raised] == []
    assert len(set(programs)) == PROGRAMS

