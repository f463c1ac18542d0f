"""Locks that objects get from their classes: fields of dataclasses and attrs with a factory that makes a lock.

    @dataclass
    class Bank:
        lock: Lock = field(default_factory=Lock)

The lock is made where `Bank()` is called, by code that has no source. Serves `findings.locknames`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

LOCKS = frozenset("Lock RLock Condition Semaphore BoundedSemaphore CapacityLimiter allocate_lock".split())
"""What makes a lock is called like this, in whichever module."""

SEMAPHORES = frozenset({"Semaphore", "BoundedSemaphore", "CapacityLimiter"})
"""Those that may let several in."""

_FACTORIES = frozenset({"default_factory", "factory"})


def lock_fields(node: ast.ClassDef) -> Iterator[str]:
    """The fields of a class whose factory makes a lock."""
    for part in node.body:
        match part:
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(args=arguments, keywords=keywords))
                | ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(args=arguments, keywords=keywords))
            ):
                factories = [keyword.value for keyword in keywords if keyword.arg in _FACTORIES]
                made = [keyword.value for keyword in keywords if keyword.arg == "default"]
                wrapped = [value for value in (*arguments, *made) if isinstance(value, ast.Call)]
                if any(map(makes_lock, [*factories, *wrapped])):
                    yield name


def makes_lock(factory: ast.expr) -> bool:
    """Whether it is `Lock` or `threading.Lock`, `lambda: Lock()`, or attrs' `Factory(Lock)`."""
    match factory:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in LOCKS
        case ast.Lambda(body=ast.Call(func=made)):
            return makes_lock(made)
        case ast.Call(func=ast.Name(id="Factory") | ast.Attribute(attr="Factory"), args=[made, *_]):
            return makes_lock(made)
    return False
