"""Expressions that have inner taps only, and those that change the flow: await, lambda, comprehensions, operators."""

from __future__ import annotations

import libcst as cst

from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.accesses import structure_paths, walk_tap
from raceway.transform.assignments import store
from raceway.transform.awaits import awaited
from raceway.transform.flow import CLEAN, Guard, Taint
from raceway.transform.planner import Planner
from raceway.transform.polarity import polarity
from raceway.transform.source import tappable

_QUIET_CALLS = frozenset("range enumerate zip sorted reversed list tuple set dict map filter iter frozenset".split())
_VIEWS = frozenset("items keys values".split())


def binary(planner: Planner, node: cst.BinaryOperation) -> Taint:
    """A chain of operators; the left spine is walked without recursion, as sums of hundreds of terms exist."""
    spine: list[cst.BinaryOperation] = []
    current: cst.CSTNode = node
    while isinstance(current, cst.BinaryOperation):
        spine.append(current)
        current = current.left
    taint = planner.visit(current)
    for operation in reversed(spine):
        taint |= planner.visit(operation.right)
        if isinstance(operation.operator, (cst.Add, cst.Subtract)):
            planner.flow.measured |= taint
    return planner.flow.works.on(taint)


def boolean(planner: Planner, node: cst.BooleanOperation) -> Taint:
    """`a and b`: b runs under the test of a."""
    taint = planner.visit(node.left) | truth_tap(planner, node.left, "", node.left)
    true_absent, false_absent = polarity(planner, node.left)
    absent = true_absent if isinstance(node.operator, cst.And) else false_absent
    planner.flow.guards.append(Guard(taint, absent))
    first = len(planner.flow.reads)
    with planner.flow.ways.arm():
        taint |= planner.visit(node.right)
    for read in planner.flow.reads[first:]:
        read.passed_by = True
    planner.flow.guards.pop()
    return taint


def truth_tap(planner: Planner, node: cst.CSTNode, field: str, operand: cst.CSTNode) -> Taint:
    """`if o.items:` reads the structure of a container; of `a and b` it is `b` that is still to be asked."""
    if isinstance(operand, cst.BooleanOperation):
        return truth_tap(planner, operand.right, "", operand.right)
    if not isinstance(operand, (cst.Attribute, cst.Subscript, cst.Name)) or not tappable(operand):
        return CLEAN
    if isinstance(operand, cst.Attribute) and operand.attr.value in planner.facts.scalars:
        return CLEAN
    draft = planner.site(SiteForm.FUNCTION, Context.CALL, Role.BASE, operand, operand, "bool")
    planner.tap(draft, Role.BASE, node, field)
    return planner.flow.read(draft, *structure_paths(planner, operand))


def unary(planner: Planner, node: cst.UnaryOperation) -> Taint:
    """`not o.items` tests the structure; other operators have inner taps only."""
    taint = planner.visit(node.expression)
    if isinstance(node.operator, cst.Not):
        taint |= truth_tap(planner, node, "operand", node.expression)
    return taint


def if_expression(planner: Planner, node: cst.IfExp) -> Taint:
    """`a if test else b`."""
    test = planner.visit(node.test) | truth_tap(planner, node, "test", node.test)
    true_absent, false_absent = polarity(planner, node.test)
    planner.flow.guards.append(Guard(test, true_absent))
    with planner.flow.ways.arm():
        taint = planner.visit(node.body)
    planner.flow.guards[-1] = Guard(test, false_absent)
    with planner.flow.ways.arm():
        taint |= planner.visit(node.orelse)
    planner.flow.guards.pop()
    return taint | test


def awaiting(planner: Planner, node: cst.Await) -> Taint:
    """`await x` lets other tasks run."""
    planner.awaited = node.expression
    taint = planner.visit(node.expression)
    planner.flow.awaited.update(one for one in taint if one.anchor is node.expression)
    planner.flow.links.note(node, planner.flow.guards, CLEAN, awaited=True)
    planner.flow.suspend()
    return taint


def yielding(planner: Planner, node: cst.Yield) -> Taint:
    """`yield x`, `yield from S[x]`."""
    if isinstance(node.value, cst.From):
        operand = node.value.item
        planner.visit(operand)
        if not isinstance(operand, cst.Call):
            for walk in walk_tap(planner, node, "value", operand):
                walk.spans = True  # whoever drives the generator runs between the steps
    else:
        planner.visit(node.value)
    planner.flow.give()
    return CLEAN


def formatted(planner: Planner, node: cst.FormattedStringExpression) -> Taint:
    """`f"{S[x]}"`: what is formatted is walked over; `{x=}` prints its own source, so it is left alone."""
    if node.equal is not None:
        return CLEAN
    taint = planner.visit(node.expression)
    if isinstance(node.expression, (cst.Name, cst.Attribute, cst.Subscript)) and tappable(node.expression):
        draft = planner.site(SiteForm.FUNCTION, Context.CALL, Role.BASE, node.expression, node.expression, "format")
        planner.tap(draft, Role.BASE, node, "value")
        taint |= planner.flow.read(draft, *structure_paths(planner, node.expression))
    for part in node.format_spec or ():
        taint |= planner.visit(part)
    return taint


def starred(planner: Planner, node: cst.StarredElement) -> Taint:
    """`[*S[x]]`."""
    taint = planner.visit(node.value)
    return taint | walk_tap(planner, node, "value", node.value, like="list")


def set_display(planner: Planner, node: cst.Set) -> Taint:
    """`{a, *S[x]}`."""
    taint = CLEAN
    for element in node.elements:
        taint |= planner.visit(element.value)
        if isinstance(element, cst.StarredElement):
            taint |= walk_tap(planner, element, "value", element.value, like="set")
    return taint


def dictionary(planner: Planner, node: cst.Dict) -> Taint:
    """`{**S[x]}`."""
    taint = CLEAN
    for index, element in enumerate(node.elements):
        if isinstance(element, cst.DictElement):
            taint |= planner.visit(element.key)
        taint |= planner.visit(element.value)
        if isinstance(element, cst.StarredDictElement):
            taint |= walk_tap(planner, node, "values", element.value, index, "dict")
    return taint


def argument(planner: Planner, node: cst.Arg) -> Taint:
    """An argument of a class definition: `class C(*S[bases])`."""
    taint = planner.visit(node.value)
    return taint | walk_tap(planner, node, "value", node.value) if node.star == "*" else taint


def lambda_(planner: Planner, node: cst.Lambda) -> Taint:
    """Defaults belong to the scope around, the body to the lambda's own activation."""
    planner.visit(node.params)
    first = len(planner.plan.drafts)
    with planner.activation(node):
        planner.visit(node.body)
    if node in planner.conditions:
        for draft in planner.plan.drafts[first:]:
            draft.flag = draft.waits = True
    return CLEAN


def comprehension(planner: Planner, node: cst.ListComp | cst.SetComp | cst.DictComp | cst.GeneratorExp) -> Taint:
    """The first iterable belongs to the scope around; the rest is a loop in a scope of its own."""
    first, awaits = node.for_in, planner.flow.awaits
    taint = iterated(planner, first, first.iter)
    outer, env, versions = planner.scope, dict(planner.flow.env), dict(planner.flow.versions)
    planner.scope = planner.scopes.of[node]
    planner.flow.switch()
    with planner.flow.ways.arm():
        taint |= _rounds(planner, node, taint)
    planner.flow.switch()
    if planner.flow.awaits != awaits:
        first_only = not first.ifs and first.inner_for_in is None
        note_suspended(taint, awaited(node) if first_only else ())
    planner.scope, planner.flow.env, planner.flow.versions = outer, env, versions
    return taint


def _rounds(
    planner: Planner, node: cst.ListComp | cst.SetComp | cst.DictComp | cst.GeneratorExp, taint: Taint
) -> Taint:
    clause: cst.CompFor | None = node.for_in
    while clause is not None:
        if clause is not node.for_in:
            taint |= iterated(planner, clause, clause.iter)
        store(planner, clause.target, taint, clause)
        for part in clause.ifs:
            taint |= planner.visit(part.test)
        clause = clause.inner_for_in
    for element in (node.key, node.value) if isinstance(node, cst.DictComp) else (node.elt,):
        taint |= planner.visit(element)
    return taint


def note_suspended(walked: Taint, rounds: tuple[str, ...]) -> None:
    """An await lies between the steps of a walk, for what has these names if there is one in each round."""
    for draft in walked:
        draft.suspends |= draft.spans
        draft.rounds = rounds if draft.suspends else ()


def iterated(planner: Planner, node: cst.For | cst.CompFor, operand: cst.BaseExpression) -> Taint:
    """The operand of a loop, tapped unless it is made on the spot or async."""
    taint = planner.visit(operand)
    if node.asynchronous is not None:
        planner.flow.suspend()
        return taint
    if isinstance(operand, cst.Call):
        func = operand.func
        if isinstance(func, cst.Name) and func.value in _QUIET_CALLS:
            return taint
        if isinstance(func, cst.Attribute) and func.attr.value in _VIEWS:
            return taint
    walked = walk_tap(planner, node, "iter", operand)
    for draft in walked:
        draft.spans = True  # the body runs between the steps
    return taint | walked
