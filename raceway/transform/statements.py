"""Statements: blocks, tests and what they guard, loops, handlers, definitions."""

from __future__ import annotations

import libcst as cst

from raceway.transform.assignments import store, store_beside
from raceway.transform.expressions import iterated, polarity, truth_tap
from raceway.transform.flow import CLEAN, Guard, Taint
from raceway.transform.planner import Planner
from raceway.transform.source import exits


def if_(planner: Planner, node: cst.If) -> Taint:
    """`if test:` guards its body; an early exit guards what follows."""
    flow = planner.flow
    current: cst.If | cst.Else | None = node
    pushed = 0
    rest: list[Guard] = []
    while isinstance(current, cst.If):
        reads = planner.visit(current.test) | truth_tap(planner, current, "test", current.test)
        true_absent, false_absent = polarity(planner, current.test)
        flow.guards.append(Guard(reads, true_absent))
        before = dict(flow.env)
        planner.visit_block(current.body)
        leaving = exits(current.body)
        flow.env = before if leaving is not None else _merged(before, flow.env)
        flow.guards[-1] = Guard(reads, false_absent)
        pushed += 1
        if leaving is not None and not rest and not pushed > 1:
            rest.append(Guard(reads, CLEAN if isinstance(leaving, cst.Raise) else false_absent))
        elif current.orelse is not None and isinstance(current.orelse, cst.Else):
            other = exits(current.orelse.body)
            if other is not None:
                rest.append(Guard(reads, CLEAN if isinstance(other, cst.Raise) else true_absent))
        current = current.orelse
    if current is not None:
        before = dict(flow.env)
        planner.visit_block(current.body)
        flow.env = _merged(before, flow.env)
    del flow.guards[len(flow.guards) - pushed :]
    flow.guards.extend(rest)
    return CLEAN


def _merged(left: dict[str, Taint], right: dict[str, Taint]) -> dict[str, Taint]:
    return {name: left.get(name, CLEAN) | right.get(name, CLEAN) for name in left.keys() | right.keys()}


def while_(planner: Planner, node: cst.While) -> Taint:
    """`while test:`: each round is a segment of its own."""
    planner.flow.switch()
    first = len(planner.plan.drafts)
    reads = planner.visit(node.test) | truth_tap(planner, node, "test", node.test)
    for draft in planner.plan.drafts[first:]:
        draft.loop_test = True
    true_absent, false_absent = polarity(planner, node.test)
    planner.flow.guards.append(Guard(reads, true_absent))
    planner.visit_block(node.body)
    planner.flow.switch()
    planner.flow.guards[-1] = Guard(reads, false_absent)
    if node.orelse is not None:
        planner.visit_block(node.orelse.body)
    planner.flow.guards.pop()
    return CLEAN


def for_(planner: Planner, node: cst.For) -> Taint:
    """`for target in S[items]:`."""
    taint = iterated(planner, node, node.iter)
    planner.flow.switch()
    store(planner, node.target, taint, node, None, "body")
    planner.visit_block(node.body)
    planner.flow.switch()
    if node.orelse is not None:
        planner.visit_block(node.orelse.body)
    return CLEAN


def with_(planner: Planner, node: cst.With) -> Taint:
    """`with item as target:`: entering and leaving are calls."""
    for item in node.items:
        taint = planner.visit(item.item)
        planner.flow.switch()
        if node.asynchronous is not None:
            planner.flow.suspend()
        if item.asname is not None:
            store(planner, item.asname.name, taint, node, None, "body")
    planner.visit_block(node.body)
    planner.flow.switch()
    if node.asynchronous is not None:
        planner.flow.suspend()
    return CLEAN


def try_(planner: Planner, node: cst.Try | cst.TryStar) -> Taint:
    """A handler runs because what the body read was not there: its reads guard the handlers."""
    flow = planner.flow
    first = len(flow.reads)
    planner.visit_block(node.body)
    tried = frozenset(flow.reads[first:])
    for handler in node.handlers:
        planner.visit(handler.type)
        if handler.name is not None and isinstance(handler.name.name, cst.Name):
            store_beside(planner, handler.name.name, handler, CLEAN, handler, "body")
        flow.guards.append(Guard(tried, tried))
        before = dict(flow.env)
        planner.visit_block(handler.body)
        flow.env = before if exits(handler.body) is not None else _merged(before, flow.env)
        flow.guards.pop()
    if node.orelse is not None:
        planner.visit_block(node.orelse.body)
    if node.finalbody is not None:
        planner.visit_block(node.finalbody.body)
    return CLEAN


def match(planner: Planner, node: cst.Match) -> Taint:
    """`match subject:`; patterns are left alone."""
    reads = planner.visit(node.subject) | truth_tap(planner, node, "subject", node.subject)
    planner.flow.guards.append(Guard(reads, CLEAN))
    for case in node.cases:
        planner.visit(case.guard)
        before = dict(planner.flow.env)
        planner.visit_block(case.body)
        planner.flow.env = _merged(before, planner.flow.env)
    planner.flow.guards.pop()
    return CLEAN


def function(planner: Planner, node: cst.FunctionDef) -> Taint:
    """Decorators and defaults belong to the scope around; annotations are never touched."""
    for decorator in node.decorators:
        planner.visit(decorator.decorator)
        planner.flow.switch()
    planner.visit(node.params)
    with planner.activation(node):
        planner.visit_block(node.body)
    return CLEAN


def class_(planner: Planner, node: cst.ClassDef) -> Taint:
    """A class body is an activation of its own."""
    for decorator in node.decorators:
        planner.visit(decorator.decorator)
    for base in (*node.bases, *node.keywords):
        planner.visit(base)
    planner.flow.switch()
    with planner.activation(node):
        planner.visit_block(node.body)
    return CLEAN


def return_(planner: Planner, node: cst.Return) -> Taint:
    """What is returned tells whether a cached value is used."""
    taint = planner.visit(node.value)
    planner.flow.clock += 1
    planner.flow.returns.append((planner.flow.clock, taint))
    return CLEAN


def nothing(_planner: Planner, _node: cst.CSTNode) -> Taint:
    """Constructs that are never touched."""
    return CLEAN
