"""Reaching the transform from an interpreter that does not find the packages it needs (`-S`). Serves the session."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence


def import_transform(search: Sequence[str]) -> None:
    """Import what rewrites modules while it can be found, also in these directories. Without it, only what is in the
    cache is watched."""
    before = sys.path[:]
    sys.path += search
    try:
        with contextlib.suppress(ImportError):
            import raceway.transform.rewriting  # noqa: F401
    finally:
        sys.path[:] = before
