"""Values: the frozen structs that every stage is written in, and the little that is asked of their fields.

Serves all stages. A struct is a tuple whose items have names. Reading a field, comparing and hashing are done in C,
and a class costs microseconds to make and no import: docs/decisions/006 has the measurements.
"""

from __future__ import annotations

from _collections import _tuplegetter  # type: ignore[import-not-found]

from raceway.model.typing import TYPE_CHECKING, Any, Self, TypeVar, dataclass_transform

_REQUIRED: Any = object()
_new: Any = tuple.__new__


class Field:
    """A default, and what is to be known of the field beside it."""

    __slots__ = ("about", "default")

    def __init__(self, default: Any, about: Any) -> None:
        self.default = default
        self.about = about


def field(*, default: Any, about: Any) -> Any:
    """A field with a default and something said of it, to be found by `about`."""
    return Field(default, about)


def _least(defaults: tuple[Any, ...]) -> int:
    least = len(defaults)
    while least and defaults[least - 1] is not _REQUIRED:
        least -= 1
    return least


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class StructMeta(type):
    """Makes the annotated names of a class its fields, in their order; `kw_only` are those of keywords only."""

    _fields_: dict[str, Any]
    _abouts_: dict[str, Any]
    _positions_: int
    _defaults_: tuple[Any, ...]
    _least_: int
    """With so many values given by position, defaults complete them."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, kw_only: bool = False
    ) -> StructMeta:
        """The class; a field without a default must not follow one that has one, unless keywords are asked for."""
        fields = {one: namespace.pop(one, _REQUIRED) for one in namespace.get("__annotations__", ())}
        abouts = {one: default.about for one, default in fields.items() if type(default) is Field}
        fields.update((one, fields[one].default) for one in abouts)
        for index, one in enumerate(fields):
            namespace[one] = _tuplegetter(index, None)
        namespace.update(
            __slots__=(),
            __match_args__=() if kw_only else tuple(fields),
            _fields_=fields,
            _abouts_=abouts,
            _positions_=0 if kw_only else len(fields),
            _defaults_=(defaults := tuple(fields.values())),
            _least_=_least(defaults),
        )
        return super().__new__(mcs, name, bases, namespace)


if TYPE_CHECKING:

    class Struct(metaclass=StructMeta):
        """Base of all values."""

else:

    class Struct(tuple, metaclass=StructMeta):
        """Base of all values: fields are annotated names, given by position or by keyword."""

        def __new__(cls, *values: object, **named: object) -> Self:
            """A value; TypeError when a field is missing, unknown or given twice."""
            given = len(values)
            if named or not cls._least_ <= given <= cls._positions_:
                return _new(cls, _complete(cls, values, named))
            return _new(cls, values + cls._defaults_[given:])

        def __repr__(self) -> str:
            items = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields_, self, strict=True))
            return f"{type(self).__name__}({items})"

        def __reduce__(self) -> tuple[object, ...]:
            return _restored, (type(self), tuple(self))


def _complete(cls: StructMeta, values: tuple[object, ...], named: dict[str, object]) -> list[object]:
    """The values of all fields, keywords and defaults included."""
    name = cls.__name__
    if len(values) > cls._positions_:
        raise TypeError(f"{name} takes {cls._positions_} values by position, not {len(values)}")
    done: list[object] = list(values)
    for field_name in list(cls._fields_)[len(values) :]:
        value = named.pop(field_name, _REQUIRED)
        value = cls._fields_[field_name] if value is _REQUIRED else value
        if value is _REQUIRED:
            raise TypeError(f"{name} needs a value for {field_name}")
        done.append(value)
    if named:
        wrong = next(iter(named))
        raise TypeError(f"{name} got {wrong} twice" if wrong in cls._fields_ else f"{name} has no field {wrong}")
    return done


def _restored(cls: type[Any], values: tuple[object, ...]) -> object:
    return _new(cls, values)


def fields(cls: type[Struct]) -> tuple[str, ...]:
    """The names of a struct's fields, in their order."""
    return tuple(cls._fields_)


def abouts(cls: type[Struct]) -> dict[str, Any]:
    """What is said of the fields that were made by `field`, by their names."""
    return cls._abouts_


def defaults(cls: type[Struct]) -> dict[str, Any]:
    """The defaults of the fields that have one."""
    return {name: default for name, default in cls._fields_.items() if default is not _REQUIRED}


def values(struct: Struct) -> tuple[Any, ...]:
    """The values of all fields, in their order."""
    items: Any = struct
    return tuple(items)


def made(cls: type[Any], items: Any) -> Any:
    """The struct with these values, all of them and in their order: the inverse of `values`, nothing is checked."""
    return _new(cls, items)


_Any = TypeVar("_Any", bound=Struct)


def replace(struct: _Any, **changes: object) -> _Any:
    """The same value but for some fields."""
    cls = type(struct)
    unknown = changes.keys() - cls._fields_.keys()
    if unknown:
        raise TypeError(f"{cls.__name__} has no field {min(unknown)}")
    old = zip(cls._fields_, values(struct), strict=True)
    result: _Any = made(cls, [changes.get(name, value) for name, value in old])
    return result
