"""Ways from what a job was given to what any worker that had it would come to in the same way: over attributes, slots,
classes, closures, defaults, and the names that functions use of their modules. Serves the judgement of workers.

What lies in a container may be the worker's own, found by its number or its name. What is local to threads leads
nowhere. No code of the program is called: instances are read by their own dictionaries and slots. Nothing is kept.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from types import (
    BuiltinMethodType,
    CellType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)

from raceway.model.typing import Any

DEPTH = 6
"""So many steps lead from what all workers are given to what is theirs in common."""

MOST = 4096
"""Objects that are looked at."""

PACKED = 64
"""Things that are found in what a job is packed in."""

SCALARS = frozenset({int, float, str, bytes, bool, type(None)})

_CONTAINERS = frozenset({dict, list, tuple, set, frozenset, deque})
_OWN = (threading.Thread, threading.local, ModuleType)
"""What leads to other things in each thread, or to too many."""


class Ways:
    """What any worker comes to from what it is `given`: what is `common`, and what lies `inside` containers that are,
    where each may find its own."""

    def __init__(self, given: Sequence[object]) -> None:
        self.common: list[object] = []
        self.inside: list[object] = []
        self._seen: set[int] = set()
        self._walk([*given], self.common)
        items: list[object] = []
        for found in self.common:
            items.extend(_items(found))
        self._walk(items, self.inside)

    def lead_to(self, target: object) -> bool:
        """Whether the object is common to all workers."""
        return any(found is target for found in self.common)

    def _walk(self, level: list[object], found: list[object]) -> None:
        for _step in range(DEPTH):
            further: list[object] = []
            for one in level:
                if id(one) not in self._seen and type(one) not in SCALARS and len(self._seen) < MOST:
                    self._seen.add(id(one))
                    found.append(one)
                    further.extend(_next(one))
            level = further


def _next(found: Any) -> Iterable[object]:
    """What an object leads to, but for what it contains."""
    cls = type(found)
    if cls is FunctionType:
        kept = (*(found.__closure__ or ()), *(found.__defaults__ or ()), *(found.__kwdefaults__ or {}).values())
        return (*kept, *_named(found.__code__, found.__globals__))
    if cls is MethodType:
        return (found.__self__, found.__func__)
    if cls is BuiltinMethodType:
        return (found.__self__,)
    if cls is CellType:
        return _contents(found)
    if cls is functools.partial:
        return (found.func, *found.args, *found.keywords.values())
    if issubclass(cls, type):
        return tuple(type.__dict__["__dict__"].__get__(found).values())
    return () if issubclass(cls, _OWN) else tuple(_fields(found, cls))


def _named(code: CodeType, space: dict[str, object]) -> Iterator[object]:
    """What code knows by the names of its module, and what it names in modules that it knows."""
    for name in code.co_names:
        if name in space:
            known = space[name]
            yield known
            if type(known) is ModuleType:
                within = vars(known)
                yield from [within[one] for one in code.co_names if one in within]
    for constant in code.co_consts:
        if type(constant) is CodeType:
            yield from _named(constant, space)


def parts(item: object) -> Sequence[object]:
    """A job as it came out of a queue, and what it was packed with: a function, its arguments."""
    found = [item]
    for one in found:
        room = max(PACKED - len(found), 0)
        if type(one) is tuple or (one is item and type(one) is list):
            found.extend(one[:room])
        elif one is item and type(one) is dict:
            found.extend([*one.values()][:room])
    return found


def _items(found: Any) -> Iterable[object]:
    """What a built-in container has in it."""
    if type(found) not in _CONTAINERS or len(found) > MOST:
        return ()
    return tuple(found.values()) if type(found) is dict else tuple(found)


def _contents(cell: CellType) -> tuple[object, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # empty
        return ()


def _fields(found: object, cls: type) -> Iterator[object]:
    """The values of an instance's attributes."""
    yield cls
    for base in cls.__mro__:
        for name, member in type.__dict__["__dict__"].__get__(base).items():
            if type(member) is MemberDescriptorType and base.__flags__ & _HEAP:
                try:
                    yield member.__get__(found)
                except AttributeError:
                    continue
            elif name == "__dict__" and type(member) is GetSetDescriptorType:
                yield from tuple(member.__get__(found).values())


_HEAP = 1 << 9
"""Flag of types that are made at run time: the members of others are not the program's."""
