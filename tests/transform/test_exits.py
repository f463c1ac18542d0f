"""Functions that end in a `finally`, a handler or a loop: with taps of functions a tracer sees what it saw."""

from __future__ import annotations

import argparse
import dis
import sys
import tarfile
import textwrap
import typing
from dataclasses import replace
from types import CodeType, ModuleType
from typing import Any

import pytest

from raceway.transform.assembly import Step, assembled, parsed
from tests.transform.leaving import program
from tests.transform.twins import NATIVE, TAPS, line_events, nested, plain_code, run, tapped_code

copied = pytest.mark.skipif(sys.version_info >= (3, 13), reason="the compiler makes these copies itself")

_PRELUDE = """\
left = 0
class Boom(Exception): pass
class C:
 def __enter__(self): b()
 def __exit__(self, *failure): return b()
def b():
 global left
 left, bit = divmod(left, 2)
 return bit > 0
def x():
 if b(): raise Boom
def f():
"""
_END = """\
for n in range(32):
 left = n
 try: print(f())
 except Boom: print("boom")
"""

BODIES = {
    "a test in a finally": """\
        try: x()
        finally:
         if b():
          x()
        """,
    "a with in a finally": """\
        try: x()
        finally:
         with C():
          x()
        """,
    "a loop in a finally": """\
        try: x()
        finally:
         while b():
          x()
        """,
    "a try in a finally": """\
        try: x()
        finally:
         try: x()
         except Boom: x()
        """,
    "a test in a handler in a finally": """\
        try: x()
        finally:
         try:
          x()
         except Boom:
          if b():
           x()
        """,
    "a finally in a handler": """\
        try: x()
        except Boom:
         try: x()
         finally:
          if b():
           pass
        """,
    "a loop in a finally in a handler": """\
        try: x()
        except Boom:
         try:
          x()
         finally:
          while b():
           x()
        """,
    "a loop that is left in a handler in a finally": """\
        try: pass
        finally:
         try:
          x()
         except Boom:
          for i in range(2):
           if b(): break
        """,
    "a return through a finally": """\
        try:
         return b()
        finally:
         try:
          x()
         except Boom:
          pass
          x()
        """,
    "a return of a value out of a loop": """\
        for i in range(2):
         try:
          return b()
         finally:
          with C():
           x()
        """,
    "a return out of a loop": """\
        for i in range(2):
         try:
          try:
           return
          finally:
           x()
         finally:
          with C():
           x()
        """,
    "a loop that is left where it ends in a finally": """\
        try: x()
        finally:
         for i in range(2):
          if b(): continue
          break
        """,
    "a statement after it": """\
        try:
         x()
        finally:
         if b():
          pass
        pass
        """,
    "a return after it": """\
        try:
         x()
        finally:
         if b():
          pass
        if b():
         return
        return
        """,
    "a handler in a loop": """\
        while b():
         try:
          try:
           raise Boom
          finally:
           x()
         except Boom:
          x()
        """,
    "a generator": """\
        def g():
         try:
          yield b()
         finally:
          if b():
           x()
        return list(g())
        """,
}


def leading(body: str) -> str:
    """A program that takes all ways through the body."""
    return _PRELUDE + textwrap.indent(textwrap.dedent(body), " ") + _END


@pytest.mark.parametrize("name", BODIES)
def test_a_tracer_sees_the_same_lines(name: str, taps: str) -> None:
    source = leading(BODIES[name])
    assert line_events(tapped_code(source, taps), source) == line_events(plain_code(source), source)


@pytest.mark.parametrize("name", BODIES)
def test_it_does_the_same(name: str, taps: str) -> None:
    source = leading(BODIES[name])
    assert run(tapped_code(source, taps), source) == run(plain_code(source), source)


@pytest.mark.skipif(NATIVE not in TAPS, reason="the native core is not built")
@pytest.mark.parametrize("seed", range(60))
def test_a_tracer_sees_the_same_lines_of_random_functions(seed: int) -> None:
    source = program(seed)
    assert line_events(tapped_code(source, NATIVE), source) == line_events(plain_code(source), source)


@pytest.mark.skipif(NATIVE not in TAPS, reason="the native core is not built")
def test_ways_that_are_far() -> None:
    """The copies are farther away than one byte tells."""
    far = "try: x()\nfinally:\n if b():\n  x()\n  " + "; ".join(f"v{n} = {n}" for n in range(400)) + "\n"
    for body in (far, f"if b():\n{textwrap.indent(far, ' ')}else:\n{textwrap.indent(far, ' ')}"):
        source = leading(body)
        assert line_events(tapped_code(source, NATIVE), source) == line_events(plain_code(source), source)


@copied
@pytest.mark.parametrize("module", [argparse, tarfile, typing], ids=lambda module: str(module.__name__))
def test_code_is_put_together_as_it_was(module: ModuleType) -> None:
    assert module.__file__ is not None
    with open(module.__file__, "rb") as file:
        code = compile(file.read(), module.__file__, "exec")
    assert [looks(assembled(one, *parsed(one))) for one in nested(code)] == [looks(one) for one in nested(code)]


@copied
def test_steps_may_come_between() -> None:
    source = "def f(n):\n while n:\n  try: n = n - 1\n  except TypeError: return 'no'\n return n\n"
    names: dict[str, Any] = {}
    exec(plain_code(source), names)
    code = names["f"].__code__
    steps, rows = parsed(code)
    idle = [Step(dis.opmap["NOP"], 0, 0, (2, 2, 1, 5)) for _ in range(300)]
    names["f"].__code__ = assembled(code, [one for step in steps for one in (step, *map(replace, idle))], rows)
    assert len(names["f"].__code__.co_code) > 600 * len(steps)
    assert (names["f"](3), names["f"]("text")) == (0, "no")


def looks(code: CodeType) -> tuple[object, ...]:
    """What is written anew of a code object."""
    return code.co_code, code.co_exceptiontable, list(code.co_positions()), list(code.co_lines())
