"""Where an attribute lives: in the object, in its class, or nowhere that is watched.

A name that the class answers with a property or another data descriptor is not a place: the descriptor's own code is
instrumented instead. A cached property is kept in the object by `functools`, which publishes it. Only the class
dictionaries are read; nothing of the program is called.
"""

from __future__ import annotations

import enum
import functools
import opcode
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


def _is_plain(cls: type, store: bool) -> bool:
    """Whether the class, which is made in C, fills its slot with the function that `object` has, as many do.

    `tp_getattro` and `tp_setattro` are fields 15 and 16 after the head of a type: CPython, Include/cpython/object.h.
    """
    try:
        import ctypes
    except ImportError:
        return False
    word = ctypes.sizeof(ctypes.c_void_p)
    place = object.__basicsize__ + word * (1 + 15 + store)
    own, plain = (ctypes.c_void_p.from_address(id(one) + place).value for one in (cls, object))
    return own == plain


def _passes_on(function: types.FunctionType) -> bool:
    """Whether it only passes on what it gets: no taps, so that nothing that it touches is seen, and no `with`.

    That may hold a lock meanwhile.
    """
    code = function.__code__
    enters = opcode.opmap["BEFORE_WITH"] in code.co_code[::2]
    return not enters and not any(type(one).__module__.startswith("raceway") for one in code.co_consts)


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
        if found is None:
            return True
        cls, value = found
        if cls in (object, type, types.ModuleType):
            return False
        return type(value) is not types.WrapperDescriptorType or not _is_plain(cls, store)

    def stores_unseen(self, tp: type) -> bool:
        """Whether attributes are stored by code that nobody sees, and read plainly."""
        if not self.hooks(tp, store=True) or self.hooks(tp, store=False):
            return False
        found = find(tp, "__setattr__")
        hook = None if found is None else found[1]
        plain = isinstance(hook, types.FunctionType) and _passes_on(hook)
        return plain or type(hook) is types.WrapperDescriptorType

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


def stores_here(target: Any, tp: type, name: str) -> bool:
    """Whether the object has the name already, so that code which stores it does so there, as far as that is known. It
    may belong to another object, for which this one stands, otherwise."""
    found = find(tp, name)
    return holds(target, name) if found is None else isinstance(found[1], types.MemberDescriptorType)


def holds(target: Any, name: str) -> bool:
    """Whether the object itself has the attribute, in its own dictionary."""
    try:
        return name in object.__getattribute__(target, "__dict__")
    except AttributeError:
        return False
