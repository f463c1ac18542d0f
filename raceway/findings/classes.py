"""Classes by the names that a source calls them by, also where they are imported from other sources of the program."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from typing import NamedTuple

from raceway.findings import naming
from raceway.findings.syntax import source

_DEEPEST = 8
"""So many imports and base classes are followed."""


class Class(NamedTuple):
    """A class and the file that it is in."""

    path: str
    node: ast.ClassDef


def tree_of(path: str) -> ast.AST:
    """The tree of a source, the one whose nodes have parents in `syntax.source`."""
    return next(iter(source(path).parents.values()), ast.Module([], []))


def called(path: str, function: ast.expr, depth: int = 0) -> Class | None:
    """The class that an expression of a file names; None for what is no class, or none of the program."""
    match function:
        case ast.Name(id="cls"):
            return _around(path, function)
        case ast.Name(id=name):
            return named(path, name, depth)
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return next((found for file in _modules(path, module) if (found := named(file, name, depth + 1))), None)
        case ast.Subscript(value=generic):
            return called(path, generic, depth)
    return None


def lineage(one: Class, depth: int = 0) -> Iterator[Class]:
    """The class, and those it is derived from."""
    yield one
    for base in one.node.bases if depth < _DEEPEST else ():
        if (found := called(one.path, base, depth)) is not None:
            yield from lineage(found, depth + 1)


def _around(path: str, node: ast.AST) -> Class | None:
    parents = source(path).parents
    while not isinstance(node, (ast.ClassDef, ast.Module)):
        if node not in parents:
            return None
        node = parents[node]
    return Class(path, node) if isinstance(node, ast.ClassDef) else None


def named(path: str, name: str, depth: int = 0) -> Class | None:
    """The class that a name means in a file."""
    tree = tree_of(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return Class(path, node)
    if depth >= _DEEPEST:
        return None
    for file, original in _imported(path, tree, name):
        if (found := named(file, original, depth + 1)) is not None:
            return found
    return None


def _imported(path: str, tree: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    """The files that a name may have been imported from, with its name there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    for file in _files(path, node.module or "", node.level):
                        yield file, alias.name


def _modules(path: str, name: str) -> Iterator[str]:
    """The files of the module that a name stands for."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    yield from _files(path, alias.name, 0)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    yield from _files(path, f"{node.module}.{alias.name}" if node.module else alias.name, node.level)


def _files(path: str, module: str, level: int) -> Iterator[str]:
    """The sources of a module as a file of the program imports it: relative to it, or to a folder around it."""
    folder = os.path.dirname(path)
    for _ in range(level - 1):
        folder = os.path.dirname(folder)
    parts = module.split(".") if module else []
    while True:
        stem = os.path.join(folder, *parts)
        for file in (f"{stem}.py", os.path.join(stem, "__init__.py")):
            if naming.source_lines(file):
                yield file
        outer = os.path.dirname(folder)
        if level or outer == folder:
            return
        folder = outer


def parameter(one: Class, call: ast.Call, argument: ast.expr) -> str:
    """The parameter of a class that a call gives an argument for; empty where that is not known."""
    for keyword in call.keywords:
        if keyword.value is argument:
            return keyword.arg or ""
    if argument not in call.args or any(isinstance(given, ast.Starred) for given in call.args):
        return ""
    names: list[str] = []
    for part in one.node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            names = [given.arg for given in (*part.args.posonlyargs, *part.args.args)][1:]
            break
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            names.append(part.target.id)
    place = call.args.index(argument)
    return names[place] if place < len(names) else ""


def attribute(one: Class, name: str) -> str:
    """The attribute in which objects of a class keep what they are given as a parameter; empty where none does."""
    for part in one.node.body:
        match part:
            case ast.AnnAssign(target=ast.Name(id=field)) if field == name:
                return name
            case ast.FunctionDef(name="__init__", body=body):
                for node in body:
                    match node:
                        case (
                            ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=kept)], value=value)
                            | ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=kept), value=value)
                        ) if value is not None and any(
                            isinstance(used, ast.Name) and used.id == name for used in ast.walk(value)
                        ):
                            return kept
    return ""
