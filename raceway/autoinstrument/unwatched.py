"""What ran as plain Python in a run, and why: the modules that the hook left alone, counted by reason."""

from __future__ import annotations

import sys
from collections.abc import Container

from raceway.autoinstrument.loaded import file_of, loaded
from raceway.autoinstrument.scope import Reason, Scope
from raceway.model.findings import Unwatched

_OURS = frozenset({"raceway", "libcst", "msgspec", "rich", "httpx", "typing_extensions", "_distutils_hack"})
"""What Raceway brings in, and setuptools at the start of every interpreter."""
_SILENT = frozenset({Reason.RACEWAY, Reason.MAIN, Reason.OWN, Reason.INCLUDED})
"""Reasons of modules that are watched, or named under `not_seen` when something kept them from it."""


def unwatched(scope: Scope, watched: Container[str]) -> tuple[Unwatched, ...]:
    """The modules that are imported and not watched. Raceway's own dependencies are left out unless watched."""
    counts: dict[Reason, int] = {}
    packages: dict[Reason, dict[str, None]] = {}
    for name, variables in loaded():
        package = name.partition(".")[0]
        if name in watched or package in _OURS or name in ("__main__", "__mp_main__"):
            continue
        reason = scope.reason(name, file_of(variables))
        if reason in _SILENT:
            continue
        reason = Reason.STANDARD_LIBRARY if package in sys.stdlib_module_names else reason
        counts[reason] = counts.get(reason, 0) + 1
        if reason is not Reason.STANDARD_LIBRARY:
            packages.setdefault(reason, {})[package] = None
    return tuple(Unwatched(reason.value, number, tuple(packages.get(reason, ()))) for reason, number in counts.items())
