"""Statements: blocks, tests and what they guard, loops, handlers, definitions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import libcst as cst

from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.assignments import store, store_beside
from raceway.transform.awaits import awaited
from raceway.transform.calls import is_function as names_function
from raceway.transform.expressions import iterated, note_suspended, truth_tap
from raceway.transform.flow import CLEAN, Guard, Taint, Wait
from raceway.transform.pairing import children_of
from raceway.transform.plan import Draft
from raceway.transform.planner import Planner
from raceway.transform.polarity import polarity, undecided
from raceway.transform.scopes import Binding, ScopeKind, captured_names
from raceway.transform.source import exits, only_waits, text, waits_once
from raceway.transform.suspensions import awaits_each_round, goes_on_after_await

_MISSING = {
    SiteForm.ITEM: frozenset({"KeyError", "IndexError", "LookupError"}),
    SiteForm.ATTRIBUTE: frozenset({"AttributeError"}),
}
"""What says that there is none."""


def if_(planner: Planner, node: cst.If) -> Taint:
    """`if test:` guards its body; an early exit guards what follows."""
    flow = planner.flow
    current: cst.If | cst.Else | None = node
    pushed = 0
    rest: list[Guard] = []
    while isinstance(current, cst.If):
        reads = planner.visit(current.test) | truth_tap(planner, current, "test", current.test)
        true_absent, false_absent = polarity(planner, current.test)
        either = undecided(planner, current.test, False)
        since = _newest(planner, current.test)
        flow.guards.append(Guard(reads, true_absent, open=undecided(planner, current.test, True), since=since))
        before = dict(flow.env)
        with flow.ways.arm():
            planner.visit_block(current.body)
        leaving = exits(current.body)
        if leaving is not None:
            flow.env = before
        else:
            flow.branch(before)
        flow.guards[-1] = Guard(reads, false_absent, open=either, since=since)
        pushed += 1
        if leaving is not None and not rest and not pushed > 1:
            rest.append(replace(_unless(leaving, reads, false_absent, either), since=since))
        elif current.orelse is not None and isinstance(current.orelse, cst.Else):
            other = exits(current.orelse.body)
            if other is not None:
                rest.append(_unless(other, reads, true_absent))
        current = current.orelse
    if current is not None:
        before = dict(flow.env)
        with flow.ways.arm():
            planner.visit_block(current.body)
        flow.branch(before)
    tested = flow.guards[len(flow.guards) - pushed :]
    del flow.guards[len(flow.guards) - pushed :]
    flow.guards.extend(rest)
    if node.orelse is None and waits_once(node.body):
        flow.waits.append(Wait(tested[0].reads, flow.blocks, flow.clock))
    return CLEAN


def _unless(leaving: cst.CSTNode, reads: Taint, absent: Taint, either: Taint = CLEAN) -> Guard:
    """What follows a test runs as its block was not left by this statement."""
    raises = isinstance(leaving, cst.Raise)
    return Guard(reads, CLEAN if raises else absent, refuses=raises, open=either)


def _newest(planner: Planner, test: cst.CSTNode) -> int:
    """When the newest of the locals that a test names was given its value by a call."""
    if isinstance(test, cst.Name):
        return planner.flow.given.get(test.value, 0)
    return max((_newest(planner, child) for child in children_of(test)), default=0)


def while_(planner: Planner, node: cst.While) -> Taint:
    """`while test:`: each round is a segment of its own; what follows runs because the last test was false."""
    flow, loop = planner.flow, planner.loops
    planner.loops += 1
    flow.switch()
    first = len(planner.plan.drafts)
    reads = planner.visit(node.test) | truth_tap(planner, node, "test", node.test)
    tests, waits = planner.plan.drafts[first:], only_waits(node.body)
    for draft in tests:
        draft.flag, draft.waits = True, waits
    true_absent, false_absent = polarity(planner, node.test)
    segment, awaits = flow.segment, flow.awaits
    flow.guards.append(Guard(reads, true_absent, loops=True))
    if not _loop_body(planner, node.body):
        for draft in tests:  # the last test comes after the last round
            draft.segment += flow.segment - segment
            draft.awaits += flow.awaits - awaits
    flow.guards[-1] = Guard(reads, false_absent, true_absent, over=True)
    _note_end(planner, node, tests, loop)
    if node.orelse is not None:
        planner.visit_block(node.orelse.body)
    return CLEAN


def _note_end(planner: Planner, node: cst.While, tests: list[Draft], loop: int) -> None:
    """Have the end of a loop, the one of this number, say what its last test has read: see `polling`."""
    asked = planner.facts.polls.loops[loop] if planner.facts.polls is not None else ()
    places = dict(_attributes(node.test)) if asked else {}
    for owner, name, attribute in asked:
        place = places.get((owner, name))
        if place is None or attribute.startswith("__") or not _stays(planner, owner):
            continue
        for draft in tests:
            draft.polled |= draft.anchor is place and draft.name == attribute
        planner.polled.setdefault(attribute, set()).add(name)
        if any(draft.waits and draft.polled and draft.anchor is place for draft in tests):
            continue  # the test itself comes after the store
        end = planner.site(SiteForm.ATTRIBUTE, Context.LOAD, Role.BASE, place, place.value, attribute)
        end.flag = end.waits = end.polled = True
        planner.tap(end, Role.BASE, node, "orelse")


def _stays(planner: Planner, name: str) -> bool:
    """Whether what a test has just found by a name is still there: what the test calls may delete it."""
    local = planner.scope.resolve(name) is Binding.LOCAL
    return local or planner.facts.polls is None or name not in planner.facts.polls.unbound


def _attributes(node: cst.CSTNode) -> Iterator[tuple[tuple[str, str], cst.Attribute]]:
    """All `owner.name` in a test."""
    if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name):
        yield (node.value.value, node.attr.value), node
    for child in children_of(node):
        yield from _attributes(child)


def note_polled(planner: Planner) -> None:
    """Once the module has been walked: mark the stores of what its loops ask for, and reads in methods for them."""
    polls = planner.facts.polls
    if polls is None or not planner.polled:
        return
    helpers = {name for names in planner.polled.values() for name in names if polls.only_asked(name)}
    for draft in planner.plan.drafts:
        if draft.form is SiteForm.ATTRIBUTE and draft.name in planner.polled:
            function = draft.function.rpartition(".")[2]
            is_answer = function in helpers and function in planner.polled[draft.name]
            draft.polled |= is_answer or draft.context is not Context.LOAD


def _loop_body(planner: Planner, body: cst.CSTNode) -> bool:
    """Walk a block that may run any number of times; whether it may be left by `break`."""
    flow = planner.flow
    before, breaks, flow.breaks = dict(flow.env), flow.breaks, 0
    with flow.ways.arm():
        planner.visit_block(body)
    flow.branch(before)
    flow.switch()
    broken, flow.breaks = flow.breaks > 0, breaks
    return broken


def break_(planner: Planner, _node: cst.Break) -> Taint:
    """`break` leaves the innermost loop."""
    planner.flow.breaks += 1
    return CLEAN


def for_(planner: Planner, node: cst.For) -> Taint:
    """`for target in S[items]:`."""
    taint = iterated(planner, node, node.iter)
    awaits = planner.flow.awaits
    planner.flow.switch()
    store(planner, node.target, taint, node, None, "body")
    _loop_body(planner, node.body)
    walks_on = node.asynchronous is None and not isinstance(node.iter, (cst.ListComp, cst.SetComp, cst.DictComp))
    if planner.flow.awaits != awaits and walks_on and goes_on_after_await(node.body, planner.flow.is_async):
        each = awaits_each_round(node.body, planner.flow.is_async)
        note_suspended(taint, awaited(node.body) if each else ())
    if node.orelse is not None:
        planner.visit_block(node.orelse.body)
    return CLEAN


def with_(planner: Planner, node: cst.With) -> Taint:
    """`with item as target:`: entering and leaving are calls; early exits of the body guard what follows, too."""
    suppresses = any(_suppresses(item.item) for item in node.items)
    for item in node.items:
        taint = planner.visit(item.item)
        planner.flow.switch()
        if node.asynchronous is not None:
            planner.flow.suspend()
        if item.asname is not None:
            store(planner, item.asname.name, taint, node, None, "body")
    planner.flow.tried += suppresses
    with planner.flow.block():
        planner.visit_children(node.body)
    planner.flow.tried -= suppresses
    planner.flow.switch()
    if node.asynchronous is not None:
        planner.flow.suspend()
    return CLEAN


def _suppresses(item: cst.CSTNode) -> bool:
    """Whether it is `suppress(...)`, which handles exceptions."""
    func = item.func if isinstance(item, cst.Call) else None
    name = func.attr if isinstance(func, cst.Attribute) else func
    return isinstance(name, cst.Name) and name.value == "suppress"


def try_(planner: Planner, node: cst.Try | cst.TryStar) -> Taint:
    """A handler runs because what the body read was not there: its reads guard the handlers. And `else` runs because
    what a handler would have missed was there."""
    flow = planner.flow
    first, before = len(flow.reads), dict(flow.env)
    flow.tried += bool(node.handlers)
    with flow.ways.arm():
        planner.visit_children(node.body)
    flow.tried -= bool(node.handlers)
    tried = frozenset(flow.reads[first:])
    flow.branch(before)
    for handler in node.handlers:
        planner.visit(handler.type)
        if handler.name is not None and isinstance(handler.name.name, cst.Name):
            store_beside(planner, handler.name.name, handler, CLEAN, handler, "body")
        flow.guards.append(Guard(tried, tried))
        before = dict(flow.env)
        with flow.ways.arm():
            planner.visit_block(handler.body)
        if exits(handler.body) is not None:
            flow.env = before
        else:
            flow.branch(before)
        flow.guards.pop()
    if exits(node.body) is not None:  # what follows runs after a handler, or not at all
        flow.guards.append(Guard(tried, tried))
    if node.orelse is not None:
        flow.guards.append(Guard(_found(tried, node.handlers), CLEAN))
        with flow.ways.arm():
            planner.visit_block(node.orelse.body)
        flow.guards.pop()
    if node.finalbody is not None:
        planner.visit_block(node.finalbody.body)
    return CLEAN


def _found(reads: Taint, handlers: Iterable[cst.ExceptHandler | cst.ExceptStarHandler]) -> Taint:
    """The reads, of items or attributes, that were found if none of the handlers ran."""
    types = {name for handler in handlers for name in re.findall(r"\w+", text(handler.type))}
    forms = [form for form, missing in _MISSING.items() if not missing.isdisjoint(types)]
    return frozenset(read for read in reads if read.form in forms)


def match(planner: Planner, node: cst.Match) -> Taint:
    """`match subject:`; patterns are left alone, what they capture comes from the subject."""
    flow = planner.flow
    reads = planner.visit(node.subject) | truth_tap(planner, node, "subject", node.subject)
    for case in node.cases:
        before = dict(flow.env)
        for name in captured_names(case.pattern):
            flow.bind(name, reads)
        flow.guards.append(Guard(reads | planner.visit(case.guard), CLEAN))
        with flow.ways.arm():
            planner.visit_block(case.body)
        flow.guards.pop()
        flow.branch(before)
    return CLEAN


def assert_(planner: Planner, node: cst.Assert) -> Taint:
    """`assert test` is an early exit."""
    planner.flow.guards.append(Guard(planner.visit(node.test), CLEAN, refuses=True))
    planner.visit(node.msg)
    return CLEAN


def function(planner: Planner, node: cst.FunctionDef) -> Taint:
    """Decorators and defaults belong to the scope around; annotations are never touched."""
    for decorator in node.decorators:
        planner.visit(decorator.decorator)
        planner.flow.switch()
    planner.visit(node.params)
    is_method = planner.scope.kind is ScopeKind.CLASS
    is_function = planner.scope.kind is ScopeKind.MODULE and names_function(planner, node.name.value)
    positional = (*node.params.posonly_params, *node.params.params)
    parameters = [one.name.value for one in positional]
    defaults = {one.name.value: planner.flow.path(one.default) for one in positional if one.default is not None}
    with planner.activation(node):
        planner.visit_block(node.body)
        if is_method and parameters:
            planner.helpers.define(node.name.value, parameters, planner.flow)
        elif is_function:
            planner.answers.define(node.name.value, parameters, defaults, planner.flow, planner.scope.is_global)
    return CLEAN


def class_(planner: Planner, node: cst.ClassDef) -> Taint:
    """A class body is an activation of its own."""
    for decorator in node.decorators:
        planner.visit(decorator.decorator)
    outer = planner.scope
    planner.scope = planner.scopes.of[node].parent or outer  # bases see the type parameters
    for base in (*node.bases, *node.keywords):
        planner.visit(base)
    planner.scope = outer
    planner.flow.switch()
    with planner.activation(node):
        planner.visit_block(node.body)
    return CLEAN


def return_(planner: Planner, node: cst.Return) -> Taint:
    """What is returned tells whether a cached value is used."""
    taint = planner.visit(node.value)
    planner.flow.clock += 1
    planner.flow.returns.append((planner.flow.clock, taint))
    planner.flow.told.update(taint, *(guard.reads for guard in planner.flow.guards))
    return CLEAN


def nothing(_planner: Planner, _node: cst.CSTNode) -> Taint:
    """Constructs that are never touched."""
    return CLEAN
