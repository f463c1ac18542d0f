"""Where an attribute lives: in the object, in its class, or nowhere that is watched.

A name that the class answers with a property or another data descriptor is not a place: the descriptor's own code is
instrumented instead. A cached property is kept in the object by `functools`, which publishes it. Only the class
dictionaries are read; nothing of the program is called.
"""

from __future__ import annotations

import enum
import functools
import types

from raceway.model.typing import Any
from raceway.runtime.identity import Identity

_MRO = type.__dict__["__mro__"]
_DICT = type.__dict__["__dict__"]
_QUALNAME = type.__dict__["__qualname__"]
_OBJECT = object.__dict__
_TYPE = type.__dict__


class Home(enum.Enum):
    """The answer for one class and name."""

    FIELD = "field"
    CLASS = "class"
    SKIP = "skip"
    CACHED = "cached"


def type_name(tp: type) -> str:
    """The qualified name of a class, without the functions around it."""
    return str(_QUALNAME.__get__(tp)).rpartition("<locals>.")[2]


def find(tp: type, name: str) -> tuple[type, Any] | None:
    """The class in the resolution order of `tp` that defines `name`, and what it holds."""
    for cls in _MRO.__get__(tp):
        namespace = _DICT.__get__(cls)
        if name in namespace:
            return cls, namespace[name]
    return None


def _is_data_descriptor(value: Any) -> bool:
    return find(type(value), "__set__") is not None or find(type(value), "__delete__") is not None


class Attributes:
    """Answers, cached with the class's identity."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def home(self, tp: type, name: str) -> tuple[Home, type | None]:
        """Where instances of `tp` keep `name`, and the class that holds it when it is a class attribute."""
        entry = self._identity.of(tp)
        notes = entry.notes
        if notes is None:
            notes = entry.notes = {}
        answer: tuple[Home, type | None] | None = notes.get(name)
        if answer is None:
            answer = notes[name] = self._decide(tp, name)
        return answer

    def hooks(self, tp: type, store: bool) -> bool:
        """Whether the class has attribute access of its own, whose code says what is really touched."""
        found = find(tp, "__setattr__" if store else "__getattribute__")
        return found is None or found[0] not in (object, type, types.ModuleType)

    @staticmethod
    def _decide(tp: type, name: str) -> tuple[Home, type | None]:
        found = find(tp, name)
        if found is None:
            return Home.FIELD, None
        cls, value = found
        if isinstance(value, types.MemberDescriptorType):
            return Home.FIELD, None
        if _is_data_descriptor(value):
            return Home.SKIP, None
        if issubclass(type(value), functools.cached_property):
            return Home.CACHED, None
        if find(type(value), "__get__") is not None:
            return Home.SKIP, None
        return Home.CLASS, cls


def holds(target: Any, name: str) -> bool:
    """Whether the object itself has the attribute, in its own dictionary."""
    try:
        return name in object.__getattribute__(target, "__dict__")
    except AttributeError:
        return False
