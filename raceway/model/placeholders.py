"""Placeholders: the constants that stand for taps in compiled and cached code until they are replaced by live ones.

A placeholder is the marker of its module, three bytes of the site's index, lowest first, and the letter of the role.
Large packages have tens of thousands, each read with every import: so they are short, and told by their length first.
"""

from __future__ import annotations

from raceway.model.sites import Role

_INDEX_BYTES = 3
_TAIL = _INDEX_BYTES + 1


def spell(marker: bytes, index: int, role: Role) -> bytes:
    """The placeholder of one tap. Raises OverflowError in a module of more than 16 million sites."""
    return marker + index.to_bytes(_INDEX_BYTES, "little") + role.value.encode()


def parse(marker: bytes, constant: object) -> tuple[int, Role] | None:
    """The site index and role that a constant stands for, None when it is not a placeholder."""
    if type(constant) is not bytes or len(constant) != len(marker) + _TAIL or not constant.startswith(marker):
        return None
    return int.from_bytes(constant[-_TAIL:-1], "little"), Role(chr(constant[-1]))
