"""Items that are stored under a key of their own making, which is handed out afterwards, as tickets are.

    with self.lock:
        number = self.count
        self.states[number] = State()
        self.count += 1
    return number

Who asks by such a number was given it after the store, be it in another process. Nobody else may ask for the count, by
which the number could be guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from raceway.findings import naming
from raceway.findings.syntax import around, within
from raceway.model.kinds import LocationKind
from raceway.model.races import RawRace
from raceway.model.sites import Context, Site, SiteForm

REASON = "the key is made by who stores the item, and given away after that: who asks by it comes later"

_MAKERS = frozenset({"uuid1", "uuid4", "token_hex", "token_urlsafe", "token_bytes"})


def is_asked_by_ticket(race: RawRace, storing: tuple[str, Site], reader: Site) -> bool:
    """Whether the earlier side stores an item under such a key, by which the later one has asked."""
    path, site = storing
    if race.later.access.location.kind is not LocationKind.ITEM or reader.key or not reader.keyed:
        return False
    if site.form is not SiteForm.ITEM or site.context is not Context.STORE:
        return False
    nodes = within(around(path, site))
    match nodes[:1], nodes[-1:]:
        case (ast.Subscript(slice=ast.Name(id=key)) as item,), (ast.FunctionDef() as function,):
            return _is_made(path, function, key) and all(_follows(use, item) for use in _uses(function, key))
    return False


def _is_made(path: str, function: ast.FunctionDef, key: str) -> bool:
    """Whether the key is stored once in the function, and is a count that only this one asks for, or a new value."""
    values = [node.value for node in ast.walk(function) if isinstance(node, ast.Assign) and _targets(node) == [key]]
    stores = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == key]
    if len(values) != 1 or sum(isinstance(node.ctx, ast.Store) for node in stores) != 1:
        return False
    match values[0]:
        case ast.Call(func=ast.Name(id="next"), args=[asked]):
            return isinstance(asked, (ast.Name, ast.Attribute))  # not `next(iter(rows))`, which others have, too
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _MAKERS
        case ast.Attribute(attr=name):
            tree = naming.parsed(path)
            return _counts(function, name) and tree is not None and _asked(tree, name) == _asked(function, name)
    return False


def _targets(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _counts(function: ast.FunctionDef, name: str) -> bool:
    """Whether the function raises the attribute."""
    return any(
        isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute) and node.target.attr == name
        for node in ast.walk(function)
    )


def _asked(tree: ast.AST, name: str) -> int:
    """How often an attribute of that name is read."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == name)
    return sum(isinstance(node.ctx, ast.Load) for node in found)


def _uses(function: ast.FunctionDef, key: str) -> Iterator[ast.Name]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == key and isinstance(node.ctx, ast.Load):
            yield node


def _follows(use: ast.Name, item: ast.Subscript) -> bool:
    """Whether the name is used in the store, or in a later line."""
    return use is item.slice or use.lineno > (item.end_lineno or item.lineno)
