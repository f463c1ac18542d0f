"""The two renderings of a plan mean the same: the text, parsed again, is the tree that the code object is made from."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import libcst as cst
import pytest

import raceway
from raceway.model import placeholders
from raceway.model.sites import Role
from raceway.transform import code, markers, text
from raceway.transform.facts import Facts
from raceway.transform.forms import plan as make_plan
from raceway.transform.pairing import pair
from tests.transform.failing import failing_programs
from tests.transform.test_cases import CASES, cases, program

PACKAGE = Path(raceway.__file__).parent
LIBRARY = Path(os.__file__).parent
SLICE = (
    "asyncio/locks.py",
    "asyncio/queues.py",
    "concurrent/futures/thread.py",
    "contextlib.py",
    "dataclasses.py",
    "functools.py",
    "queue.py",
    "sched.py",
    "string.py",
    "threading.py",
    "weakref.py",
)
OWN_AND_LIBRARY = [*sorted(PACKAGE.rglob("*.py")), *(LIBRARY / name for name in SLICE)]


class _Readable(ast.NodeTransformer):
    """Spells placeholders as the text does."""

    def __init__(self, marker: bytes) -> None:
        self.marker = marker

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        placeholder = placeholders.parse(self.marker, node.value)
        if placeholder is None:
            return node
        index, role = placeholder
        return ast.Name(f"{role.value}{index}", ast.Load())


def assert_same_meaning(source: bytes) -> None:
    """Statement taps aside, which the text does not show."""
    root, tree = cst.parse_module(source), ast.parse(source)
    pairs = pair(root, tree)
    plan = make_plan(root, Facts())
    plan.taps = [tap for tap in plan.taps if tap.role is not Role.STATEMENT]
    marker = markers.choose(source)
    shown = text.render(root, plan).bytes
    rendered = _Readable(marker).visit(code.render(tree, pairs, plan, marker))
    assert ast.dump(ast.parse(shown)) == ast.dump(rendered)


@pytest.mark.parametrize("path", OWN_AND_LIBRARY, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_renderings_agree(path: Path) -> None:
    assert_same_meaning(path.read_bytes())


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.stem)
def test_renderings_agree_on_the_cases(case: Path) -> None:
    assert_same_meaning(program(case).encode())


@pytest.mark.parametrize("name", failing_programs())
def test_renderings_agree_on_failing_programs(name: str) -> None:
    assert_same_meaning(failing_programs()[name].encode())


@pytest.mark.parametrize(
    "source",
    [
        "(o.x)(o.y)",
        "return_ = o.x if(o.y)else(o.z)",
        "print(o.x)if(yes)else(o.y)",
        "x = not(o.x)",
        "x = o.x[(y := o.y)]",
        "x = [*(o.x)]",
        "f(*(o.x), **(o.y))",
        "f(x for x in(o.x))",
        "assert(o.x),(o.y)",
        "del(o.x), [o.y]",
        "for(o.x)in(o.y): pass",
        "with(o.x)as(o.y): pass",
        "x = (await_, o.x)[o.y]",
        "x = lambda:(o.x)",
        "global g\ng = 1, *o.x",
        "g = h = 1\ndef f():\n    global g, h\n    g = h = yes\n",
        "def f():\n    global g\n    g = yield\n    g = yield o.x\n    g = (yield o.y)\n    g += yield\n",
        "def f():\n    global g\n    g = lambda: (yield)\n    return(yield(o.x))\n",
        "g: tuple = 1, 2\ng = 2, 3",
        "async def f():\n    global g\n    g = await(o.x)\n    return(await o.y).z",
        "g = g2 = f'{o.x}' 'y'\ng = b'x' b'y'",
        "g = 1 .real\ng = (1).real\ng = 1.5 .real\ng = 1j.imag",
        "g = -1\ng = - o.x\ng = ~1 + 2\ng = not 1\n",
        "g = ...\ng = ... .x",
        "if o.x and(o.y)or(not o.z): pass",
        "x = o.x or(o.y)",
        "x = o[o.x:o.y, o.z], o[(o.x)], o[o.x,]",
        "x = o.x if o.y else o.z if o.w else 0",
        "try: pass\nexcept(o.E): pass",
        "class C(o.x, *o.y, k=o.z, **o.w): pass",
        "@o.x\n@(o.y)\n@(x := o.z)\ndef f(): pass",
        "print(o.x, end=o.y, *o.z, **o.w)",
        "x = '%s' % o.x % (o.y,)",
        "o.append(x, )\no.append(* o.x(), )",
        "(o.x).append((o.y()))",
        "x = o .x . y\nx = (o\n  . x\n  .y(\n 1)\n )",
        "if 1:\n  x = o.x; y = o.y;\n",
        "x = {**(o.x), **o.y, o.k: o.v}",
    ],
)
def test_renderings_agree_on_odd_spelling(source: str) -> None:
    if source.startswith(("def", "async")):
        source = f"g = 0\n{source}"
    compile(source, "odd.py", "exec")
    assert_same_meaning(source.encode())


def test_every_case_is_a_program_or_a_later_one() -> None:
    assert {path.suffix for path in CASES.iterdir()} == {".txt"}
