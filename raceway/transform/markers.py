"""The marker by which a module's placeholders are told from its own constants."""

from __future__ import annotations

import hashlib

_MARKER_BYTES = 6


def choose(source: bytes) -> bytes:
    """A prefix for placeholders that no constant of the module starts with: no program holds its own digest.

    The compiler merges equal constants, also those it folds, so a user's equal value would become a tap.
    """
    return hashlib.sha256(source).digest()[:_MARKER_BYTES]
