"""Reads that ask whether the reader itself is the owner, as locks that may be taken again do:
`if self.owner == get_ident()`.

Where all that is written is a thread's own identity, or that there is no owner, no order is needed: nobody but the
reader stores the identity of the reader, so what the others store in the meantime gives the same answer. Told from the
source of both sides.
"""

from __future__ import annotations

import ast
from functools import lru_cache

from raceway.findings import naming
from raceway.findings.syntax import spelled
from raceway.model.sites import Context, Site, SiteForm

_IDENTITIES = frozenset({"get_ident", "get_native_id", "current_thread"})
_EQUAL = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)
_COMPARED = ("=", " is ")

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Scope = ast.Module | _Function | ast.Lambda


def asks_for_itself(reader: tuple[str, Site], writer: tuple[str, Site]) -> bool:
    """Whether the reader compares what is there with its own identity, and the writer stores its own or none."""
    path, site = reader
    if not any(word in naming.source_line(path, site.line) for word in _COMPARED):
        return False
    return _compares(path, site) and _stores(*writer)


@lru_cache(maxsize=8)
def _parsed(path: str) -> ast.Module | None:
    return naming.parsed(path)


def _compares(path: str, site: Site) -> bool:
    where = site.line, site.column, site.end_line, site.end_column
    nodes = _nodes(path)
    for scope, node in nodes:
        if isinstance(node, ast.Compare):
            for this, other in _compared(node):
                if _place(this) == where and _is_identity(other, scope):
                    return True
        elif isinstance(node, ast.Assign) and _place(node.value) == where and isinstance(scope, _FUNCTIONS):
            return all(isinstance(to, ast.Name) and _only_compared(to.id, scope) for to in node.targets)
    return False


def _place(node: ast.expr) -> tuple[int, int, int | None, int | None]:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _compared(node: ast.Compare) -> tuple[tuple[ast.expr, ast.expr], ...]:
    """Both sides of a test for being the same, each with the other one."""
    if len(node.ops) != 1 or not isinstance(node.ops[0], _EQUAL):
        return ()
    sides = node.left, node.comparators[0]
    return sides, sides[::-1]


def _only_compared(name: str, scope: _Function) -> bool:
    """Whether a local is used for nothing but being compared with the own identity."""
    uses = [node.ctx for node in ast.walk(scope) if isinstance(node, ast.Name) and node.id == name]
    read = sum(isinstance(use, ast.Load) for use in uses)
    tests = (pair for node in ast.walk(scope) if isinstance(node, ast.Compare) for pair in _compared(node))
    asked = sum(isinstance(this, ast.Name) and this.id == name and _is_identity(other, scope) for this, other in tests)
    return asked == read == len(uses) - 1


def _stores(path: str, site: Site) -> bool:
    if site.context is not Context.STORE or site.form is SiteForm.METHOD:
        return False
    return any(
        isinstance(node, ast.Assign)
        and node.lineno == site.line
        and ((isinstance(node.value, ast.Constant) and not node.value.value) or _is_identity(node.value, scope))
        for scope, node in _nodes(path)
    )


def _nodes(path: str) -> list[tuple[_Scope, ast.AST]]:
    """All nodes of a file with the function that they are in."""
    tree = _parsed(path)
    found: list[tuple[_Scope, ast.AST]] = []
    todo: list[tuple[_Scope, ast.AST]] = [] if tree is None else [(tree, tree)]
    while todo:
        scope, node = todo.pop()
        found.append((scope, node))
        inner = node if isinstance(node, _Scope) else scope
        todo.extend((inner, child) for child in ast.iter_child_nodes(node))
    return found


def _is_identity(node: ast.AST, scope: _Scope) -> bool:
    """Whether the value is the identity of who computes it, or a variable that the function gives no other value."""
    if isinstance(node, ast.Attribute) and node.attr in ("ident", "native_id"):
        node = node.value
    if isinstance(node, ast.Call):
        return spelled(node.func) in _IDENTITIES
    if not isinstance(node, ast.Name) or isinstance(scope, ast.Module):
        return False
    values = [
        one.value
        for one in ast.walk(scope)
        if isinstance(one, ast.Assign) and any(isinstance(to, ast.Name) and to.id == node.id for to in one.targets)
    ]
    stored = sum(
        isinstance(one, ast.Name) and one.id == node.id and not isinstance(one.ctx, ast.Load) for one in ast.walk(scope)
    )
    parameters = {one.arg for one in ast.walk(scope) if isinstance(one, ast.arg)}
    calls = all(isinstance(value, (ast.Call, ast.Attribute)) and _is_identity(value, scope) for value in values)
    return bool(values) and stored == len(values) and calls and node.id not in parameters
