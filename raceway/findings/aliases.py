"""What a local variable stands for that is given an attribute once: the finding names the attribute.

    def store(self, key):
        kept = self._kept            the items of `Workspace.store.kept` are those of `Workspace._kept`
        if key not in kept: ...

    def __get__(self, owner, kind):
        kept = owner._kept           the same, when one class alone of the program has such an attribute

Told from the source; only what people read is changed, never a fingerprint. Serves the builder of findings.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from raceway.findings import naming
from raceway.findings.syntax import Function, source
from raceway.model.races import ITEM

_OWN = frozenset({"self", "cls"})


class Aliases:
    """The names of what locals stand for; `files` are the sources of the program.

    Who asks file by file has each of them parsed once.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        self._owners: dict[str, str] = {}
        self._tree: tuple[str, ast.AST] = ("", ast.Module([], []))

    def real(self, variable: str, path: str) -> str:
        """The variable, by the attribute that it stands for in this file, if it is such a local."""
        bare = variable.removesuffix(ITEM)
        owner, _, name = bare.rpartition(".")
        around = _scopes(self._tree_of(path), owner.split(".")) if owner and _assigns(path, name) else []
        value = _only_value(around[-1], name) if around and isinstance(around[-1], Function) else None
        if not isinstance(value, ast.Attribute):
            return variable
        classes = [node.name for node in around if isinstance(node, ast.ClassDef)]
        own = isinstance(value.value, ast.Name) and value.value.id in _OWN and classes
        known = f"{'.'.join(classes)}.{value.attr}" if own else self._owner(value.attr)
        return known + variable[len(bare) :] if known else variable

    def _tree_of(self, path: str) -> ast.AST:
        if self._tree[0] != path:
            self._tree = path, naming.parsed(path) or ast.Module([], [])
        return self._tree[1]

    def _owner(self, attribute: str) -> str:
        """The attribute with the one class of the program that gives it to its objects; empty where there are more."""
        if attribute not in self._owners:
            found = set[str]()
            for name in self._given(attribute):
                found.add(name)
                if len(found) > 1:
                    break
            self._owners[attribute] = found.pop() if len(found) == 1 else ""
        return self._owners[attribute]

    def _given(self, attribute: str) -> Iterator[str]:
        gives = re.compile(rf"\b(?:self|cls)\.{attribute}\s*(?::[^=]*)?[,=]|^\s+{attribute}\s*:")
        for path in self._files:
            if any(attribute in text and gives.search(text) for text in naming.source_lines(path)):
                parents = source(path).parents
                for node, around in list(parents.items()):
                    if _gives(node, around, attribute):
                        yield f"{_class_around(node, parents)}.{attribute}"


def _assigns(path: str, name: str) -> bool:
    """Whether the text of a file looks as if it gave a local of this name something: most are asked about in vain."""
    given = re.compile(rf"(?<![.\w]){re.escape(name)}\s*(?::[^=]*)?:?=(?!=)")
    return any(name in text and given.search(text) for text in naming.source_lines(path))


def _gives(node: ast.AST, around: ast.AST, attribute: str) -> bool:
    """Whether an object gets the attribute there: from a method, or as a field of its class."""
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr=given, ctx=ast.Store()):
            return given == attribute and name in _OWN
        case ast.AnnAssign(target=ast.Name(id=given)):
            return given == attribute and isinstance(around, ast.ClassDef)
    return False


def _class_around(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> str:
    names = list[str]()
    while (outer := parents.get(node)) is not None:
        if isinstance(outer, ast.ClassDef):
            names.insert(0, outer.name)
        elif isinstance(outer, Function) and names:
            break
        node = outer
    return ".".join(names)


def _scopes(tree: ast.AST, names: Iterable[str]) -> list[ast.AST]:
    """The classes and functions of a qualified name, outermost first; none where one of them cannot be told."""
    found, scope = list[ast.AST](), tree
    for name in names:
        inner = [
            node
            for node in _body(scope)
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name
        ]
        if len(inner) != 1:
            return []
        scope = inner[0]
        found.append(scope)
    return found


def _body(scope: ast.AST) -> Iterator[ast.AST]:
    """What stands in a scope, without what stands in the scopes inside it."""
    todo = list(ast.iter_child_nodes(scope))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.ClassDef, Function)):
            todo.extend(ast.iter_child_nodes(node))


def _only_value(function: ast.AST, name: str) -> ast.expr | None:
    """What a local is given, where that is done once."""
    if any(isinstance(node, ast.Nonlocal) and name in node.names for node in ast.walk(function)):
        return None
    stored = [node for node in _body(function) if _binds(node, name)]
    for node in _body(function) if len(stored) == 1 else ():
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=given)], value=value)
                | ast.AnnAssign(target=ast.Name(id=given), value=value)
                | ast.NamedExpr(target=ast.Name(id=given), value=value)
            ) if given == name:
                return value
    return None


def _binds(node: ast.AST, name: str) -> bool:
    return (
        (isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.arg) and node.arg == name)
        or (isinstance(node, ast.ExceptHandler) and node.name == name)
    )
