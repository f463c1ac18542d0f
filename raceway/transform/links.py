"""What a coroutine does because of an answer: pairs of places, one that asks and one that acts.

The answer may rest on reads in another module, and the act may write in one, so that no site of this module shows the
dependence. Serves the findings, which know from stacks which of its lines a task was at when it read and wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from raceway.transform.flow import Guard
    from raceway.transform.plan import Draft

LIMIT = 2048
"""Pairs of one coroutine that are noted, more or less."""

Pairs = dict[tuple[cst.CSTNode, cst.CSTNode], bool]
"""By what asks and what acts, whether the latter is given the answer."""


class Links:
    """The pairs of one activation; only those of coroutines are kept."""

    def __init__(self) -> None:
        self.pairs: Pairs = {}
        self.are_kept = False

    def note(self, act: cst.CSTNode, guards: Iterable[Guard], value: Iterable[Draft], awaited: bool = False) -> None:
        """`act` runs because of the tests in `guards`, and works on what depends on `value`. That something did not
        raise counts for what is awaited."""
        if self.are_kept and len(self.pairs) < LIMIT:
            for guard in guards:
                if awaited or not guard.refuses:
                    for read in guard.reads:
                        self.pairs.setdefault((read.anchor, act), False)
            for read in value:
                self.pairs[read.anchor, act] = True

    def add_to(self, pairs: Pairs) -> None:
        """Have these pairs among those of the module."""
        pairs.update(self.pairs)

    def asking(self) -> set[cst.CSTNode]:
        """The places that ask."""
        return {asks for asks, _act in self.pairs}
