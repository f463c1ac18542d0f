"""What a run knows of its locks, beside findings: contention, hangs, and who waits for whom. Serves the session."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from raceway import sync
from raceway.model.findings import LockContention
from raceway.model.locks import Waiting
from raceway.model.typing import TextIO
from raceway.outcome.stream import say
from raceway.runtime.contract import Core


class LockWatch:
    """The locks of one run. Any thread may ask. `has_gil` tells whether the interpreter has a GIL now."""

    def __init__(self, core: Core, directory: str, has_gil: Callable[[], bool]) -> None:
        self._core = core
        self._directory = directory
        self._has_gil = has_gil

    def contention(self) -> tuple[LockContention, ...]:
        """How often each place took which lock, and how long it waited for it; most waited for first."""
        from raceway.findings import waits

        return waits.contention(self._core.locks().contention, self._core.names, self._directory)

    def watch_hangs(self, stream: Callable[[], TextIO]) -> Callable[[], None]:
        """Write a deadlock to `stream` once it has lasted. What is returned writes who waits for which lock now."""

        def stuck(ring: tuple[Waiting, ...]) -> None:
            from raceway.findings import build_lock_cycles
            from raceway.report import render_hang

            for finding in build_lock_cycles((), (ring,), self._core.names, self._directory):
                render_hang(finding, stream(), gil=self._has_gil())

        def explain() -> None:
            from raceway.findings import waits

            found = waits.explain(self._core.locks().waiting, self._core.names, sync.frames(), self._directory)
            for line in found or ("no thread waits for a lock",):
                say(f"raceway: {line}", stream())

        self._core.telling.listen(lambda ring: _attempt(lambda: stuck(ring)))
        return lambda: _attempt(explain)


def _attempt(action: Callable[[], None]) -> None:
    """Do what the program must not notice, whatever becomes of it."""
    with contextlib.suppress(Exception):
        action()
