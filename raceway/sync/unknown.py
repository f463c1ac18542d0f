"""Which synchronisation the models do not know: types made in C that can be acquired and released, from packages that
are loaded. What they order looks unordered. Serves the report."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType

_KNOWN = frozenset({"_thread", "_multiprocessing", "raceway._native"})
"""Modules whose types have a model, or are used by what has one."""


def unknown_types() -> tuple[str, ...]:
    """The names of such types, sorted."""
    found = {
        f"{cls.__module__}.{cls.__qualname__}"
        for cls in _types(object)
        if "acquire" in vars(cls)  # hardly any has it, and there are many
        and _is_compiled(cls, "acquire")
        and _is_compiled(cls, "release")
        and cls.__module__ not in _KNOWN
    }
    return tuple(sorted(found))


def _types(root: type) -> Iterator[type]:
    seen: set[type] = set()
    waiting = [root]
    while waiting:
        cls: type
        for cls in type.__subclasses__(waiting.pop()):
            if cls not in seen:
                seen.add(cls)
                waiting.append(cls)
                yield cls


def _is_compiled(cls: type, name: str) -> bool:
    method = vars(cls).get(name)
    return method is not None and not isinstance(method, (FunctionType, staticmethod, classmethod, property))
