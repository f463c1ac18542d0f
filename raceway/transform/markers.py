"""Placeholders: the constants that stand for taps in compiled and cached code until they are replaced by live ones."""

from __future__ import annotations

import hashlib

from raceway.model.sites import Role

_STEM = b"\x00raceway:"


def choose(source: bytes) -> bytes:
    """A prefix for placeholders that no constant of the module starts with: no program holds its own digest.

    The compiler merges equal constants, also those it folds, so a user's equal value would become a tap.
    """
    return _STEM + hashlib.sha256(source).hexdigest()[:12].encode() + b":"


def spell(marker: bytes, index: int, role: Role) -> bytes:
    """The placeholder of one tap."""
    return marker + b"%d:" % index + role.value.encode()


def parse(marker: bytes, constant: object) -> tuple[int, Role] | None:
    """The site index and role that a constant stands for, None when it is not a placeholder."""
    if type(constant) is not bytes or not constant.startswith(marker):
        return None
    index, _, role = constant[len(marker) :].partition(b":")
    return int(index), Role(role.decode())
