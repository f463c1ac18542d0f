"""Paths in one spelling, so that two ends which name a file in different ways are known to mean the same.

Following links asks the system about every folder on the way, and each question lets other threads run: so it is asked
once for each name. Where a name leads is thus what it was when it was first met.
"""

from __future__ import annotations

import os

_LIMIT = 1024

_known: dict[bytes, bytes] = {}


def spelled_alike(name: bytes) -> bytes:
    """The path without links. Raises OSError and ValueError where that cannot be told."""
    found = _known.get(name)
    if found is None:
        if len(_known) >= _LIMIT:
            _known.clear()
        found = _known[name] = os.path.realpath(name)
    return found
