"""What one look over a module tells of its names, so that taps that could never see anything are not made.

Two elisions rest on it. A method call `o.m()` is tapped because `m` may be a field that holds a function, or a method
of a container: neither is so where the module defines `m` in a class and nowhere stores an attribute of that name. A
test `if o.flag:` is tapped because the value may be a container: it is none where the module stores nothing but
scalars there. Both speak of attributes by name, as far as this module stores them; docs/performance.md itemises what
they save.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from raceway.transform.polling import Polls

_SCALAR_CALLS = frozenset({"len", "int", "float", "bool", "str", "ord", "round", "abs", "hash", "isinstance", "id"})


@dataclass(frozen=True, slots=True)
class Facts:
    """`methods`: names that classes of the module define by `def` and nothing stores. `scalars`: attributes that
    hold numbers, strings, flags or None, as far as the module stores them. `helpers`: of the methods, those that one
    class defines, once, and that run when they are called, or awaited; and properties. `accessors`: properties of one
    class that can be stored. `code`: attributes that the module gives a function that is made right there.
    `polls`: what its loops wait for. `functions`: those of the module itself that run when called, or awaited."""

    methods: frozenset[str] = frozenset()
    scalars: frozenset[str] = frozenset()
    helpers: frozenset[str] = frozenset()
    accessors: frozenset[str] = frozenset()
    code: frozenset[str] = frozenset()
    polls: Polls | None = None
    functions: frozenset[str] = frozenset()


_CALLED = frozenset({"__len__", "__contains__", "__getitem__", "__setitem__", "__delitem__"})
"""What operators, subscripts and functions call; no other methods of that sort are looked at."""


def gather(tree: ast.Module) -> Facts:
    """The facts of one module."""
    methods: set[str] = set()
    helpers: set[str] = set()
    every: Counter[str] = Counter()
    setters: Counter[str] = Counter()
    stored: set[str] = set()
    scalar: set[str] = set()
    other: set[str] = set()
    code: set[str] = set()
    grown: set[str] = set()
    values = _Values(scalar, other, grown)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            defined = [part for part in node.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
            methods.update(part.name for part in defined)
            every.update(part.name for part in defined)
            helpers.update(part.name for part in defined if _is_helper(part))
            setters.update(part.name for part in defined if _is_setter(part))
            stored.update(_class_names(node, values))
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            stored.add(node.attr)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            values.assigned(node)
            if isinstance(node.value, ast.Lambda):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                code.update(target.attr for target in targets if isinstance(target, ast.Attribute))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr":
            named = [part.value for part in node.args[1:2] if isinstance(part, ast.Constant)]
            stored.update(str(name) for name in named)
            other.update(str(name) for name in named)
    unseen = stored - scalar  # targets of loops, with, unpacking
    single = {name for name in helpers - stored if every[name] == 1}
    paired = {name for name, count in setters.items() if count == 1 and every[name] == 2 and name in helpers}
    plain = scalar - other - unseen
    known = [*map(frozenset, (methods - stored, plain - grown, single, paired, code))]
    defined = [part for part in tree.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
    functions = frozenset(part.name for part in defined if not part.decorator_list and _is_helper(part))
    return Facts(known[0], known[1], known[2], known[3], known[4], Polls(tree, known[2], frozenset(plain)), functions)


def _is_helper(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the method runs when it is called and awaited or, as a property, read: no decorator does something else
    with it."""
    plain = all(isinstance(one, ast.Name) and one.id == "property" for one in node.decorator_list)
    is_generator = any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in ast.walk(node))
    return plain and not is_generator and (node.name in _CALLED or not node.name.endswith("__"))


def _is_setter(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it is what a property calls when it is stored, and nothing else is done with it."""
    match node.decorator_list:
        case [ast.Attribute(ast.Name(name), "setter")]:
            return name == node.name
    return False


def _class_names(node: ast.ClassDef, values: _Values) -> Iterator[str]:
    """Names that a class body stores other than by `def`."""
    for part in node.body:
        targets = part.targets if isinstance(part, ast.Assign) else [getattr(part, "target", None)]
        for target in targets:
            for name in ast.walk(target) if target is not None else ():
                if isinstance(name, ast.Name):
                    values.take(name.id, getattr(part, "value", None))
                    yield name.id


class _Values:
    """Sorts the values that attributes are given. `grown`: what is added to them is not known to be a scalar."""

    def __init__(self, scalar: set[str], other: set[str], grown: set[str]) -> None:
        self._scalar = scalar
        self._other = other
        self._grown = grown

    def take(self, name: str, value: ast.expr | None) -> None:
        """The attribute is given this value; None tells that it is not known."""
        (self._scalar if value is not None and _is_scalar(value) else self._other).add(name)

    def assigned(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        """The attributes among the targets of an assignment."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Attribute):
                if isinstance(node, ast.AugAssign) and not _is_scalar(node.value):
                    self._grown.add(target.attr)
                elif node.value is not None:
                    self.take(target.attr, node.value)
                continue
            for part in ast.walk(target):
                if isinstance(part, ast.Attribute) and not isinstance(part.ctx, ast.Load):
                    self._other.add(part.attr)


def _is_scalar(node: ast.expr) -> bool:
    match node:
        case ast.Constant() | ast.Compare() | ast.JoinedStr() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.UnaryOp(operand=inner):
            return _is_scalar(inner)
        case ast.BoolOp(values=parts):
            return all(map(_is_scalar, parts))
        case ast.IfExp(body=body, orelse=orelse):
            return _is_scalar(body) and _is_scalar(orelse)
        case ast.BinOp(left=left, right=right):
            return _is_scalar(left) and _is_scalar(right)
        case ast.Call(func=ast.Name(id=name)):
            return name in _SCALAR_CALLS
    return False
