"""`--switching often`: threads that switch more often than they would, so that a run shows more orders of steps.

The switch interval is made short. That alone does nothing for threads that are through before the next one is started,
as those of short programs are: so a thread waits for a moment when it begins, and when it has let go of a lock, which
the native core does (raceway/native/lingering.c). Nothing of this is done unless it was asked for.
"""

from __future__ import annotations

import sys

from raceway.model.typing import Any
from raceway.originals import sleep
from raceway.runtime.contract import Recorder
from raceway.sync import threads

INTERVAL_S = 1e-5
BEGINNING_S = 0.002
"""How long a thread waits at its beginning: others are started meanwhile."""


class Hurry:
    """Threads switch often from when it is made until its `end`. `native` is the native core, if that records."""

    def __init__(self, native: Any) -> None:
        self._native = native
        self._before = sys.getswitchinterval()
        sys.setswitchinterval(INTERVAL_S)
        self._set = sys.getswitchinterval()
        threads.at_start.append(_wait)
        if native is not None:
            native.lingering(True)

    def end(self) -> None:
        """Threads switch as before, unless the program has set another interval."""
        threads.at_start.remove(_wait)
        if self._native is not None:
            self._native.lingering(False)
        if sys.getswitchinterval() == self._set:
            sys.setswitchinterval(self._before)


def _wait(_recorder: Recorder, _actor: int) -> None:
    sleep(BEGINNING_S)
