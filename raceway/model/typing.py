"""The words of `typing` that annotations need, at no cost when a program runs. Serves all stages.

`typing` takes 5 ms and 1 MB to import, which a trivial program would not spend otherwise. Type checkers see the real
words; a running program sees stand-ins, good for annotations, base classes and decorators.
"""

from __future__ import annotations

__all__ = [
    "TYPE_CHECKING",
    "Any",
    "BinaryIO",
    "ClassVar",
    "Final",
    "Generic",
    "Literal",
    "NoReturn",
    "Protocol",
    "Self",
    "TextIO",
    "TypeVar",
    "assert_never",
    "dataclass_transform",
    "overload",
]

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import (
        Any,
        BinaryIO,
        ClassVar,
        Final,
        Generic,
        Literal,
        NoReturn,
        Protocol,
        Self,
        TextIO,
        TypeVar,
        assert_never,
        dataclass_transform,
        overload,
    )
else:

    class Word:
        """Stands for a word; `Word[...]` is a word, too."""

        def __class_getitem__(cls, _items: object) -> type[Word]:
            return cls

    Any = BinaryIO = ClassVar = Final = Generic = Literal = NoReturn = Protocol = Self = TextIO = Word

    def TypeVar(name: str, **_options: object) -> str:  # noqa: N802
        """A type variable is only a name."""
        return name

    def assert_never(value: object) -> None:
        """Fail: the value is one that a type checker has ruled out."""
        raise AssertionError(f"unexpected {value!r}")

    def dataclass_transform(**_options: object) -> object:
        """Decorate with nothing."""
        return lambda cls: cls

    def overload(function: object) -> object:
        """Decorate with nothing; the last definition counts."""
        return function
