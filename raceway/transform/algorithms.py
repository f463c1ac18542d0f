"""Taps on the functions of `heapq` and `bisect`: what they do to their first argument is what a method of it would.

They are known by the import of the module, or of the function from it; a name that is bound in another way as well is
left alone.
"""

from __future__ import annotations

import libcst as cst

from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.accesses import structure_paths
from raceway.transform.flow import CLEAN, Taint
from raceway.transform.pairing import synchronises
from raceway.transform.planner import Planner
from raceway.transform.source import walkable

_CHANGING = frozenset(f"heapq.{name}" for name in ("heappush", "heappop", "heapify", "heapreplace", "heappushpop")) | {
    "bisect.insort",
    "bisect.insort_left",
    "bisect.insort_right",
}
_WALKING = frozenset(
    {"bisect.bisect", "bisect.bisect_left", "bisect.bisect_right", "heapq.nlargest", "heapq.nsmallest"}
)

_CHANGE = "insert"
"""The method of a list that moves the items about as these functions do."""


def algorithm(planner: Planner, node: cst.Call) -> Taint:
    """The tap on the container of a call, if it is one of these."""
    name = _qualified(planner, node.func)
    place = 1 if name in ("heapq.nlargest", "heapq.nsmallest") else 0
    if name not in _CHANGING | _WALKING or len(node.args) <= place:
        return CLEAN
    argument = node.args[place]
    if argument.star or argument.keyword is not None or not walkable(argument.value):
        return CLEAN
    operand, paths = argument.value, structure_paths(planner, argument.value)
    form = SiteForm.METHOD if name in _CHANGING else SiteForm.FUNCTION
    spelled = _CHANGE if name in _CHANGING else name.rpartition(".")[2]
    draft = planner.site(form, Context.CALL, Role.BASE, operand, operand, spelled)
    planner.tap(draft, Role.BASE, node, "args", place)
    if form is SiteForm.FUNCTION:
        return planner.flow.read(draft, *paths)
    if any(synchronises(other.value) for other in node.args[1:]) and node.args[-1].star != "**":
        draft.commit = Role.VALUE
        planner.tap(draft, Role.VALUE, node, "args", len(node.args) - 1)
    draft.called = name.rpartition(".")[2]
    draft.takes = name == "heapq.heappop"
    planner.flow.write(draft, CLEAN, *paths)
    return CLEAN


def _qualified(planner: Planner, func: cst.BaseExpression) -> str:
    """The function's name with its module, empty for one that was not imported."""
    imports = planner.scopes.module.origins
    if isinstance(func, cst.Attribute) and isinstance(func.value, cst.Name) and planner.is_module(func.value):
        return f"{imports.get(func.value.value, '')}.{func.attr.value}"
    if isinstance(func, cst.Name) and planner.scope.owner_of(func.value) is None and func.value in imports:
        return "" if planner.scope.rebinds(func.value) else imports[func.value]
    return ""
