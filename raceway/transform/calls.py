"""Taps on calls: methods of containers, functions of `algorithms`, and builtins that read, walk or name attributes of
their arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.accesses import structure_paths, walk_tap
from raceway.transform.algorithms import algorithm
from raceway.transform.flow import CLEAN, Taint, hold
from raceway.transform.pairing import synchronises
from raceway.transform.plan import Draft
from raceway.transform.planner import Planner, local_name
from raceway.transform.scopes import Binding
from raceway.transform.source import LITERALS, literal, spans_lines, tappable, walkable

# Methods of the built-in containers by what the transform must know of them; what they do to which location is the
# contract table's business, at run time, by the type of the object.
KEYED = frozenset(
    "get pop setdefault add discard remove move_to_end __getitem__ __setitem__ __delitem__ __contains__".split()
)
READING = frozenset("get items keys values copy index count __getitem__ __contains__ __len__ __iter__".split())
MUTATING = frozenset(
    "append appendleft extend extendleft insert pop popleft popitem remove discard add clear update setdefault sort "
    "reverse rotate move_to_end subtract difference_update intersection_update symmetric_difference_update "
    "__setitem__ __delitem__".split()
)
TAKING = frozenset({"pop", "popleft", "popitem"})
REMOVING = TAKING | {"remove"}
LAZY = frozenset({"enumerate", "zip", "map", "filter", "iter", "reversed"})
"""These give back an iterator: who goes on with it runs code between its steps."""
VIEWS = frozenset({"items", "keys", "values"})
WALKERS = frozenset(
    "list tuple set frozenset dict sorted sum min max any all enumerate zip iter reversed len bytearray bytes "
    "repr ascii str format print".split()
)
COPYING = frozenset({"list", "dict", "sorted"})
"""These copy a view in one step on all interpreters."""
_WAITING = re.compile(r"(?:^|_)(?:wait|until|eventually|poll)(?:$|_|(?=[A-Z]))|[a-z](?:Until|Eventually)\b")
"""What functions are called that wait until a condition holds."""
ATTRIBUTE_CALLS = {
    "getattr": Context.LOAD,
    "hasattr": Context.LOAD,
    "setattr": Context.STORE,
    "delattr": Context.DELETE,
}


def call(planner: Planner, node: cst.Call) -> Taint:
    """Walk a call in evaluation order; it ends a segment."""
    func, awaited, answer = node.func, planner.awaited is node, CLEAN
    planner.conditions.update(_conditions(node))
    if isinstance(func, cst.Attribute):
        taint = _method(planner, node, func)
    elif isinstance(func, cst.Name) and planner.scope.resolve(func.value) is Binding.BUILTIN:
        taint = _builtin(planner, node, func.value)
    else:
        planner.visit(func)
        taint = _arguments(planner, node)
        if isinstance(func, cst.Name) and is_function(planner, func.value):
            answer = planner.answers.call(planner.flow, node, func.value, _paths(planner, node), taint)
    taint |= algorithm(planner, node)
    given = (planner.taints.get(argument.value, CLEAN) for argument in node.args)
    planner.flow.links.note(node, planner.flow.guards, CLEAN.union(*given), awaited)
    planner.flow.switch()
    for one in answer:
        planner.flow.stamp(one, ())  # what comes after the call
    taint = planner.flow.works.on(taint, planner.flow.blocks)
    return taint | answer | (CLEAN if answer else planner.helpers.answer(planner.flow, node))


def _conditions(node: cst.Call) -> Iterator[cst.Lambda]:
    """The functions written as arguments of a call that waits by its name, as `wait_until(lambda: job.done)` does: what
    they read is what the test of a loop reads that only waits."""
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    if isinstance(name, cst.Name) and _WAITING.search(name.value):
        yield from (argument.value for argument in node.args if isinstance(argument.value, cst.Lambda))


def is_function(planner: Planner, name: str) -> bool:
    """Whether the name, used here, is that of a function of the module that is defined once and never again."""
    known = name in planner.facts.functions and planner.scopes.module.bound[name] == 1
    return known and planner.scope.owner_of(name) is None and not planner.scope.rebinds(name)


def _arguments(planner: Planner, node: cst.Call) -> Taint:
    """The arguments in the order in which they are evaluated; `*S[a]` and `**S[k]` are walked over."""
    taint = CLEAN
    for index, argument in sorted(enumerate(node.args), key=lambda pair: _named(pair[1])):
        taint |= planner.visit(argument.value)
        if argument.star:
            taint |= walk_tap(planner, node, "args", argument.value, index, "list")
    return taint


def _locals(planner: Planner, node: cst.Call) -> dict[int | str, int]:
    """The arguments that are locals, by place or keyword, and when each of these got its value."""
    found: dict[int | str, int] = {}
    for place, argument in enumerate(node.args):
        name = local_name(planner, argument.value)
        if argument.star == "*":
            break
        if name:
            key = place if argument.keyword is None else argument.keyword.value
            found[key] = planner.flow.bound.get(name, 0)
    return found


def _paths(planner: Planner, node: cst.Call) -> dict[int | str, str]:
    """The access paths of the arguments, by place or keyword."""
    found: dict[int | str, str] = {}
    for place, argument in enumerate(node.args):
        if argument.star == "*":
            break
        if path := planner.flow.path(argument.value):
            found[place if argument.keyword is None else argument.keyword.value] = path
    return found


def _named(argument: cst.Arg) -> bool:
    return argument.keyword is not None or argument.star == "**"


def _method(planner: Planner, node: cst.Call, func: cst.Attribute) -> Taint:
    name = func.attr.value
    answer = planner.helpers.called(planner.flow, node, name, func.value, _locals(planner, node))
    taint = _tapped_method(planner, node, func, name)
    for one in answer:
        one.segment = planner.flow.segment + 1  # what comes after the call
    hold(planner.flow, name)
    for argument in node.args:
        planner.helpers.passed(planner.flow, node, name, func.value, planner.taints.get(argument.value, CLEAN))
    return answer | taint


def _tapped_method(planner: Planner, node: cst.Call, func: cst.Attribute, name: str) -> Taint:
    container_method = name in READING or name in MUTATING
    kept = container_method and isinstance(func.value, cst.Attribute)  # `module.items.append(x)`, not `os.path.join(x)`
    if (not kept and _module_chain(planner, func.value)) or _compiled_apart(planner, func):
        return _arguments(planner, node)
    taint = planner.visit(func.value)
    if not tappable(func.value):
        if name == "join" and isinstance(func.value, LITERALS):
            return taint | _arguments(planner, node) | _walk_argument(planner, node, "join", 0)
        if name == "__set__" and node.args and isinstance(node.args[0].value, cst.Name):
            # `super().__set__(instance, value)`: whether the object is still being made is passed on.
            draft = planner.site(SiteForm.ATTRIBUTE, Context.STORE, Role.BASE, node, node.args[0].value)
            planner.tap(draft, Role.BASE, node, "args", 0)
        return taint | _arguments(planner, node)
    if not container_method and name in planner.facts.methods:
        return taint | _arguments(planner, node)
    draft = planner.site(SiteForm.METHOD, Context.CALL, Role.BASE, node, func.value, planner.mangle(name))
    draft.flag = name in planner.facts.code  # who calls it comes after its making
    planner.tap(draft, Role.BASE, func, "value")
    taint |= _arguments(planner, node)
    if container_method:
        _operands(planner, node, draft)
    if not container_method:
        return taint
    draft.spans = name in VIEWS  # who walks over a view later runs code between the steps
    paths = _method_paths(planner, node, func)
    if name in READING:
        return taint | planner.flow.read(draft, *paths)
    # `pop()` with a default takes what there is, and who handles that there is nothing does not rely on it.
    draft.fails = name in REMOVING and len(node.args) < 2 and not planner.flow.tried
    draft.takes = draft.fails and name in TAKING
    return taint | _mutation(planner, draft, taint, paths)


def _compiled_apart(planner: Planner, func: cst.Attribute) -> bool:
    """The compiler calls methods of imported names differently; a tap would show in the line of a call on two lines."""
    imported = isinstance(func.value, cst.Name) and func.value.value in planner.scopes.module.imported
    return imported and spans_lines(func)


def _mutation(planner: Planner, draft: Draft, value: Taint, paths: tuple[str, ...]) -> Taint:
    """A mutating method is a write; `pop` and `setdefault` also give back what they read."""
    planner.flow.write(draft, value, *paths)
    planner.helpers.answered(planner.flow, draft, value)
    if draft.name in TAKING or draft.name == "setdefault":
        planner.flow.reads.append(draft)
        return frozenset((draft,))
    return CLEAN


def _operands(planner: Planner, node: cst.Call, draft: Draft) -> None:
    """Tap the key and the last argument where the access must wait for them."""
    if not node.args:
        return
    first, last = node.args[0], len(node.args) - 1
    if draft.name in KEYED and not first.star and first.keyword is None:
        planner.key_tap(draft, node, "args", 0, first.value)
        if not draft.key:
            draft.commit = Role.KEY
    waits = any(synchronises(argument.value) for argument in node.args[1 if draft.commit is Role.KEY else 0 :])
    if waits and node.args[last].star != "**":
        draft.commit = Role.VALUE
        planner.tap(draft, Role.VALUE, node, "args", last)


def _module_chain(planner: Planner, node: cst.CSTNode) -> bool:
    while isinstance(node, cst.Attribute):
        node = node.value
    return planner.is_module(node)


def _method_paths(planner: Planner, node: cst.Call, func: cst.Attribute) -> tuple[str, ...]:
    paths = structure_paths(planner, func.value)
    if func.attr.value in KEYED and node.args:
        return (planner.flow.item_path(func.value, node.args[0]), *paths)
    return paths


def _builtin(planner: Planner, node: cst.Call, name: str) -> Taint:
    positional = [argument for argument in node.args if not argument.star and argument.keyword is None]
    if name in ATTRIBUTE_CALLS and len(positional) == len(node.args) >= 2:
        return _attribute_call(planner, node, name)
    taint = _arguments(planner, node)
    if name in WALKERS or name in {"map", "filter"}:
        for index, argument in enumerate(node.args):
            if argument.keyword is None and not argument.star and not (index == 0 and name in {"map", "filter"}):
                taint |= _walk_argument(planner, node, name, index)
        if name == "len" and positional:
            taint |= planner.helpers.called(planner.flow, node, "__len__", positional[0].value)
    elif name == "vars" and len(positional) == 1:
        taint |= _walk_argument(planner, node, name, 0)
    elif name == "next" and positional and positional[0] is node.args[0] and tappable(positional[0].value):
        operand = positional[0].value
        draft = planner.site(SiteForm.FUNCTION, Context.CALL, Role.BASE, operand, operand, name)
        planner.tap(draft, Role.BASE, node, "args", 0)
    return taint


def _walk_argument(planner: Planner, node: cst.Call, name: str, index: int) -> Taint:
    if index >= len(node.args) or not walkable(node.args[index].value) or node.args[index].star:
        return CLEAN
    operand = node.args[index].value
    for made in planner.taints.get(operand, CLEAN):
        if made.anchor is operand:
            made.spans = False  # the whole walk is this one call
            made.whole = name in COPYING
    draft = planner.site(SiteForm.FUNCTION, Context.CALL, Role.BASE, operand, operand, name)
    draft.spans = name in LAZY
    planner.tap(draft, Role.BASE, node, "args", index)
    return planner.flow.read(draft, *structure_paths(planner, operand))


def _attribute_call(planner: Planner, node: cst.Call, name: str) -> Taint:
    """`getattr(o, "x")` and its family are attribute accesses."""
    target, attribute = node.args[0].value, node.args[1].value
    taint = _arguments(planner, node)
    if not tappable(target):
        return taint
    context = ATTRIBUTE_CALLS[name]
    spelled = literal(attribute)
    draft = planner.site(SiteForm.ATTRIBUTE, context, Role.BASE, node, target, _unquote(spelled))
    planner.tap(draft, Role.BASE, node, "args", 0)
    if not spelled:
        draft.keyed = True
        draft.commit = Role.KEY
        planner.tap(draft, Role.KEY, node, "args", 1)
    base = planner.flow.path(target)
    path = f"{base}.{draft.name}" if base and spelled else planner.flow.item_path(target, attribute)
    if context is Context.LOAD:
        return taint | planner.flow.read(draft, path)
    if len(node.args) > 2:
        draft.commit = Role.VALUE
        planner.tap(draft, Role.VALUE, node, "args", 2)
        draft.literal = literal(node.args[2].value)
    planner.flow.write(draft, taint, path)
    return CLEAN


def _unquote(spelled: str) -> str:
    return spelled[1:-1] if len(spelled) > 2 and spelled[0] in "'\"" and spelled[1:-1].isidentifier() else ""
