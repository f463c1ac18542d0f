"""Reaching the transform from an interpreter that does not find the packages it needs (`-S`). Serves the session."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def found_in(search: Sequence[str]) -> Iterator[None]:
    """Have modules found in these directories, too, while the transform is imported."""
    if not search:
        yield
        return
    before = sys.path[:]
    sys.path += search
    try:
        yield
    finally:
        sys.path[:] = before
