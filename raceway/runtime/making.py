"""Code of the program that a store in an object calls, while the object is being made.

    def __init__(self):            @size.setter
        self.size = 1                  def size(self, value):
                                           self._size = value

The transform marks stores in objects that are still being made, and stores which a descriptor or `__setattr__` does to
the object that it was given, as long as it has handed it to nobody. Here the two meet: the latter is part of the making
when it was called from the line of the former, for the same object. Then nobody else can know of the object, and
nothing is recorded. Serves `accesses`.
"""

from __future__ import annotations

from raceway.model.kinds import Operation
from raceway.model.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raceway.runtime.accesses import Reach


def stored(at: Reach, operation: Operation) -> None:
    """Something is stored in an object whose class says what is really touched."""
    if at.site.made and operation.mutates:
        note(at)


def note(at: Reach) -> None:
    """The object is being made, and code of the program may be called with it."""
    at.state.making = (id(at.base), id(at.frame), at.frame.f_lineno)


def is_being_made(at: Reach) -> bool:
    """Whether such a store has called this function, which stores in the same object or by its `__dict__`."""
    outer = at.frame.f_back
    owner = id(at.base) if not at.site.through else at.owner[1] if at.owner is not None else 0
    return outer is not None and at.state.making == (owner, id(outer), outer.f_lineno)
