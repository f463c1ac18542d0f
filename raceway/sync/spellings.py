"""Paths in one spelling, so that two ends which name a file in different ways are known to mean the same.

Following links asks the system about every folder on the way, and each question lets other threads run: so it is asked
once for each name. Where a name leads is thus what it was when it was first met.
"""

from __future__ import annotations

import os

from raceway.sync.serials import Kept, of_run

known: Kept[bytes, bytes] = of_run(Kept())
"""Where a name led when it was met in this run."""


def spelled_alike(name: bytes) -> bytes:
    """The path without links. Raises OSError and ValueError where that cannot be told."""
    found = known.get(name)
    return found if found is not None else known.keep(name, os.path.realpath(name))
