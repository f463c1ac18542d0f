"""What values are, as far as the source spells it out: containers that nobody else has yet, calls and their names.
Serves `transform.making`.
"""

from __future__ import annotations

import ast
from typing import TypeGuard

CONTAINERS = frozenset("dict list set bytearray deque defaultdict OrderedDict Counter".split())
_COPIES = frozenset({"copy", "deepcopy"})
_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def aligned(target: ast.expr, value: ast.Tuple) -> TypeGuard[ast.Tuple]:
    """Whether it is `a, b = c, d`."""
    if not isinstance(target, ast.Tuple) or len(target.elts) != len(value.elts):
        return False
    return not any(isinstance(part, ast.Starred) for part in target.elts)


def is_made(value: ast.expr) -> bool:
    """Whether the value is a container that nobody else has."""
    if isinstance(value, ast.Call):
        name = called(value)
        return name in CONTAINERS or name in _COPIES
    return isinstance(value, _DISPLAYS)


def called(node: ast.Call) -> str:
    """The name of what is called, without what it belongs to; empty when it has none."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def names_of_others(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names of the function that are no locals of its own alone."""
    names: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, (ast.Global, ast.Nonlocal)):
            names.update(part.names)
        elif isinstance(part, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)) and part is not node:
            names.update(inner.id for inner in ast.walk(part) if isinstance(inner, ast.Name))
    return names
