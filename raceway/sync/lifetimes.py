"""When threads began and ended, by the clock: what the timeline of a report is drawn from. Serves the session.

Told by the model of threads, on the thread it concerns. Each call costs one look at the clock; of very many threads the
first are kept, so that memory stays bounded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from raceway.model.findings import Actor, Life
from raceway.originals import get_ident

MOST = 2000

_clock = time.monotonic


class Lifetimes:
    """The lives of one run. A thread writes only its own entry in one atomic step: no lock is taken."""

    def __init__(self) -> None:
        self.began = _clock()
        """When the run began: the zero of what is told."""
        self._lives: dict[int, tuple[str, float, float | None]] = {}
        self._running: dict[int, int] = {}

    def restart(self, name: str, actor: int) -> None:
        """A run begins, on the calling thread, which is called `name`."""
        self.began = _clock()
        self._lives.clear()
        self._running.clear()
        self.begun(actor, name)

    def forked(self) -> None:
        """In a forked child: the lives so far are the parent's, and that of the calling thread begins here."""
        actor = self._running.get(get_ident())
        own = None if actor is None else self._lives.get(actor)
        self._lives.clear()
        self._running.clear()
        if actor is not None and own is not None:
            self.begun(actor, own[0])

    def begun(self, actor: int, name: str) -> bool:
        """The calling thread is `actor` from here on. Whether its life is kept: otherwise its end need not be told."""
        if len(self._lives) >= MOST:
            return False
        self._lives[actor] = (name, _clock(), None)
        self._running[get_ident()] = actor
        return True

    def ended(self, name: str) -> None:
        """The calling thread's actor has ended; it was called `name` at last."""
        actor = self._running.pop(get_ident(), None)
        if actor is not None:
            self._lives[actor] = (name or self._lives[actor][0], self._lives[actor][1], _clock())

    def told(self) -> Iterator[Life]:
        """The lives so far, in the order of their beginnings."""
        for name, began, ended in list(self._lives.values()):
            end = None if ended is None else round(ended - self.began, 4)
            yield Life(Actor("thread", name), round(began - self.began, 4), end)


lifetimes = Lifetimes()
"""Those of the run under way, or of the last one."""
