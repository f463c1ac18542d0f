"""Placeholders: what stands for taps in compiled and cached code until live ones are put there.

The compiler is given constants that no program has: the marker of their module, three bytes of the site's index, lowest
first, and the letter of the role. Large packages have tens of thousands, each read with every import: so they are taken
out of code that is kept. None stands in their places then, and beside the code there is a list of the places:

    for the code, then for each code among its constants in their order, and so on inwards:
        how many taps it has
        for each tap: place among the constants << 32 | other taps of its site << 26 | number of the role << 24 | site

All are numbers of eight bytes, lowest first. raceway/native/binding.c reads the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType

from raceway.model.sites import Role
from raceway.model.struct import Struct
from raceway.model.typing import Any

_INDEX_BYTES = 3
_TAIL = _INDEX_BYTES + 1
_WORD_BYTES = 8
_ROLES = tuple(Role)


class Place(Struct):
    """What belongs at one place among the constants of a code object. `others`: how many more taps the site has."""

    constant: int
    site: int
    role: Role
    others: int


def spell(marker: bytes, index: int, role: Role) -> bytes:
    """The placeholder of one tap. Raises OverflowError in a module of more than 16 million sites."""
    return marker + index.to_bytes(_INDEX_BYTES, "little") + role.value.encode()


def parse(marker: bytes, constant: object) -> tuple[int, Role] | None:
    """The site index and role that a constant stands for, None when it is not a placeholder."""
    if type(constant) is not bytes or len(constant) != len(marker) + _TAIL or not constant.startswith(marker):
        return None
    return int.from_bytes(constant[-_TAIL:-1], "little"), Role(chr(constant[-1]))


def take_out(code: CodeType, marker: bytes) -> tuple[CodeType, bytes]:
    """The code without its placeholders, nested code included, and the list of their places."""
    roles: dict[int, set[Role]] = {}
    _gather(code, marker, roles)
    words: list[int] = []
    taken = _taken(code, marker, roles, words, {})
    return taken, b"".join(word.to_bytes(_WORD_BYTES, "little") for word in words)


def put_in(code: CodeType, places: bytes, make: Callable[[Place], object]) -> CodeType:
    """The code with what `make` gives at each of the places; nested code included."""
    words = (int.from_bytes(places[at : at + _WORD_BYTES], "little") for at in range(0, len(places), _WORD_BYTES))
    return _filled(code, words, make)


def _gather(code: CodeType, marker: bytes, roles: dict[int, set[Role]]) -> None:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _gather(constant, marker, roles)
        elif (placeholder := parse(marker, constant)) is not None:
            roles.setdefault(placeholder[0], set()).add(placeholder[1])


_Known = dict[int, tuple[CodeType, list[int]]]


def _taken(code: CodeType, marker: bytes, roles: dict[int, set[Role]], words: list[int], known: _Known) -> CodeType:
    if id(code) in known:  # what the compiler has merged stays one
        taken, own = known[id(code)]
        words += own
        return taken
    begin = len(words)
    constants: list[object] = list(code.co_consts)
    words.append(0)
    for place, constant in enumerate(constants):
        placeholder = parse(marker, constant)
        if placeholder is not None:
            index, role = placeholder
            bits = (len(roles[index]) - 1) << 2 | _ROLES.index(role)
            words.append(place << 32 | bits << 24 | index)
            words[begin] += 1
            constants[place] = None
    for place, constant in enumerate(constants):
        if isinstance(constant, CodeType):
            constants[place] = _taken(constant, marker, roles, words, known)
    taken = code.replace(co_consts=tuple(constants))
    known[id(code)] = taken, words[begin:]
    return taken


def _filled(code: CodeType, words: Iterator[int], make: Callable[[Place], object]) -> CodeType:
    constants: list[Any] = list(code.co_consts)
    for _ in range(next(words)):
        word = next(words)
        place = Place(word >> 32, word & 0xFFFFFF, _ROLES[word >> 24 & 3], word >> 26 & 3)
        constants[place.constant] = make(place)
    for index, constant in enumerate(constants):
        if isinstance(constant, CodeType):
            constants[index] = _filled(constant, words, make)
    return code.replace(co_consts=tuple(constants))
