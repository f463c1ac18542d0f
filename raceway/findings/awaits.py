"""Which awaits may suspend their task, as far as the modules that are watched tell.

A coroutine that awaits nothing suspends nobody, nor does one that only awaits such. By name, as the objects behind a
name are not known: all coroutines of that name have to be so. What has no coroutine of its name here may suspend.
"""

from __future__ import annotations

from collections.abc import Iterable

from raceway.model.sites import OTHER, Site

_CANCELLED_ONLY = frozenset({"checkpoint_if_cancelled"})
"""Of trio and anyio: these suspend only who is cancelled, and nobody goes on after that."""


class Awaits:
    """What the coroutines of a run await, by their names."""

    def __init__(self) -> None:
        self._of: dict[str, set[str]] = {name: set() for name in _CANCELLED_ONLY}
        self._quiet: frozenset[str] | None = None

    def add(self, site: Site) -> None:
        """Note what the first site of a module tells."""
        for name, awaited in site.coroutines:
            self._of.setdefault(name, set()).update(awaited)

    def may_suspend(self, names: Iterable[str]) -> bool:
        """Whether any of what is awaited may."""
        if self._quiet is None:
            self._quiet = self._find_quiet()
        return any(name not in self._quiet for name in names)

    def _find_quiet(self) -> frozenset[str]:
        quiet = frozenset(self._of)
        while True:
            left = frozenset(name for name in quiet if OTHER not in self._of[name] and self._of[name] <= quiet)
            if left == quiet:
                return quiet
            quiet = left
