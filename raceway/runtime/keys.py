"""Keys of items: what stands for a key in a location, so that equal keys have one location and others have others.

Code of the program is never called for it. Keys are told by value where no such code decides what is equal: those of
builtin types, and of classes that inherit how these compare and hash; values of the standard library; instances of
classes whose `__eq__` and `__hash__` `dataclasses` or attrs have generated, by their class and their fields
(`runtime/keyrules.py` tells which). All others are told by the identity of the object.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Hashable
from types import FunctionType

from raceway.model.typing import Any
from raceway.runtime.identity import Identity
from raceway.runtime.keyrules import Facts, Rule, decide, is_time_zone

SCALARS = frozenset({int, str, float, bytes, bool, complex, type(None)})
_DEPTH = 4
"""Keys within keys that are told by their parts."""

_LARGEST = 2.0**256
"""Numbers below are worth being made whole ones of, to see whether they are."""

_FACTS = "what keys are told by"
"""Among the notes on a class, whose other names are those of attributes."""


class Keys:
    """What stands for keys."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._ways: dict[Rule, Callable[[Any, Facts, int], Hashable]] = {
            Rule.COPY: lambda key, facts, _depth: facts.copy(key),
            Rule.VALUE: lambda key, _facts, _depth: key,
            Rule.MOMENT: lambda key, _facts, _depth: key if is_time_zone(key.tzinfo) else None,
            Rule.DECIMAL: lambda key, _facts, _depth: _decimal(key),
            Rule.FRACTION: lambda key, facts, _depth: _fraction(*facts.values(key)),
            Rule.METHOD: lambda key, _facts, _depth: self._method(key),
            Rule.PATH: lambda key, facts, _depth: _path(*facts.values(key)),
            Rule.ITEMS: lambda key, _facts, depth: self._items(key, depth),
            Rule.MEMBERS: lambda key, _facts, depth: self._members(key, depth),
            Rule.FIELDS: self._fields,
        }

    def of(self, key: Any, depth: int = 0) -> Hashable:
        """A key by value where that is safe, else by the identity of the object."""
        tp = type(key)
        if tp in SCALARS:
            return key  # type: ignore[no-any-return]
        if tp is tuple:
            found: Hashable = self._items(key, depth)
        else:
            facts = self._facts(tp)
            found = None if facts.rule is Rule.IDENTITY else self._ways[facts.rule](key, facts, depth)
        return ("object", self._identity.of(key).serial) if found is None else found

    def is_plain(self, key: Any, depth: int = 0) -> bool:
        """Whether a key is compared and hashed without code of the program: a scalar, an object that is equal to itself
        only, or a tuple of such."""
        tp = type(key)
        if tp in SCALARS:
            return True
        facts = self._facts(tp)
        if facts.rule is Rule.ITEMS and depth < _DEPTH:
            return all(self.is_plain(part, depth + 1) for part in tuple.__iter__(key))
        return facts.is_bare or facts.rule in (Rule.COPY, Rule.VALUE)

    def _facts(self, tp: type) -> Facts:
        entry = self._identity.of(tp)
        if entry.notes is None:
            entry.notes = {}
        facts: Facts | None = entry.notes.get(_FACTS)
        if facts is None:
            facts = entry.notes[_FACTS] = decide(tp)
        return facts

    def _items(self, key: Any, depth: int) -> Hashable:
        if depth == _DEPTH:
            return None
        return ("parts", *(self.of(part, depth + 1) for part in tuple.__iter__(key)))

    def _members(self, key: Any, depth: int) -> Hashable:
        if depth == _DEPTH:
            return None
        return "members", frozenset(self.of(part, depth + 1) for part in frozenset.__iter__(key))

    def _fields(self, key: Any, facts: Facts, depth: int) -> Hashable:
        values = facts.values(key) if depth < _DEPTH else ()
        if len(values) < len(facts.fields) or depth == _DEPTH:
            return None
        return ("fields", self._identity.of(type(key)).serial, *(self.of(value, depth + 1) for value in values))

    def _method(self, key: Any) -> Hashable:
        """A method of an object is made anew each time."""
        if type(key.__func__) is not FunctionType:
            return None
        return "method", self._identity.of(key.__self__).serial, self._identity.of(key.__func__).serial


def _number(hashed: int, near: float | None) -> Hashable:
    """A number by its hash, which is the same for equal ones of all types, and by the nearest float; None for a
    fraction that is beyond all floats, which equals none of them, infinity neither, whatever its hash."""
    return near if near is not None and hash(near) == hashed else ("number", hashed, near)


def _decimal(key: Any) -> Hashable:
    tp: Any = type(key)
    try:
        near = tp.__float__(key)
    except ValueError:
        return None  # a signalling NaN
    if math.isnan(near):
        return None
    hashed = tp.__hash__(key)
    if hash(near) != hashed and abs(near) < _LARGEST and hash(whole := tp.__int__(key)) == hashed:
        return int(whole)
    return _number(hashed, near)


def _fraction(numerator: Any = None, denominator: Any = None) -> Hashable:
    if type(numerator) is not int or type(denominator) is not int:
        return None
    if denominator == 1:
        return numerator
    near: float | None = None
    with contextlib.suppress(OverflowError):
        near = numerator / denominator
    try:
        hashed = hash(hash(abs(numerator)) * pow(denominator, -1, sys.hash_info.modulus))
    except ValueError:
        hashed = sys.hash_info.inf
    hashed = -hashed if numerator < 0 else hashed
    return _number(-2 if hashed == -1 else hashed, near)


def _path(texts: Any = None) -> Hashable:
    """By what it was made of, as what it is to be compared by may not be known yet."""
    if type(texts) is not list or any(type(text) is not str for text in texts):
        return None
    root, parts = "", list[str]()
    for text in texts:
        slashes = len(text) - len(text.lstrip("/"))
        if slashes:
            root, parts = "//" if slashes == 2 else "/", []
        parts += (part for part in text.split("/") if part not in {"", "."})
    return "path", root, *parts
