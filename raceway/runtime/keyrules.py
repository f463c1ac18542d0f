"""What the keys of one class are told by, worked out from the classes alone: see `runtime/keys.py`, which does it."""

from __future__ import annotations

import enum
import os
import sys
import types
from collections.abc import Callable, Hashable

from raceway.model.struct import Struct
from raceway.model.typing import Any
from raceway.runtime.attributes import find

_DICT = type.__dict__["__dict__"]
_FLAGS = type.__dict__["__flags__"]
_MODULE = type.__dict__["__module__"]
_NAME = type.__dict__["__name__"]
_IMMUTABLE, _HEAP = 1 << 8, 1 << 9
_MOST_FIELDS = 64


class Rule(enum.Enum):
    """The ways. `COPY`, of exactly a builtin type, and `VALUE`, itself, are compared without code of the program."""

    IDENTITY = "identity"
    COPY = "copy"
    VALUE = "value"
    MOMENT = "moment"
    DECIMAL = "decimal"
    FRACTION = "fraction"
    METHOD = "method"
    PATH = "path"
    ITEMS = "items"
    MEMBERS = "members"
    FIELDS = "fields"


Field = tuple[str, types.MemberDescriptorType | None]
"""A name, and the slot that holds it where that is not the dictionary of the instance."""


class Facts(Struct):
    """What the keys of one class are told by. `is_bare`: they compare and hash as `object` does."""

    rule: Rule
    fields: tuple[Field, ...] = ()
    copy: Callable[[Any], Hashable] = id
    is_bare: bool = False

    def values(self, key: Any) -> tuple[Any, ...]:
        """What the instance has in its fields; nothing where it lacks one."""
        try:
            own = object.__getattribute__(key, "__dict__") if any(slot is None for _name, slot in self.fields) else {}
            return tuple([own[name] if slot is None else slot.__get__(key) for name, slot in self.fields])
        except (AttributeError, KeyError):
            return ()


IDENTITY = Facts(Rule.IDENTITY)
_BARE = Facts(Rule.IDENTITY, is_bare=True)
_EQUALS, _HASHES = object.__dict__["__eq__"], object.__dict__["__hash__"]


def _copy_of_float(key: float) -> Hashable:
    value = float.__pos__(key)
    return value if value == value else None  # noqa: PLR0124 (no NaN is equal to another)


def _copy_of_complex(key: complex) -> Hashable:
    value = complex.__pos__(key)
    return value if value == value else None  # noqa: PLR0124


_BUILTINS: dict[type, Facts] = {
    str: Facts(Rule.COPY, copy=str.__str__),
    int: Facts(Rule.COPY, copy=int.__int__),
    tuple: Facts(Rule.ITEMS),
    float: Facts(Rule.COPY, copy=_copy_of_float),
    bytes: Facts(Rule.COPY, copy=lambda key: bytes.__getitem__(key, slice(None))),
    complex: Facts(Rule.COPY, copy=_copy_of_complex),
    frozenset: Facts(Rule.MEMBERS),
}

_OF_C = {
    ("builtins", "range"): Rule.VALUE,
    ("builtins", "method"): Rule.METHOD,
    ("datetime", "date"): Rule.VALUE,
    ("datetime", "timedelta"): Rule.VALUE,
    ("datetime", "timezone"): Rule.VALUE,
    ("datetime", "datetime"): Rule.MOMENT,
    ("datetime", "time"): Rule.MOMENT,
    ("decimal", "Decimal"): Rule.DECIMAL,
}
"""Types of C, of which only instances of exactly these are told by value."""

_PATH = (Rule.PATH, ("_parts" if sys.version_info < (3, 12) else "_raw_paths",))
_LIBRARY: dict[tuple[object, str], tuple[Rule, tuple[str, ...]]] = {
    ("uuid", "UUID"): (Rule.FIELDS, ("int",)),
    ("fractions", "Fraction"): (Rule.FRACTION, ("_numerator", "_denominator")),
    ("ipaddress", "IPv4Address"): (Rule.FIELDS, ("_ip",)),
    ("ipaddress", "IPv6Address"): (Rule.FIELDS, ("_ip", "_scope_id")),
    ("ipaddress", "IPv4Interface"): (Rule.FIELDS, ("_ip", "_prefixlen")),
    ("ipaddress", "IPv6Interface"): (Rule.FIELDS, ("_ip", "_scope_id", "_prefixlen")),
    ("ipaddress", "IPv4Network"): (Rule.FIELDS, ("network_address", "netmask")),
    ("ipaddress", "IPv6Network"): (Rule.FIELDS, ("network_address", "netmask")),
    ("pathlib", "PurePosixPath"): _PATH,
    ("pathlib", "PosixPath"): _PATH,
    ("pathlib._local", "PurePosixPath"): _PATH,
    ("pathlib._local", "PosixPath"): _PATH,
}
"""Classes of the standard library whose `__eq__` and `__hash__` are code of Python, by their module."""


def decide(tp: type) -> Facts:
    """What keys of a class are told by."""
    eq, hashed = find(tp, "__eq__"), find(tp, "__hash__")
    if eq is None or hashed is None:
        return IDENTITY
    if eq[1] is _EQUALS and hashed[1] is _HASHES:
        return _BARE
    for base, facts in _BUILTINS.items():
        inherited = eq[1] is base.__dict__["__eq__"] and hashed[1] is base.__dict__["__hash__"]
        if inherited and issubclass(tp, base):
            return facts
    if _is_of_c(tp):
        return Facts(_OF_C.get((_MODULE.__get__(tp), _NAME.__get__(tp)), Rule.IDENTITY))
    if type(eq[1]) is not types.FunctionType or type(hashed[1]) is not types.FunctionType:
        return IDENTITY
    codes = eq[1].__code__, hashed[1].__code__
    return _of_library(tp, *codes) or (_generated(tp, eq[0], *codes) if eq[0] is hashed[0] else IDENTITY)


def is_time_zone(zone: object) -> bool:
    """Whether a time zone, or none, is asked without code of the program."""
    tp = type(zone)
    return zone is None or (_is_of_c(tp) and (_MODULE.__get__(tp), _NAME.__get__(tp)) == ("datetime", "timezone"))


def _is_of_c(tp: type) -> bool:
    """Whether a type was made in C, so that no program changes it."""
    return bool(_FLAGS.__get__(tp) & (_HEAP | _IMMUTABLE) != _HEAP)


def _of_library(tp: type, *codes: types.CodeType) -> Facts | None:
    module = _DICT.__get__(tp).get("__module__")
    known = _LIBRARY.get((module, _NAME.__get__(tp))) if type(module) is str else None
    if known is None:
        return None
    path = os.path.join(getattr(sys, "_stdlib_dir", ""), *module.split(".")) + ".py"
    return _by_fields(tp, *known) if all(code.co_filename == path for code in codes) else None


def _generated(tp: type, cls: type, equals: types.CodeType, hashes: types.CodeType) -> Facts:
    """By all fields that the generated functions ask for, if that is what they are."""
    own = _DICT.__get__(cls)
    files = equals.co_filename, hashes.co_filename
    by_dataclasses = files == ("<string>", "<string>") and type(own.get("__dataclass_fields__")) is dict
    by_attrs = "__attrs_attrs__" in own and all(file.startswith("<attrs generated ") for file in files)
    if not (by_dataclasses or by_attrs) or not all(_is_objects(tp, name) for name in ("__getattribute__", "__class__")):
        return IDENTITY
    names: dict[str, None] = {}
    for code, called, builtins in ((equals, "__eq__", set()), (hashes, "__hash__", {"hash"})):
        if code.co_name != called or code.co_freevars or any(type(one) is types.CodeType for one in code.co_consts):
            return IDENTITY
        names.update(dict.fromkeys(set(code.co_names) - builtins - {"__class__", "NotImplemented"}))
    if len(names) > _MOST_FIELDS or (by_dataclasses and not own["__dataclass_fields__"].keys() >= names.keys()):
        return IDENTITY
    return _by_fields(tp, Rule.FIELDS, tuple(names))


def _is_objects(tp: type, name: str) -> bool:
    """Whether the class answers a name as `object` does."""
    found = find(tp, name)
    return found is not None and found[0] is object


def _by_fields(tp: type, rule: Rule, names: tuple[str, ...]) -> Facts:
    """By what instances keep under these names; by identity where code might have to be called for one."""
    fields: list[Field] = []
    for name in names:
        found = find(tp, name)
        held = None if found is None else found[1]
        if type(held) is types.MemberDescriptorType:
            fields.append((name, held))
        elif held is None or find(type(held), "__set__") is None:
            fields.append((name, None))
        else:
            return IDENTITY
    return Facts(rule, tuple(fields))
