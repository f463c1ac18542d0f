"""Uses of an event loop from another thread than its own, as they were met. `findings` names them."""

from __future__ import annotations

from raceway.model.records import Stack
from raceway.model.struct import Struct


class Stray(Struct):
    """`actor` called `what` ("Queue.put_nowait") at `stack`, of a loop that `runner` ran then, from `runs`.

    `runner` is 0 for a thread that the recorder does not know. `runs_too`: the actor is a task of another loop.
    """

    what: str
    actor: int
    stack: Stack
    runner: int
    runs: Stack
    runs_too: bool = False

    def key(self) -> tuple[object, ...]:
        """The same for what tells of one call."""
        return self.what, self.actor, self.stack
