"""Contracts of the weak collections, which are written in Python.

What they do to their items is what the C type they imitate does, but in several steps: nothing of it is atomic.
"""

from __future__ import annotations

import weakref

from raceway.model.struct import replace
from raceway.runtime.contracts.dicts import DICT
from raceway.runtime.contracts.sets import SET
from raceway.runtime.contracts.terms import Contract

TYPES: dict[str, type] = {
    "weakref.WeakSet": weakref.WeakSet,
    "weakref.WeakKeyDictionary": weakref.WeakKeyDictionary,
    "weakref.WeakValueDictionary": weakref.WeakValueDictionary,
}


def _like(container: str, tables: tuple[Contract, ...]) -> tuple[Contract, ...]:
    """The rows of another type for the methods that this one has."""
    methods = dir(TYPES[container])
    note = "in Python, in several steps"
    return tuple(
        replace(row, container=container, atomic_gil=False, atomic_free_threaded=False, note=note)
        for row in tables
        if row.name in methods
    )


PYTHON = (
    *_like("weakref.WeakSet", SET),
    *_like("weakref.WeakKeyDictionary", DICT),
    *_like("weakref.WeakValueDictionary", DICT),
)
