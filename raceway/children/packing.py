"""Values of ours as what `marshal` knows, and back: what processes of one run leave each other in files.

A struct becomes a list of its class's name and its fields, an enum member a dict of one item. Both sides are the same
Raceway on the same interpreter; JSON would bring msgspec into every forked child.
"""

from __future__ import annotations

import enum
import marshal

from raceway.config import Config
from raceway.model import findings, kinds
from raceway.model.struct import Struct, made, values
from raceway.model.typing import Any

_STRUCTS: dict[str, type[Struct]] = {
    name: value for name, value in vars(findings).items() if isinstance(value, type) and issubclass(value, Struct)
} | {"Config": Config}
_ENUMS: dict[str, type[enum.Enum]] = {
    name: value for name, value in vars(kinds).items() if isinstance(value, type) and issubclass(value, enum.Enum)
}


def pack(value: object) -> bytes:
    """The value as bytes. Raises ValueError for one that is not made of structs, enums, tuples and scalars."""
    return marshal.dumps(_plain(value))


def unpack(content: bytes) -> Any:
    """The value that was packed. Raises ValueError when the content is not whole or not ours."""
    try:
        return _back(marshal.loads(content))
    except (EOFError, TypeError, KeyError) as error:
        raise ValueError(f"not a packed value: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return [type(value).__name__, *map(_plain, values(value))]
    if isinstance(value, enum.Enum):
        return {type(value).__name__: value.value}
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value


def _back(value: Any) -> Any:
    if isinstance(value, list):
        return made(_STRUCTS[value[0]], map(_back, value[1:]))
    if isinstance(value, dict):
        ((name, plain),) = value.items()
        return _ENUMS[name](plain)
    if isinstance(value, tuple):
        return tuple(map(_back, value))
    return value
