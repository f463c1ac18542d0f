"""Placeholders: the constants that stand for taps in compiled and cached code until they are replaced by live ones."""

from __future__ import annotations

import ast

from raceway.model.sites import Role

_STEM = b"\x00raceway"


def choose(tree: ast.Module) -> bytes:
    """A prefix for placeholders that no bytes literal of the module starts with.

    The compiler merges equal constants, so a user's equal literal would become a tap.
    """
    taken = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, bytes)}
    marker, number = _STEM + b":", 0
    while any(value.startswith(marker) for value in taken):
        number += 1
        marker = _STEM + b"%d:" % number
    return marker


def spell(marker: bytes, index: int, role: Role) -> bytes:
    """The placeholder of one tap."""
    return marker + b"%d:" % index + role.value.encode()


def parse(marker: bytes, constant: object) -> tuple[int, Role] | None:
    """The site index and role that a constant stands for, None when it is not a placeholder."""
    if type(constant) is not bytes or not constant.startswith(marker):
        return None
    index, _, role = constant[len(marker) :].partition(b":")
    return int(index), Role(role.decode())
