"""Values that are made of what was read, and not only handed on: `total + 1`, `merge(rows)`. Serves the dataflow.

Who asks whether there is a value at all, makes one where there is none, and stores it later, needs not know what others
have stored meanwhile, as caches do. Who has made it of the value that was there loses what they have stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.plan import CALLED, Draft

if TYPE_CHECKING:
    from raceway.transform.flow import Taint


class Works:
    """The marks of the reads of an activation: a value that depends on the mark of a read is made of what that gave."""

    def __init__(self) -> None:
        self._marks: dict[Draft, Draft] = {}

    def on(self, value: Taint, blocks: tuple[int, ...] | None = None) -> Taint:
        """What is made of a value depends on it and on the marks of its reads, of those made in `with` blocks; without
        those made in one of `blocks`, which are what is read and no value yet."""
        inside = set(blocks or ())
        reads = (read for read in value if read.blocks and read.index != CALLED and inside.isdisjoint(read.blocks))
        return value.union(map(self._mark, reads))

    def made(self, value: Taint, read: Draft) -> bool:
        """Whether the value is made of what that read gave."""
        return self._marks.get(read) in value

    def _mark(self, read: Draft) -> Draft:
        mark = self._marks.get(read)
        if mark is None:
            mark = Draft(CALLED, SiteForm.FUNCTION, Context.CALL, Role.BASE, read.anchor, "", "", "", "", read.operand)
            mark.order, mark.segment, mark.awaits, mark.blocks = read.order, read.segment, read.awaits, read.blocks
            self._marks[read] = mark
        return mark
