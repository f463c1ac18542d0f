"""Identifiers on the wire: every one a UUID."""

from __future__ import annotations

import hashlib
import os
import re

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


FIRST = 10**11
"""Numbers above it fill the last group of a UUID, in decimals."""


class Ids:
    """Identifiers of one flow's events, or of anything else that one thread numbers: random once, then counted.

    Numbers in a row cost little to make and, being nearly alike, next to nothing on a compressed wire. One value must
    not be used by two threads at a time, nor by both sides of a fork.
    """

    __slots__ = ("_number", "_prefix")

    def __init__(self) -> None:
        self._prefix = _shaped(os.urandom(10).hex())
        self._number = FIRST

    def new(self) -> str:
        """The next one."""
        self._number += 1
        return f"{self._prefix}{self._number}"


def _shaped(digits: str) -> str:
    """Twenty digits as the first four groups of a UUID of version 8, whose bits are the maker's own business."""
    return f"{digits[:8]}-{digits[8:12]}-8{digits[12:15]}-{'89ab'[int(digits[16], 16) & 3]}{digits[17:20]}-"


def new_uuid() -> str:
    """A random UUID."""
    digits = os.urandom(16).hex()
    return f"{_shaped(digits)}{digits[20:]}"


def uuid_of(name: str) -> str:
    """The name if it is a UUID (in lower case, hyphenated), else a UUID that is always the same for this name."""
    known = name.lower()
    if _UUID.fullmatch(known):
        return known
    digits = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()
    return f"{_shaped(digits)}{digits[20:32]}"
