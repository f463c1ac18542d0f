"""Copies of what the program gives: what a mark keeps of it, so that it does not change any more.

Nothing that is kept can be part of a cycle, so the way of C hides it from the collector of cycles, as marks are.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from raceway.model import values
from raceway.model.typing import Any
from raceway.model.values import Cut, cut, is_small, scalar, told
from raceway.pipeline.encode import LINE_LIMIT

SCALARS = frozenset({int, str, bool, float, type(None), Cut})
"""Types whose values cannot change, nor hold anything of the program."""

_FEW, _MANY = 8, 100
"""So many entries of a dictionary, so many items of a list are left to the worker."""

_KEPT = SCALARS | {tuple, dict}
_MUCH: Any = object()
_TEXT = frozenset({str})


class Few(dict[Any, Any]):
    """A copy of a few arguments whose values cannot change: the rest is left to the worker."""


keep: Callable[[Any, Callable[[], None]], Any]


def keep_text(value: Any) -> Any:
    """A text for a name or the like; what is none is told by its value or type."""
    kind = type(value)
    if kind is not str and issubclass(kind, str):
        return cut(value)
    lost: list[bool] = []
    kept = keep(value, lambda: lost.append(True))
    return Cut(cut(msgspec.json.encode(kept).decode())) if lost else kept


def keep_body(value: Any, degrade: Callable[[], None]) -> Any:
    """A body: texts are longer there."""
    return cut(value, LINE_LIMIT) if type(value) is str else keep(value, degrade)


def keep_message(error: BaseException) -> Any:
    """What an exception says, as a text; told by its type where its own way to say it, or what it holds, might be code
    of the program."""
    args = BaseException.__dict__["args"].__get__(error)
    spelling = next(cls for cls in type(error).__mro__ if "__str__" in cls.__dict__)
    if spelling.__module__ == "builtins":
        if issubclass(spelling, (UnicodeError, SyntaxError, BaseExceptionGroup)):  # these look at what Python gave them
            return keep_text(str(error))
        if all(type(arg) is str or is_small(arg) for arg in args):
            return keep_text(str(error))
    return keep_text(next((arg for arg in args if type(arg) is str), error))


def _keep(value: Any, degrade: Callable[[], None]) -> Any:
    """A value of the program, so that it does not change any more and nothing of the program is held.

    A few items are kept as a tuple, which `snapshot` never makes: the rest is left to the worker, as with `Few`. So are
    exact tuples and dictionaries in the others: those the collector of cycles need not look at.
    """
    if is_small(value):
        return value
    kind = type(value)
    copy = _few(value) if kind is dict else _items(value) if kind is list or kind is tuple else None
    if copy is None:
        return _keep_much(value, degrade)
    return Few(copy) if kind is dict else copy


def _keep_much(value: Any, degrade: Callable[[], None]) -> Any:
    """The same of what is much, by a snapshot. The worker counts what is told by type and size; not what a container
    lost."""
    if type(value) in SCALARS:
        return cut(value)
    kept, lossless = snapshot(value)
    if not lossless:
        if type(kept) is str:
            return Cut(kept)
        degrade()
    return kept


def _keep_arguments(
    args: tuple[Any, ...], kwargs: dict[str, Any], briefly: Callable[[Any], Any], of_owner: bool
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Arguments so kept that `snapshot` can go on with them, by position and by keyword; None where one is much.

    What is neither a scalar nor a container is kept `briefly`, the first not at all where it is what a method is called
    on.
    """
    if of_owner:
        args = (None, *args[1:]) if args else args
    values = (*args, *kwargs.values())
    if not all(map(is_small, values)):
        first = [_at_first(value) for value in values]
        if any(value is _MUCH for value in first):
            return None
        values = tuple(briefly(value) if type(value) not in _KEPT else value for value in first)
    return values[: len(args)], dict(zip(kwargs, values[len(args) :], strict=True))


def _at_first(value: Any) -> Any:
    """A copy of a container, _MUCH for one that is much."""
    kind = type(value)
    if kind in SCALARS:
        return value if is_small(value) else _MUCH
    copy = _items(value) if kind is list or kind is tuple else _few(value) if kind is dict else value
    return _MUCH if copy is None else copy


def _items(value: list[Any] | tuple[Any, ...]) -> tuple[Any, ...] | None:
    """A copy of a list or tuple of small scalars that is not too long."""
    if len(value) > _MANY:
        return None
    copy = tuple(value)
    return copy if all(map(is_small, copy)) else None


def _few(value: dict[Any, Any]) -> dict[Any, Any] | None:
    """A copy of a small dictionary of names and small scalars."""
    if len(value) > _FEW:
        return None
    copy = dict(value)
    return copy if _TEXT.issuperset(map(type, copy)) and all(map(is_small, (*copy, *copy.values()))) else None


try:
    from raceway import _native
except ImportError:
    keep, keep_arguments = _keep, _keep_arguments
    snapshot = values.snapshot
else:
    _native.keep_with(Few, _keep_much)
    keep = _native.keep
    keep_arguments = _native.keep_arguments

    def snapshot(value: object) -> tuple[Any, bool]:
        """`values.snapshot`, much faster."""
        try:
            return _native.snapshot(value, scalar)
        except Exception:  # a container that another thread changes meanwhile
            return told(value), False
