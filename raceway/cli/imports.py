"""Keeps what Raceway imports apart from what the program does to imports. Serves the command line.

A `queue.py` next to the program is what the program imports as `queue`, while Raceway has the standard library's. A
program may also empty `sys.modules` or `sys.meta_path`: the report still finds what it needs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module

from raceway.model.typing import Any

_OWN = "raceway"
_KEPT = {_OWN, "libcst", "__main__"}  # libcst imports parts of itself late

_LISTS = ("path", "meta_path", "path_hooks")
_LATER = (
    "autoinstrument", "children", "cli", "detector", "findings", "model", "outcome", "report", "runtime", "sync",
    "transform",
)  # fmt: skip
"""Our packages of which parts are imported while the program runs, or after it."""


@contextmanager
def aside() -> Iterator[None]:
    """What is imported meanwhile is not looked for next to the program."""
    first = [] if sys.flags.safe_path else sys.path[:1]
    del sys.path[: len(first)]
    try:
        yield
    finally:
        sys.path[:0] = first


def give_way(plain: Container[str], directory: str | None = None) -> None:
    """Have the program import what lies next to it, also where we have imported something that is called the same.

    `plain` has the modules that the interpreter starts with. The directory is the first one that is searched, unless it
    is named: then it is going to be that.
    """
    searched = directory is None
    beside = [] if sys.flags.safe_path else [name for name in _beside(directory or sys.path[0]) if name not in plain]
    if beside:
        with aside() if searched else nullcontext():
            _import_rest()
        _forget(name for name in beside if getattr(_spec(name), "has_location", False))  # else it is found first


def plain_modules() -> frozenset[str]:
    """The modules that this interpreter had when it had started: a module that has run moves to the end."""
    names = list(sys.modules)
    return frozenset(names[: names.index("site")] if "site" in names else names)


class Remembered:
    """How imports were when the program began."""

    def __init__(self) -> None:
        self._modules = {name: module for name, module in sys.modules.items() if name != "__main__"}
        self._lists: dict[str, list[Any]] = {name: list(getattr(sys, name)) for name in _LISTS}

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """Have them like that, where anything is missing now, and afterwards as they are now."""
        modules = {name: module for name, module in self._modules.items() if sys.modules.get(name) is not module}
        replaced = {name: sys.modules[name] for name in modules if name in sys.modules}
        lists = {name: getattr(sys, name, []) for name in _LISTS}
        lists = {name: now for name, now in lists.items() if any(item not in now for item in self._lists[name])}
        sys.modules.update(modules)
        for name in lists:
            setattr(sys, name, self._lists[name])
        try:
            yield
        finally:
            for name, now in lists.items():
                setattr(sys, name, now)
            for name in modules:
                sys.modules.pop(name, None)
            sys.modules.update(replaced)


def _beside(directory: str) -> Iterator[str]:
    """Modules in the directory that are called like one that we may import."""
    try:
        entries = set(os.listdir(directory or os.curdir))
    except OSError:
        return
    ours = (sys.stdlib_module_names | sys.modules.keys() | {"msgspec"}) - _KEPT
    for name in sorted({entry.partition(".")[0] for entry in entries} & ours):
        if not entries.isdisjoint((f"{name}.py", f"{name}.pyc")) or _is_package(directory, name):
            yield name


def _spec(name: str) -> object:
    return getattr(sys.modules.get(name), "__spec__", None)


def _is_package(directory: str, name: str) -> bool:
    return os.path.exists(os.path.join(directory, name, "__init__.py"))


def _import_rest() -> None:
    """Import what would otherwise be imported when the program's namesakes are in the way."""
    for package in _LATER:
        folder = os.path.join(os.path.dirname(os.path.dirname(__file__)), package)
        for entry in sorted(os.listdir(folder)):
            stem, suffix = os.path.splitext(entry)
            if suffix == ".py" and not stem.startswith("__"):
                with suppress(Exception):  # what it needs may be of another version, or lacking
                    import_module(f"{_OWN}.{package}.{stem}")


def _forget(names: Iterable[str]) -> None:
    for name in names:
        for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
            del sys.modules[known]
