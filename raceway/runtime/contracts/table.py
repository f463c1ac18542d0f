"""The contract table and its look-up: which row an operation on an object of some type has. Serves the recorder.

A type is asked for its resolution order and its dictionaries through `type`'s own descriptors, so that no code of the
program runs, whatever its metaclasses do. What was found is kept per type: a method that the program puts into a
container class after its first use is not noticed.
"""

from __future__ import annotations

import functools
import gc
import types
import weakref
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Mapping

from raceway.model.struct import replace
from raceway.model.typing import Any
from raceway.runtime.contracts.bytes import ARRAY, BYTEARRAY
from raceway.runtime.contracts.counters import CHAIN_MAP, COUNTER
from raceway.runtime.contracts.deques import DEQUE
from raceway.runtime.contracts.dicts import DEFAULT_DICT, DICT, ORDERED_DICT
from raceway.runtime.contracts.lists import LIST
from raceway.runtime.contracts.python import PYTHON
from raceway.runtime.contracts.python import TYPES as PYTHON_TYPES
from raceway.runtime.contracts.sets import FROZENSET, SET
from raceway.runtime.contracts.terms import READ_STRUCTURE, WALK, Contract, KeyShape
from raceway.runtime.contracts.views import MAPPING_PROXY, VIEWS


def _seen(row: Contract) -> Contract:
    """A walk that is one step on all interpreters is a look: none comes in between and it sees old or new."""
    if row.effects != (WALK,) or not (row.atomic_gil and row.atomic_free_threaded):
        return row
    return replace(row, effects=(READ_STRUCTURE,))


TABLE: tuple[Contract, ...] = tuple(_seen(row) for row in (
    *LIST, *DICT, *ORDERED_DICT, *DEFAULT_DICT, *COUNTER, *CHAIN_MAP, *SET, *FROZENSET, *DEQUE, *BYTEARRAY, *ARRAY,
    *VIEWS, *MAPPING_PROXY, *PYTHON,
))  # fmt: skip
"""Every row."""

CONTAINERS: dict[str, type] = {
    "list": list,
    "dict": dict,
    "collections.OrderedDict": OrderedDict,
    "collections.defaultdict": defaultdict,
    "collections.Counter": Counter,
    "collections.ChainMap": ChainMap,
    "set": set,
    "frozenset": frozenset,
    "collections.deque": deque,
    "bytearray": bytearray,
    "dict_keys": type({}.keys()),
    "dict_items": type({}.items()),
    "dict_values": type({}.values()),
    "odict_keys": type(OrderedDict[Any, Any]().keys()),
    "odict_items": type(OrderedDict[Any, Any]().items()),
    "odict_values": type(OrderedDict[Any, Any]().values()),
    "mappingproxy": types.MappingProxyType,
    **PYTHON_TYPES,
}
"""The types of the table by name, but for `array.array`, whose module only a program that uses it imports."""

_Shapes = Mapping[KeyShape, Contract]



@functools.cache
def _rows() -> dict[str, dict[str, dict[KeyShape, Contract]]]:
    """The table by container, name and shape; the native core, which has its own, does without it."""
    found: dict[str, dict[str, dict[KeyShape, Contract]]] = {}
    for row in TABLE:
        found.setdefault(row.container, {}).setdefault(row.name, {})[row.shape] = row
    return found


_NAMES = {id(cls): name for name, cls in CONTAINERS.items()}
SEQUENCES = frozenset({"list", "collections.deque", "bytearray", "array.array"})
"""Containers whose items are addressed by position."""
_BEHIND = {id(CONTAINERS[row.container]) for row in TABLE if row.through}

# Functions that copy or show all of a container in one step on every interpreter, and of which types, if not of all.
_WHOLE: dict[str, tuple[type, ...] | None] = {
    **dict.fromkeys(("list", "dict", "sorted", "repr", "ascii", "str", "format", "print")),
    "tuple": (list,),
    "set": (set, dict),
    "frozenset": (set, dict),
}

# What the interpreter uses when a class has no method of the first name.
_STAND_INS = {"__bool__": "__len__", "__contains__": "__iter__"}

_mro = type.__dict__["__mro__"].__get__
_dict = type.__dict__["__dict__"].__get__
_flags = type.__dict__["__flags__"].__get__
_module = type.__dict__["__module__"].__get__
_name = type.__dict__["__name__"].__get__

_IMMUTABLE = 1 << 8
"""The flag of classes made in C, which no program can change or imitate."""


class _Known:
    """What is known of one type, which is not kept alive."""

    __slots__ = ("container", "hooked", "methods", "operators", "reference", "sequence")

    def __init__(self, tp: type) -> None:
        names = [_container_name(cls) for cls in _mro(tp)]
        self.reference = weakref.ref(tp)
        self.container = any(name is not None for name in names)
        self.sequence = any(name in SEQUENCES for name in names)
        # A `__getattribute__` of the program decides what a method call reaches, not the class.
        self.hooked = any(
            name is None and cls is not object and "__getattribute__" in _dict(cls)
            for name, cls in zip(names, _mro(tp), strict=True)
        )
        self.methods: dict[str, Contract | None] = {}
        self.operators: dict[str, _Shapes] = {}


_KNOWN: dict[int, _Known] = {}
_MOST_KNOWN = 4096
"""Programs that make classes without end start afresh here."""


def is_container(tp: type) -> bool:
    """Whether objects of this type are containers of the table, by inheritance too."""
    return _known(tp).container


def is_sequence(tp: type) -> bool:
    """Whether the items of such a container are addressed by position, negative ones counted from the end."""
    return _known(tp).sequence


def whole(tp: type, function: str) -> bool:
    """Whether a built-in function goes over an object of this very type in one step, as its `__repr__` does."""
    only = _WHOLE.get(function, ())
    return id(tp) in _NAMES if only is None else any(tp is cls for cls in only)


def lookup(tp: type, method: str) -> Contract | None:
    """The row of `x.method(...)` for an `x` of type `tp`.

    None when the type is no container, has no such row, or has a method of the program under that name: its body
    tells what it does.
    """
    known = _known(tp)
    try:
        return known.methods[method]
    except KeyError:
        shapes = {} if known.hooked else _shapes(tp, method)
        row = known.methods[method] = shapes.get(KeyShape.KEY)
        return row


def operator(tp: type, name: str, shape: KeyShape = KeyShape.KEY) -> Contract | None:
    """The row of what the interpreter does by this special method (`x[k]`: `__getitem__`), as `lookup` gives it.

    `shape` tells what a subscript is made with. `bool(x)` is `__bool__`.
    """
    known = _known(tp)
    try:
        shapes = known.operators[name]
    except KeyError:
        shapes = known.operators[name] = _shapes(tp, name)
    return shapes.get(shape) or shapes.get(KeyShape.KEY)


def behind(container: object) -> object:
    """The mapping that a view or proxy shows, other objects as they are; calls no code of the program."""
    while id(type(container)) in _BEHIND:
        referents = gc.get_referents(container)
        if not referents:
            break
        container = referents[0]
    return container


def _known(tp: type) -> _Known:
    known = _KNOWN.get(id(tp))
    # An address is used again when its type has died.
    if known is None or known.reference() is not tp:
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        known = _KNOWN[id(tp)] = _Known(tp)
    return known


def _shapes(tp: type, name: str) -> _Shapes:
    """The rows of a method by the shape of the key; none where the program's own method is meant, too."""
    found = _find(tp, name)
    if found is None and name in _STAND_INS:
        found = _find(tp, _STAND_INS[name])
    return found or {}


def _find(tp: type, name: str) -> _Shapes | None:
    """The rows of the first class that has the name, empty if it is not in the table; None when no class has it.

    A row may stand for what a class does by other means (a defaultdict's `__getitem__`), so rows come first.
    """
    for cls in _mro(tp):
        container = _container_name(cls)
        row = _rows()[container].get(name) if container is not None else None
        if row is not None:
            return row
        if name in _dict(cls):
            return {}
    return None


def _container_name(cls: type) -> str | None:
    name = _NAMES.get(id(cls))
    if name is None and _flags(cls) & _IMMUTABLE and _name(cls) == "array" and _module(cls) == "array":
        return "array.array"
    return name
