"""Taps in `assert` statements that pytest rewrites: what it tells of them is the same, and nothing is left untapped."""

from __future__ import annotations

import ast

import libcst as cst
import pytest
from _pytest.assertion.rewrite import rewrite_asserts

from raceway.model import placeholders
from raceway.model.sites import Role
from raceway.transform import code, markers, remade
from raceway.transform.facts import gather
from raceway.transform.forms import plan as make_plan
from raceway.transform.pairing import pair
from tests.transform.twins import FILE, TAPS, line_events, plain_code, recording, run, tapped_code

PROGRAM = """\
import re

class Holder:
    items = [1, 2]
    names = {"a": 1}
    text = ""
    key = "a"

    def get(self, *words, **named):
        return words, named

    def me(self):
        return self

    def __repr__(self):
        return "Holder()"

number = 0

def holders():
    captured = 1
    holder = Holder()
    words, named = [1], {"b": 2}

    def attribute():
        assert holder.items == [1], f"{holder.text}{holder.items[0]}"

    def chain():
        assert holder.me().me().names["a"] > holder.items[0] > holder.items[1]

    def method():
        assert holder.names.get(holder.key, holder.me()) == holder.names.pop("b", holder.items)

    def several_lines():
        assert holder.get(
            holder.items[0],
            *words,
            key=holder.names[holder.key],
            **named,
        ) is (
            holder.text
        )

    def contained():
        assert holder.key not in holder.names and holder.text

    def either():
        assert not holder.names or holder.text or (holder.key == "b" and holder.items) or captured == 2

    def negated():
        assert not holder.items

    def arithmetic():
        assert -holder.items[0] + holder.names["a"] * captured == number + 1

    def walked():
        assert any(item > 2 for item in holder.items if holder.key) or [*holder.items] == sorted(holder.names)

    def counted():
        assert len(holder.items) == len(holder.names) == 3, holder.text

    def named_attribute():
        assert getattr(holder, holder.key, holder.items) is hasattr(holder, holder.key + "b")

    def walrus():
        assert (found := holder.names.get("c", number)) and found

    def conditional():
        assert holder.text if holder.key else holder.items

    def variables():
        nonlocal captured
        global number
        captured, number = captured + 1, number + 1
        assert captured == number, (captured, number)

    def inside():
        assert (lambda: captured + number)() == f"{captured}"

    return [attribute, chain, method, several_lines, contained, either, negated, arithmetic, walked, counted,
            named_attribute, walrus, conditional, variables, inside]

for function in holders():
    try:
        function()
    except AssertionError as error:
        print(function.__name__, type(error), re.sub("0x[0-9a-f]+", "0x", str(error)))
"""


def rewrite(tree: ast.Module) -> None:
    """What pytest does to a test module."""
    rewrite_asserts(tree, PROGRAM.encode(), FILE, None)


@pytest.mark.parametrize("taps", TAPS)
def test_what_is_told_is_the_same(taps: str) -> None:
    plain = plain_code(PROGRAM, rewrite)
    with recording(taps):
        tapped = tapped_code(PROGRAM, taps, rewrite)
        told = run(tapped, PROGRAM)
        events = line_events(tapped, PROGRAM)
    assert told == run(plain, PROGRAM)
    assert told.printed.count("<class 'AssertionError'>") == 15
    assert events == line_events(plain, PROGRAM)


def test_no_tap_is_lost() -> None:
    root, tree = cst.parse_module(PROGRAM), ast.parse(PROGRAM)
    pairs = pair(root, tree)
    plan = make_plan(root, gather(tree))
    planned = list(plan.taps)
    remade.finish(tree, pairs, plan, rewrite)
    assert plan.taps == planned
    marker = markers.choose(PROGRAM.encode())
    rendered = ast.walk(code.render(tree, pairs, plan, marker))
    spelled = {placeholders.parse(marker, node.value) for node in rendered if isinstance(node, ast.Constant)}
    assert {(tap.draft.index, tap.role) for tap in planned} == spelled - {None}
    assert any(tap.role is Role.KEY for tap in planned)


def test_sites_whose_place_is_gone_are_left_out() -> None:
    source = "def look(one, other):\n    assert one.key in other.items\n    return one.key\n"
    root, tree = cst.parse_module(source), ast.parse(source)
    pairs = pair(root, tree)
    plan = make_plan(root, gather(tree))

    def move(tree: ast.Module) -> None:
        function = tree.body[0]
        assert isinstance(function, ast.FunctionDef)
        found = function.body[0]
        assert isinstance(found, ast.Assert)
        assert isinstance(found.test, ast.Compare)
        other = ast.copy_location(
            ast.Compare(found.test.left, found.test.ops, [ast.copy_location(ast.Constant("key"), found)]), found
        )
        function.body[0] = ast.copy_location(ast.Expr(other), found)

    remade.finish(tree, pairs, plan, move)
    assert [(tap.draft.name, tap.draft.base) for tap in plan.taps] == [("key", "one"), ("key", "one")]
