"""Taps on names, attributes, subscripts and membership tests: the reads."""

from __future__ import annotations

import libcst as cst

from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.flow import CLEAN, STRUCTURE, Taint
from raceway.transform.plan import Draft
from raceway.transform.planner import Planner
from raceway.transform.source import literal, tappable, walkable

_EQUAL = (cst.Equal, cst.NotEqual, cst.Is, cst.IsNot)
_ORDER = (cst.LessThan, cst.LessThanEqual, cst.GreaterThan, cst.GreaterThanEqual)
_NEXT_TO_NOTHING = frozenset({"0", "1"})


def name(planner: Planner, node: cst.Name) -> Taint:
    """A plain name: a tap when it is a rebound global or captured variable, else the reads its local carries."""
    binding = planner.watched(node.value)
    if binding is None:
        return planner.flow.env.get(node.value, CLEAN)
    draft = planner.variable(node, binding, Context.LOAD)
    planner.tap(draft, Role.VALUE, node, "")
    return planner.flow.read(draft, planner.flow.path(node))


def attribute(planner: Planner, node: cst.Attribute) -> Taint:
    """`o.x` read: `S[o].x`."""
    taint = planner.visit(node.value)
    taint |= planner.helpers.called(planner.flow, node, node.attr.value, node.value)
    if not tappable(node.value):
        return taint
    draft = planner.site(SiteForm.ATTRIBUTE, Context.LOAD, Role.BASE, node, node.value, planner.mangle(node.attr.value))
    planner.tap(draft, Role.BASE, node, "value")
    return taint | planner.flow.read(draft, planner.flow.path(node))


def subscript(planner: Planner, node: cst.Subscript) -> Taint:
    """`d[k]` read."""
    draft, taint = subscript_site(planner, node, Context.LOAD)
    taint |= planner.helpers.called(planner.flow, node, "__getitem__", node.value)
    if draft is None:
        return taint
    return taint | planner.flow.read(draft, *subscript_paths(planner, node, draft))


def subscript_site(planner: Planner, node: cst.Subscript, context: Context) -> tuple[Draft | None, Taint]:
    """The operands of `d[k]` walked and tapped; the caller says what is done with the place."""
    taint = planner.visit(node.value)
    for element in node.slice:
        planner.visit_children(element)
    if not tappable(node.value):
        return None, taint
    key = single_key(node)
    literal_key = literal(key) if key is not None else ""
    commit = Role.BASE
    if context is Context.AUGMENT:
        commit = Role.VALUE
    elif key is not None and not literal_key:
        commit = Role.KEY
    draft = planner.site(SiteForm.ITEM, context, commit, node, node.value)
    planner.tap(draft, Role.BASE, node, "value")
    if key is not None:
        planner.key_tap(draft, node, "slice", -1, key)
    return draft, taint


def single_key(node: cst.Subscript) -> cst.CSTNode | None:
    """The key expression of a subscript, None for slices and starred tuples (they address the structure)."""
    indices = [element.slice for element in node.slice]
    if not all(isinstance(index, cst.Index) and not index.star for index in indices):
        return None
    first = indices[0]
    if len(indices) == 1 and isinstance(first, cst.Index) and not isinstance(node.slice[0].comma, cst.Comma):
        return first.value
    return node


def subscript_paths(planner: Planner, node: cst.Subscript, draft: Draft) -> tuple[str, ...]:
    """The item's path, and the structure's when there is no key."""
    return (planner.flow.path(node),) if draft.keyed else structure_paths(planner, node.value)


def structure_paths(planner: Planner, container: cst.CSTNode) -> tuple[str, ...]:
    """The path of a container's structure, if it has one."""
    path = planner.flow.path(container)
    return (path + STRUCTURE,) if path else ()


def comparison(planner: Planner, node: cst.Comparison) -> Taint:
    """`k in d`: `K[k] in S[d]`; other comparisons have inner taps only."""
    taint = planner.visit(node.left)
    for target in node.comparisons:
        taint |= planner.visit(target.comparator)
    target = node.comparisons[0]
    if isinstance(target.operator, _EQUAL):
        planner.flow.equated |= taint
        if not (literal(node.left) or literal(target.comparator)):
            planner.flow.matched |= taint
    sides = {literal(node.left), literal(target.comparator)}
    if isinstance(target.operator, _ORDER) and sides.isdisjoint(_NEXT_TO_NOTHING):
        planner.flow.measured |= taint
    container = target.comparator
    if len(node.comparisons) != 1 or not isinstance(target.operator, (cst.In, cst.NotIn)) or not walkable(container):
        return taint
    taint |= planner.helpers.called(planner.flow, node, "__contains__", container)
    draft = planner.site(SiteForm.CONTAINS, Context.LOAD, Role.BASE, node, container)
    planner.key_tap(draft, node, "left", -1, node.left)
    planner.tap(draft, Role.BASE, node, "comparators", 0)
    paths = (planner.flow.item_path(container, node.left), *structure_paths(planner, container))
    return taint | planner.flow.read(draft, *paths)


def walk_tap(
    planner: Planner, node: cst.CSTNode, field: str, operand: cst.CSTNode, index: int = -1, like: str = ""
) -> Taint:
    """A tap on an operand that is iterated over; `like` is the built-in function that does the same to it, if any."""
    if not walkable(operand) or planner.is_module(operand):
        return CLEAN
    if isinstance(operand, cst.Name) and planner.scope.is_packed(operand.value):
        return CLEAN
    draft = planner.site(SiteForm.ITERATE, Context.LOAD, Role.BASE, operand, operand, like)
    planner.tap(draft, Role.BASE, node, field, index)
    return planner.flow.read(draft, *structure_paths(planner, operand))
