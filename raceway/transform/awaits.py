"""What awaits wait for, by name: in each round of a walk, and in the coroutines of a module.

An await need not suspend anybody: `await viewer.send()` does not if no method `send` awaits anything in turn. Serves
the findings, which know all modules, for walks that nobody was suspended in.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import libcst as cst

from raceway.model.sites import OTHER

_NESTED = (cst.FunctionDef, cst.ClassDef, cst.Lambda)


def awaited(body: cst.CSTNode) -> tuple[str, ...]:
    """The names of what is called for the awaits in a block, OTHER for what is no such call."""
    return tuple(sorted(set(_awaited(body))))


def _awaited(node: cst.CSTNode) -> Iterator[str]:
    if isinstance(node, _NESTED):
        return
    if isinstance(node, cst.Await):
        yield _called(node.expression)
    elif isinstance(node, cst.Yield) or _is_asynchronous(node):
        yield OTHER
    for child in node.children:
        yield from _awaited(child)


def _is_asynchronous(node: cst.CSTNode) -> bool:
    return isinstance(node, (cst.CompFor, cst.For, cst.With)) and node.asynchronous is not None


def _called(node: cst.CSTNode) -> str:
    func = node.func if isinstance(node, cst.Call) else None
    if isinstance(func, cst.Attribute):
        return func.attr.value
    return func.value if isinstance(func, cst.Name) else OTHER


def coroutines(tree: ast.Module) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The coroutine functions of a module with what they await; one entry for each name."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef):
            names = found.setdefault(node.name, set())
            for part in node.body:
                names.update(_waits(part))
            if node.decorator_list:
                names.add(OTHER)
    return tuple((name, tuple(sorted(names))) for name, names in found.items())


def _waits(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    match node:
        case ast.Await(ast.Call(ast.Attribute(attr=name) | ast.Name(id=name))):
            yield name
        case ast.Await() | ast.Yield() | ast.AsyncFor() | ast.AsyncWith() | ast.comprehension(is_async=1):
            yield OTHER
    for child in ast.iter_child_nodes(node):
        yield from _waits(child)
