"""Lines for people about what goes wrong, each sort once: of a collector that is away they hear once, not per batch."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable

Tell = Callable[[str], None]


def to_standard_error(line: str) -> None:
    """One line to standard error, which may be closed or missing."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"raceway: warning: {line} [warning]\n")


class Once:
    """Passes a line on unless one that is alike up to its first bracket was passed before."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def __call__(self, line: str) -> None:
        about = line.partition("(")[0]
        if about not in self._told:
            self._told.add(about)
            self._tell(line)
