"""The ways through an activation: which awaits lie on all of them. Serves the dataflow, which asks it of regions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

Arms = tuple[int, ...]
"""The parts of the code around a place that need not run when what is around them does, outermost first."""


class Ways:
    """Where the walk over a body is, and in which arms its awaits lie, in order."""

    def __init__(self) -> None:
        self._arms: Arms = ()
        self._numbers = 0
        self._suspensions: list[Arms] = []

    @contextlib.contextmanager
    def arm(self) -> Iterator[None]:
        """Code that need not run: a branch, the body of a loop, what an exception may leave."""
        outer, self._numbers = self._arms, self._numbers + 1
        self._arms = (*outer, self._numbers)
        yield
        self._arms = outer

    def suspend(self) -> None:
        """An await."""
        self._suspensions.append(self._arms)

    def suspend_always(self, since: int) -> bool:
        """Whether all ways to here pass one await, other than the first `since` ones."""
        return any(arms == self._arms[: len(arms)] for arms in self._suspensions[since:])
