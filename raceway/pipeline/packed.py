"""Reads msgpack objects that stand one after the other, as `files` writes them.

Nothing but its own bytes say where one ends, so they are gone through, value by value.
"""

from __future__ import annotations

from collections.abc import Iterator

_FIXED = {
    0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4,
    0xD3: 8, 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,
}  # fmt: skip
"""Bytes behind the first, of values whose first byte tells."""

_SIZED = {
    0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1), 0xD9: (1, 0), 0xDA: (2, 0),
    0xDB: (4, 0),
}  # fmt: skip
"""Of bytes, texts and extensions: bytes of the size, and how many there are besides."""

_COUNTED = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""Of arrays and maps: bytes of the count, and values to each."""


def packed(content: bytes) -> Iterator[bytes]:
    """The objects, each by itself. One that was torn at the end, when its process was killed, is left out. Raises
    ValueError for what is no msgpack."""
    start = 0
    while start < len(content):
        try:
            end = _end(content, start)
        except IndexError:
            return
        if end > len(content):
            return
        yield content[start:end]
        start = end


def _end(content: bytes, at: int) -> int:
    """Where the object at this offset ends. Raises IndexError where that is behind all there is."""
    waiting = 1
    while waiting:
        first = content[at]
        at, waiting = at + 1, waiting - 1
        if first <= 0x7F or first >= 0xE0:
            continue
        if first <= 0x8F:
            waiting += 2 * (first & 0x0F)
        elif first <= 0x9F:
            waiting += first & 0x0F
        elif first <= 0xBF:
            at += first & 0x1F
        elif first in _FIXED:
            at += _FIXED[first]
        elif first in _SIZED:
            width, besides = _SIZED[first]
            at += width + int.from_bytes(content[at : at + width], "big") + besides
        elif first in _COUNTED:
            width, each = _COUNTED[first]
            waiting += each * int.from_bytes(content[at : at + width], "big")
            at += width
        else:
            raise ValueError(f"no msgpack: byte {first:#x} at {at - 1}")
    return at
