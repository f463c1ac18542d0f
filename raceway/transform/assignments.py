"""Taps on everything that stores or deletes: assignments, augmented ones, targets, walrus, del."""

from __future__ import annotations

import libcst as cst

from raceway.model.kinds import RegionKind
from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.accesses import single_key, structure_paths, subscript_paths, subscript_site, walk_tap
from raceway.transform.flow import CLEAN, Guard, Taint
from raceway.transform.plan import Draft
from raceway.transform.planner import Planner, local_name
from raceway.transform.polarity import keep_answer, replaced
from raceway.transform.scopes import Binding
from raceway.transform.source import literal, mangle, tappable


def assign(planner: Planner, node: cst.Assign) -> Taint:
    """`a = b = value`: the value first, then the targets from left to right."""
    taint = planner.visit(node.value)
    absent = replaced(planner, node.value)
    for target in node.targets:
        if absent and not _is_plain_local(planner, target.target):
            planner.flow.guards.append(Guard(absent, absent))
            _assigned(planner, node, target.target, node.value, taint - absent)
            planner.flow.guards.pop()
        else:
            _assigned(planner, node, target.target, node.value, taint)
    return CLEAN


def _is_plain_local(planner: Planner, target: cst.CSTNode) -> bool:
    return isinstance(target, cst.Name) and planner.watched(target.value) is None


def annotated(planner: Planner, node: cst.AnnAssign) -> Taint:
    """`a: T = value`; without a value nothing is stored."""
    if node.value is None:
        if not isinstance(node.target, cst.Name):
            planner.visit_children(node.target)
        return CLEAN
    taint = planner.visit(node.value)
    _assigned(planner, node, node.target, node.value, taint)
    return CLEAN


def _assigned(planner: Planner, node: cst.CSTNode, target: cst.CSTNode, value: cst.CSTNode, taint: Taint) -> None:
    if isinstance(target, cst.Name):
        _store_name(planner, node, "value", target, value, taint)
    elif isinstance(target, (cst.Tuple, cst.List)):
        if isinstance(node, cst.Assign) and len(node.targets) == 1:
            walk_tap(planner, node, "value", value)
        if isinstance(value, cst.Tuple) and _aligned(target, value):
            for left, right in zip(target.elements, value.elements, strict=True):
                own = planner.taints.get(right.value, CLEAN)
                # What is swapped depends on both sides; a local, or a value that reads nothing, does not.
                store(planner, left.value, own if not own or isinstance(left.value, cst.Name) else taint, node)
        else:
            store(planner, target, taint, node)
    else:
        store(planner, target, taint, node, value)


def _aligned(target: cst.Tuple | cst.List, value: cst.Tuple) -> bool:
    """Whether `a, b = b, a` tells which value goes where."""
    elements = (*target.elements, *value.elements)
    starred = any(isinstance(element, cst.StarredElement) for element in elements)
    return not starred and len(target.elements) == len(value.elements)


def _store_name(
    planner: Planner, node: cst.CSTNode, field: str, target: cst.Name, value: cst.CSTNode, taint: Taint
) -> None:
    """`g = G[value]` for a watched name; a local only carries the taint on."""
    binding = planner.watched(target.value)
    if binding is not None:
        draft = planner.variable(target, binding, Context.STORE)
        draft.literal = literal(value)
        planner.tap(draft, Role.VALUE, node, field)
        planner.flow.write(draft, taint, planner.flow.path(target))
        planner.answers.stored(planner.flow, draft, taint)
    elif planner.scope.resolve(target.value) in (Binding.LOCAL, Binding.CELL, Binding.CLASS):
        planner.flow.bind(target.value, taint)
        if isinstance(value, (cst.Call, cst.Await)):
            planner.flow.given[target.value] = planner.flow.clock
        keep_answer(planner, target.value, value)


def store(
    planner: Planner,
    target: cst.CSTNode,
    taint: Taint,
    statement: cst.CSTNode,
    value: cst.CSTNode | None = None,
    where: str = "after",
) -> None:
    """One target of an unpacking, a loop, a `with` or an `import`; `where` is for names that need a statement tap."""
    if isinstance(target, cst.Name):
        if isinstance(statement, cst.CompFor):
            planner.flow.bind(target.value, taint)
        else:
            store_beside(planner, target, target, taint, statement, where)
    elif isinstance(target, cst.Attribute):
        _store_attribute(planner, target, taint, Context.STORE, value)
    elif isinstance(target, cst.Subscript):
        _store_item(planner, target, taint, Context.STORE, value)
    elif isinstance(target, (cst.Tuple, cst.List)):
        for element in target.elements:
            store(planner, element.value, taint, statement, None, where)
    elif isinstance(target, cst.StarredElement):
        store(planner, target.value, taint, statement, None, where)


def store_beside(
    planner: Planner, target: cst.Name, anchor: cst.CSTNode, taint: Taint, statement: cst.CSTNode, where: str
) -> None:
    """A name that a statement binds without an expression to tap: the tap is a statement, `anchor` has the position."""
    binding = planner.watched(target.value)
    if binding is None:
        planner.flow.bind(target.value, taint)
        return
    draft = planner.variable(target, binding, Context.STORE)
    draft.anchor = anchor
    draft.commit = Role.STATEMENT
    planner.tap(draft, Role.STATEMENT, statement, where)
    planner.flow.write(draft, taint, planner.flow.path(target))


def _store_attribute(
    planner: Planner, target: cst.Attribute, taint: Taint, context: Context, value: cst.CSTNode | None
) -> None:
    planner.visit(target.value)
    if not tappable(target.value):
        return
    name = planner.mangle(target.attr.value)
    draft = planner.site(SiteForm.ATTRIBUTE, context, Role.BASE, target, target.value, name)
    draft.literal = literal(value)
    draft.flag = isinstance(value, cst.Lambda)
    draft.brought = local_name(planner, value)
    planner.tap(draft, Role.BASE, target, "value")
    planner.helpers.stored(planner.flow, target, name, taint)
    planner.flow.write(draft, taint, planner.flow.path(target))
    planner.helpers.answered(planner.flow, draft, taint)
    planner.answers.stored(planner.flow, draft, taint)


def _store_item(
    planner: Planner, target: cst.Subscript, taint: Taint, context: Context, value: cst.CSTNode | None
) -> None:
    draft, _operands = subscript_site(planner, target, context)
    _call_of_item(planner, target, taint, "__delitem__" if context is Context.DELETE else "__setitem__", value)
    if draft is not None:
        draft.literal = literal(value)
        draft.counted = context is Context.DELETE and _is_counted(target)
        draft.brought = local_name(planner, value)
        draft.fails = context is Context.DELETE and not planner.flow.tried
        paths = (*subscript_paths(planner, target, draft), *structure_paths(planner, target.value))
        planner.flow.write(draft, taint, *paths)
        planner.helpers.answered(planner.flow, draft, taint)
        planner.answers.stored(planner.flow, draft, taint)


def _call_of_item(
    planner: Planner, target: cst.Subscript, taint: Taint, name: str, value: cst.CSTNode | None = None
) -> None:
    """The method of the program, if it has one, that stores or deletes an item, made of what depends on `taint`."""
    operands = single_key(target), value
    known = [(place, local_name(planner, one)) for place, one in enumerate(operands)]
    bound: dict[int | str, int] = {place: planner.flow.bound.get(one, 0) for place, one in known if one}
    planner.helpers.called(planner.flow, target, name, target.value, bound)
    planner.helpers.passed(planner.flow, target, name, target.value, taint)


def _is_counted(target: cst.Subscript) -> bool:
    """Whether `x[:n]` is meant, for a number that a local has: what comes after that stays."""
    index = target.slice[0].slice
    return isinstance(index, cst.Slice) and index.step is None and isinstance(index.upper, cst.Name)


def augmented(planner: Planner, node: cst.AugAssign) -> Taint:
    """`target += value`: one read-modify-write, recorded when the value is there.

    With an await in the value it is two accesses: a read, and a write that depends on it.
    """
    target, before = node.target, CLEAN
    if isinstance(target, cst.Name):
        return _augmented_name(planner, node, target)
    if isinstance(target, cst.Attribute):
        planner.visit(target.value)
        if not tappable(target.value):
            return planner.visit(node.value)
        name = planner.mangle(target.attr.value)
        draft = planner.site(SiteForm.ATTRIBUTE, Context.AUGMENT, Role.VALUE, target, target.value, name)
        planner.tap(draft, Role.BASE, target, "value")
    elif isinstance(target, cst.Subscript):
        found, _taint = subscript_site(planner, target, Context.AUGMENT)
        before = planner.helpers.called(planner.flow, target, "__getitem__", target.value)
        if found is None:
            return planner.visit(node.value)
        draft = found
    else:
        return planner.visit_children(node)
    segment, awaits = planner.flow.segment, planner.flow.awaits
    taint = planner.visit(node.value)
    draft.spans = planner.flow.segment != segment
    planner.tap(draft, Role.VALUE, node, "value")
    planner.flow.reads.append(draft)
    if isinstance(target, cst.Attribute):
        planner.helpers.updated(draft.name, target, planner.flow.awaits != awaits)
    else:
        _call_of_item(planner, target, before | taint, "__setitem__")
    if planner.flow.awaits != awaits:
        _read_before(planner, draft, target)
    paths = (
        subscript_paths(planner, target, draft) if isinstance(target, cst.Subscript) else (planner.flow.path(target),)
    )
    planner.flow.write(draft, taint, *paths)
    planner.helpers.answered(planner.flow, draft, taint)
    return CLEAN


def _read_before(planner: Planner, draft: Draft, target: cst.Attribute | cst.Subscript) -> None:
    """The read of an attribute or item that an augmented assignment makes before it awaits its value."""
    read = planner.site(draft.form, Context.LOAD, Role.BASE, target, target.value, draft.name)
    planner.tap(read, Role.BASE, target, "value")
    if isinstance(target, cst.Subscript) and (key := single_key(target)) is not None:
        read.commit = Role.BASE if literal(key) else Role.KEY
        planner.key_tap(read, target, "slice", -1, key)
    draft.add_region(read, RegionKind.VALUE, spans=True, awaits=True)


def _augmented_name(planner: Planner, node: cst.AugAssign, target: cst.Name) -> Taint:
    binding = planner.watched(target.value)
    segment, awaits = planner.flow.segment, planner.flow.awaits
    before = planner.flow.env.get(target.value, CLEAN)
    taint = planner.visit(node.value)
    if binding is None:
        planner.flow.bind(target.value, planner.flow.works.on(before | taint))
        return CLEAN
    draft = planner.variable(target, binding, Context.AUGMENT)
    draft.spans = planner.flow.segment != segment
    planner.tap(draft, Role.VALUE, node, "value")
    planner.flow.reads.append(draft)
    if planner.flow.awaits != awaits:
        read = planner.variable(target, binding, Context.LOAD)
        read.commit = Role.STATEMENT
        planner.tap(read, Role.STATEMENT, node, "before")
        draft.add_region(read, RegionKind.VALUE, spans=True, awaits=True)
    planner.flow.write(draft, taint, planner.flow.path(target))
    return CLEAN


def walrus(planner: Planner, node: cst.NamedExpr) -> Taint:
    """`(y := value)` binds in the nearest function."""
    taint = planner.visit(node.value)
    if isinstance(node.target, cst.Name):
        _store_name(planner, node, "value", node.target, node.value, taint)
    return taint


def delete(planner: Planner, node: cst.Del) -> Taint:
    """`del o.x, d[k], g`."""
    _delete_target(planner, node, node.target)
    return CLEAN


def _delete_target(planner: Planner, node: cst.Del, target: cst.CSTNode) -> None:
    if isinstance(target, (cst.Tuple, cst.List)):
        for element in target.elements:
            _delete_target(planner, node, element.value)
    elif isinstance(target, cst.Attribute):
        _store_attribute(planner, target, CLEAN, Context.DELETE, None)
    elif isinstance(target, cst.Subscript):
        _store_item(planner, target, CLEAN, Context.DELETE, None)
    elif isinstance(target, cst.Name) and planner.watched(target.value) is Binding.GLOBAL:
        draft = planner.variable(target, Binding.GLOBAL, Context.DELETE)
        draft.commit = Role.STATEMENT
        planner.tap(draft, Role.STATEMENT, node, "before")
        planner.flow.write(draft, CLEAN, planner.flow.path(target))


def _future(node: cst.Import | cst.ImportFrom) -> bool:
    return isinstance(node, cst.ImportFrom) and isinstance(node.module, cst.Name) and node.module.value == "__future__"


def imported(planner: Planner, node: cst.Import | cst.ImportFrom) -> Taint:
    """The importing thread happens after the module ran, whoever ran it; a declared global is stored."""
    planner.flow.switch()
    draft = planner.site(SiteForm.IMPORT, Context.LOAD, Role.STATEMENT, node, node)
    if not _future(node):
        planner.tap(draft, Role.STATEMENT, node, "after")
    if planner.scope is planner.scopes.module or isinstance(node.names, cst.ImportStar):
        return CLEAN
    for alias in node.names:
        target: cst.CSTNode = alias.asname.name if alias.asname is not None else alias.name
        while isinstance(target, cst.Attribute):
            target = target.value
        if isinstance(target, cst.Name) and mangle(target.value, planner.class_name) == target.value:
            store_beside(planner, target, alias, CLEAN, node, "after")
    return CLEAN
