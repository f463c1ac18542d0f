"""Locks that objects get from their classes: fields of dataclasses and attrs with a factory that makes a lock.

    @dataclass
    class Bank:
        lock: Lock = field(default_factory=Lock)

The lock is made where `Bank()` is called, by code that has no source. Serves `findings.naming`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_LOCKS = frozenset("Lock RLock Condition Semaphore BoundedSemaphore".split())
_FACTORIES = frozenset({"default_factory", "factory"})


def lock_field(tree: ast.Module, line: int) -> str:
    """The one such field of the one class with any that is called in a line; else empty."""
    fields = {node.name: list(_lock_fields(node)) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.lineno <= line
        if line <= (node.end_lineno or node.lineno) and fields.get(node.func.id)
    }
    name = called.pop() if len(called) == 1 else ""
    return f"{name}.{fields[name][0]}" if name and len(fields[name]) == 1 else ""


def _lock_fields(node: ast.ClassDef) -> Iterator[str]:
    for part in node.body:
        match part:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(args=arguments, keywords=keywords)):
                factories = [keyword.value for keyword in keywords if keyword.arg in _FACTORIES]
                made = [keyword.value for keyword in keywords if keyword.arg == "default"]
                wrapped = [value for value in (*arguments, *made) if isinstance(value, ast.Call)]
                if any(map(_makes_lock, [*factories, *wrapped])):
                    yield name


def _makes_lock(factory: ast.expr) -> bool:
    """Whether it is `Lock` or `threading.Lock`, `lambda: Lock()`, or attrs' `Factory(Lock)`."""
    match factory:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _LOCKS
        case ast.Lambda(body=ast.Call(func=made)):
            return _makes_lock(made)
        case ast.Call(func=ast.Name(id="Factory") | ast.Attribute(attr="Factory"), args=[made, *_]):
            return _makes_lock(made)
    return False
