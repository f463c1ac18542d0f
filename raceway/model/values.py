"""Values of the program as JSON: a copy that is safe to keep, made without running any code of the program.

Serves the pipeline and the client. Exact built-in scalars are taken as they are; exact lists, tuples and dicts are
copied within limits where that is asked for; anything else is told by its type and size.
"""

from __future__ import annotations

from itertools import islice

from raceway.model.typing import Any

TEXT_LIMIT = 4096
"""Characters of a string that are kept."""

NODE_LIMIT = 1000
"""Values that one copy holds; what comes after them is left out."""

DEPTH_LIMIT = 16
"""Nesting of a copy: far below what collectors accept, far above what people read."""

_WHOLE = frozenset({int, bool, type(None)})
_PLAIN = frozenset({float, bool, type(None)})
_SIZED = frozenset({bytes, bytearray, list, tuple, dict, set, frozenset, range, memoryview})
_INTEGER_LIMIT = 2**63


class Cut(str):
    """What is told of a scalar that is too large to keep, made when it was given: nobody cuts it again."""

    __slots__ = ()


class _Budget:
    __slots__ = ("lossless", "nodes")

    def __init__(self) -> None:
        self.nodes = NODE_LIMIT
        self.lossless = True


def snapshot(value: object) -> tuple[Any, bool]:
    """The value as JSON, containers copied, and whether nothing was lost or changed. Never raises."""
    kind = type(value)
    if kind is str and len(value) <= TEXT_LIMIT and value.isascii():  # type: ignore[arg-type,attr-defined]
        return value, True
    budget = _Budget()
    try:
        return _copied(value, DEPTH_LIMIT, budget), budget.lossless
    except Exception:  # a container that another thread changes meanwhile
        return told(value), False


def scalar(value: object) -> Any:
    """The value if it is a built-in scalar, else its type and size. Never raises."""
    return _scalar(value, _Budget())


def is_small(value: object) -> bool:
    """Whether the value is a built-in scalar that may be kept as it is: the others may be of any size."""
    kind = type(value)
    if kind is str:
        return len(value) <= TEXT_LIMIT  # type: ignore[arg-type]
    return kind in _PLAIN or (kind is int and -_INTEGER_LIMIT <= value < _INTEGER_LIMIT)  # type: ignore[operator]


def cut(value: Any, limit: int = TEXT_LIMIT) -> Any:
    """A text, of up to `limit` characters as it is, or a built-in scalar, if it is small; else what is told of it."""
    if issubclass(type(value), str):
        return str.__str__(value) if str.__len__(value) <= limit else Cut(_shortened(value))
    return value if is_small(value) else Cut(scalar(value))


def told(value: object) -> str:
    """Type and, of a built-in container, size: `<list of 3>`, `<Account>`."""
    kind = type(value)
    name = text(type.__dict__["__name__"].__get__(kind))
    return f"<{name} of {len(value)}>" if kind in _SIZED else f"<{name}>"  # type: ignore[arg-type]


def text(value: str) -> str:
    """The string as UTF-8 can hold it, cut where it is too long."""
    if type(value) is Cut:
        return spelled(str(value))
    return spelled(_shortened(value) if len(value) > TEXT_LIMIT else value)


def _shortened(value: str) -> str:
    return f"{str.__getitem__(value, slice(TEXT_LIMIT))}... ({str.__len__(value)} characters)"


def spelled(value: str) -> str:
    """The string as UTF-8 can hold it."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")


def _scalar(value: Any, budget: _Budget) -> Any:
    kind = type(value)
    if kind is str:
        kept = text(value)
        budget.lossless &= kept == value
        return kept
    if kind is Cut:
        budget.lossless = False
        return text(value)
    if kind in _WHOLE and (kind is not int or -_INTEGER_LIMIT <= value < _INTEGER_LIMIT):
        return value
    if kind is float and value - value == 0:  # neither infinite nor not a number
        return value
    budget.lossless = False
    if kind is float:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124
    return f"<int of {value.bit_length()} bits>" if kind is int else told(value)


def _copied(value: Any, depth: int, budget: _Budget) -> Any:
    kind = type(value)
    budget.nodes -= 1
    if kind is dict and depth and budget.nodes > 0:
        found = {}
        for key, item in islice(value.items(), budget.nodes):
            if budget.nodes <= 0:
                break
            name = _scalar(key, budget)
            found[name if type(name) is str else str(name)] = _copied(item, depth - 1, budget)
        budget.lossless &= len(found) == len(value)
        return found
    if kind in (list, tuple) and depth and budget.nodes > 0:
        items = []
        for item in islice(value, budget.nodes):
            if budget.nodes <= 0:
                break
            items.append(_copied(item, depth - 1, budget))
        budget.lossless &= len(items) == len(value)
        return items
    return _scalar(value, budget)
