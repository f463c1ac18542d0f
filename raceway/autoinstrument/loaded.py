"""The modules that are loaded, looked at without running what some of them run when they are asked for an attribute.

Lazy modules load themselves then, and any object may stand in `sys.modules`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from types import ModuleType

from raceway.model.typing import Any

_variables = vars(ModuleType)["__dict__"].__get__


def loaded() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and variables of every module; those that have yet to load are left out."""
    lazy = getattr(sys.modules.get("importlib.util"), "_LazyModule", None)
    for name, module in list(sys.modules.items()):
        kind = type(module)
        if type(name) is str and kind is not lazy and issubclass(kind, ModuleType):
            yield name, _variables(module)


def file_of(variables: dict[str, Any]) -> str | None:
    """The file that a module says it is from. From a program that has ended the interpreter takes `__file__` away."""
    file = variables.get("__file__")
    if file is None and type(loader := variables.get("__loader__")) is SourceFileLoader:
        file = loader.path
    return file if isinstance(file, str) else None
