"""Walks that are begun anew when the container has changed under them, as their RuntimeError tells.

    while True:
        try:
            return list(self.jobs.values())
        except RuntimeError:
            continue

Nothing has been done with what the walk had found by then. A list tells nobody that it has changed.
"""

from __future__ import annotations

import ast
from itertools import pairwise

from raceway.findings.syntax import around, within
from raceway.model.sites import Context, Site, SiteForm

REASON = "a walk that a change of the container ends by RuntimeError is begun anew, and has done nothing by then"

_TOLD = "RuntimeError"
_OF_DICTS = frozenset({"add", "discard", "popitem", "setdefault"})
_VIEWS = frozenset({"items", "keys", "values"})

Where = tuple[str, Site]


def begins_anew(walker: Where, changer: Where) -> bool:
    """Whether the walk is all that a round of a loop has done when an exception tells that the container changed."""
    nodes = within(around(*walker))
    if not (_tells(changer) or any(_is_view(node) for node in nodes)):
        return False
    for index, (node, parent) in enumerate(pairwise(nodes)):
        match parent:
            case ast.For(iter=walked) | ast.AsyncFor(iter=walked) if walked is node:
                return False
            case ast.Try(body=[first, *_], handlers=handlers, finalbody=[]) if first is node:
                if any(map(_bears, handlers)):
                    return _is_round(nodes[index + 1 :], next(filter(_bears, handlers)))
    return False


def _tells(changer: Where) -> bool:
    """Whether it is a dict or a set that is changed, as lists have no such method, nor grow by a store."""
    site = changer[1]
    if site.form is SiteForm.METHOD:
        return site.name in _OF_DICTS
    match around(*changer)[:1]:
        case (ast.Subscript(slice=ast.Slice() | ast.Constant(value=int())),):
            return site.context is Context.STORE and site.keyed
    return site.form is SiteForm.ITEM and site.keyed


def _is_view(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=name), args=[]):
            return name in _VIEWS
    return False


def _bears(handler: ast.ExceptHandler) -> bool:
    match handler.type:
        case ast.Name(id=name):
            return name == _TOLD
        case ast.Tuple(elts=elements):
            return any(isinstance(element, ast.Name) and element.id == _TOLD for element in elements)
    return False


def _is_round(nodes: tuple[ast.AST, ...], handler: ast.ExceptHandler) -> bool:
    """Whether the loop around the first of the nodes goes on after the handler, which does nothing."""
    block, *around_it = nodes
    match around_it[:1]:
        case [ast.While(body=[*_, last])]:
            match handler.body:
                case [ast.Continue()]:
                    return True
                case [ast.Pass()]:
                    return last is block
    return False
