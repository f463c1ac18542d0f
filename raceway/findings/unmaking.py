"""Races with what the finalizer of an object does with it, as nobody has a reference to it any more: there are none.

    def __del__(self):
        if self.conn is not None:
            self.stop()

Whoever used the object before has let go of it since. The detector cannot tell: nothing but the count of the references
orders the two sides. So it is with a container that the class makes for each object, where the other side has come to
it by an object, too: `self.rows.append(row)`. Where the finalizer's is the earlier side it has handed the object out
again. Called by the program itself it is a method like any other. What the class keeps for all its objects is there as
before.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from types import CodeType

from raceway.findings import naming
from raceway.model.kinds import LocationKind
from raceway.model.races import RawRace
from raceway.model.records import Stack
from raceway.model.sites import Site

_FINALIZER = "__del__"
_CONTAINERS = frozenset({LocationKind.STRUCTURE, LocationKind.ITEM})
_MAKERS = frozenset({"list", "dict", "set", "deque", "OrderedDict", "defaultdict", "Counter", "bytearray"})
_CLASS = re.compile(r"\b(cls|__class__|_*[A-Z]\w*)$|\btype\([^()]*\)$")
"""What a class is called where its attributes are stored."""


def without_unmaking(races: Iterable[RawRace], site_of: Callable[[int], Site]) -> Iterator[RawRace]:
    """The races whose later side is no attribute of an object of which there is no reference left."""
    for race in races:
        of_class = _CLASS.search(site_of(race.earlier.access.site).base) is not None
        if race.observed or race.one_loop or of_class or not _is_last(race, site_of):
            yield race


def _is_last(race: RawRace, site_of: Callable[[int], Site]) -> bool:
    """Whether the finalizer of the object, or a method that this calls of it, touches one of its attributes, or one of
    its own containers."""
    access = race.later.access
    if not access.stack:
        return False
    site, operand, held = site_of(access.site), _own_name(access.stack[0][0]), ""
    if access.location.kind in _CONTAINERS and site.through == site_of(race.earlier.access.site).through:
        held = site.through
        operand += f".{held}"
    if site.base != operand or not (held or access.location.kind is LocationKind.ATTRIBUTE):
        return False
    for index, (code, _offset) in enumerate(access.stack):
        if code.co_name == _FINALIZER:
            return not _is_called(access.stack[index:]) and (not held or _is_made_for_each(code, held))
        if not _is_own_method(access.stack[index : index + 2]):
            return False
    return False


def _is_made_for_each(finalizer: CodeType, name: str) -> bool:
    """Whether the class of the finalizer stores nothing there but containers that it has just made."""
    tree = naming.parsed(finalizer.co_filename)
    for cls in ast.walk(tree) if tree is not None else ():
        if isinstance(cls, ast.ClassDef) and any(
            isinstance(node, ast.FunctionDef) and node.lineno == finalizer.co_firstlineno for node in cls.body
        ):
            stored = list(_stored(cls, name))
            return bool(stored) and all(map(_is_new, stored))
    return False


def _stored(cls: ast.ClassDef, name: str) -> Iterator[ast.expr | None]:
    """What the class stores in an attribute of that name; None where it is something else than an assignment."""
    for node in ast.walk(cls):
        match node:
            case ast.Assign(targets=[ast.Attribute(attr=attr)]) | ast.AnnAssign(target=ast.Attribute(attr=attr)):
                if attr == name:
                    yield node.value
            case ast.Assign(targets=targets) if any(_is_named(target, name) for target in targets):
                yield None
            case ast.AnnAssign(target=ast.Name(id=attr), value=ast.expr()) if attr == name:
                yield None  # one for all


def _is_named(target: ast.expr, name: str) -> bool:
    return any(
        (isinstance(part, ast.Name) and part.id == name) or (isinstance(part, ast.Attribute) and part.attr == name)
        for part in ast.walk(target)
    )


def _is_new(value: ast.expr | None) -> bool:
    match value:
        case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _MAKERS
    return False


def _is_own_method(stack: Stack) -> bool:
    """Whether the function of the first frame is a method or property that the second one asks of its own object."""
    if len(stack) < 2:
        return False
    (inner, _), (outer, offset) = stack
    own, name = _own_name(outer), inner.co_name
    asked = [node for node in _attributes(outer.co_filename, naming.line_at(outer, offset)) if node.attr == name]
    return bool(asked) and all(isinstance(node.value, ast.Name) and node.value.id == own for node in asked)


def _is_called(stack: Stack) -> bool:
    """Whether the program calls the finalizer of the first frame by its name, other than from that of a subclass."""
    for (_inner, _), (outer, offset) in pairwise(stack):
        named = _attributes(outer.co_filename, naming.line_at(outer, offset))
        if not any(node.attr == _FINALIZER for node in named):
            return False
        if outer.co_name != _FINALIZER:
            return True
    return False


def _own_name(code: CodeType) -> str:
    """What the function calls its first parameter."""
    return code.co_varnames[0] if code.co_argcount else ""


def _attributes(path: str, line: int) -> tuple[ast.Attribute, ...]:
    return _by_line(path).get(line, ())


@lru_cache(maxsize=8)
def _by_line(path: str) -> dict[int, tuple[ast.Attribute, ...]]:
    """The attributes that a file names, by the line."""
    found: dict[int, tuple[ast.Attribute, ...]] = {}
    tree = naming.parsed(path)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Attribute):
            line = node.end_lineno or node.lineno
            found[line] = (*found.get(line, ()), node)
    return found
