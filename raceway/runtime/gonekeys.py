"""Keys that a container no longer has.

A location stays for each key that was ever asked for, as somebody else may ask for it yet. A program that keeps
sessions by number, or looks for keys that are not there, has ever new ones. So when many were asked for, those that had
been asked for when there were many before, and that the container does not have, are let go of: who races about such a
key is not told of. A key that is there never goes, but for those of containers whose keys cannot be told, as those of
weak references are, when they are very many.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from raceway.model.typing import Any

LEAST = 3072
"""Keys of a container that are worth looking for those that are gone."""

_MOST = 16 * LEAST
"""Keys of a container that cannot be asked which it has."""


class KeysAsked:
    """The keys of one container that have locations."""

    __slots__ = ("_limit", "_new", "_old")

    def __init__(self) -> None:
        self._old: set[Hashable] = set()
        self._new: set[Hashable] = set()
        self._limit = LEAST

    def add(self, key: Hashable) -> bool:
        """A key is asked for; whether there are so many now that those which are gone should be looked for."""
        if key in self._old or key in self._new:
            return False
        self._new.add(key)
        return len(self._old) + len(self._new) > self._limit

    def gone(self, present: Iterable[Hashable] | None) -> frozenset[Hashable]:
        """The old keys that are not `present` in the container (None: that cannot be told); all others are old now."""
        lost: set[Hashable] = set()
        if present is not None or self._limit >= _MOST:
            lost = self._old.difference(present or ())
            self._old = (self._old - lost) | self._new
            self._new = set()
        if (len(self._old) + len(self._new)) * 3 > self._limit * 2:
            self._limit *= 2
        return frozenset(lost)

    def grow(self, length: int) -> bool:
        """Whether to let all stay, as too few of them can have gone from a container of this length."""
        full = length * 3 > (len(self._old) + len(self._new)) * 2
        self._limit *= 2 if full else 1
        return full


def keys_in(container: Any) -> list[Any] | None:
    """The keys of a dictionary or set, told without code of the program; None of other containers."""
    if issubclass(type(container), dict):
        return list(dict.__iter__(container))
    if issubclass(type(container), (set, frozenset)):
        base: Any = set if issubclass(type(container), set) else frozenset
        return list(base.__iter__(container))
    return None
