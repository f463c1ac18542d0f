"""Which synchronisation the models do not know: types made in C that can be acquired and released, from packages that
are loaded. What they order looks unordered. Serves the report."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType

_KNOWN = frozenset({"_thread", "_multiprocessing", "raceway._native"})
"""Modules whose types have a model, or are used by what has one."""

# Metaclasses may have attributes of these names: what they run is not ours to call.
_dict = type.__dict__["__dict__"].__get__
_module = type.__dict__["__module__"].__get__
_qualname = type.__dict__["__qualname__"].__get__


def unknown_types() -> tuple[str, ...]:
    """The names of such types, sorted."""
    found = {
        f"{module}.{_qualname(cls)}"
        for cls in _types(object)
        if _is_compiled(cls, "acquire") and _is_compiled(cls, "release")
        if type(module := _module(cls)) is str and module not in _KNOWN
    }
    return tuple(sorted(found))


def _types(root: type) -> Iterator[type]:
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        cls: type
        for cls in type.__subclasses__(waiting.pop()):
            if id(cls) not in seen:  # metaclasses may say what is equal, too
                seen.add(id(cls))
                waiting.append(cls)
                yield cls


def _is_compiled(cls: type, name: str) -> bool:
    method = _dict(cls).get(name)
    return method is not None and not isinstance(method, (FunctionType, staticmethod, classmethod, property))
