"""How a lock is asked for, and the wait for one that is taken: what the locks of the pure core tell of it.

The native core has the same in raceway/native/lockwaits.c.
"""

from __future__ import annotations

import enum
from types import FrameType

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync.wrappers import Failures

PATIENCE_S = 1.0
"""Who has closed a cycle of waits waits so long before that is told: another thread may yet free a lock of it."""

LONGEST_WAIT_S = 1e9
"""More may be refused."""


class Mode(enum.Enum):
    """How long an `acquire` waits."""

    TRIES = "tries"
    LIMITED = "limited"
    WAITS = "waits"


_NUMBERS = (bool, int, float)


def mode_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mode:
    """What `acquire(*args, **kwargs)` asks for; TRIES also for what it will refuse."""
    if not args and not kwargs:
        return Mode.WAITS
    given = dict(zip(("blocking", "timeout"), args, strict=False)) | kwargs
    blocking, timeout = given.pop("blocking", True), given.pop("timeout", -1)
    if given or len(args) > 2 or type(blocking) not in _NUMBERS or type(timeout) not in _NUMBERS or not blocking:
        return Mode.TRIES
    if timeout == -1:
        return Mode.WAITS
    return Mode.LIMITED if 0 < timeout < LONGEST_WAIT_S else Mode.TRIES


class Wait:
    """One wait for a lock that somebody has; `closes`: the waiting actors make a ring."""

    __slots__ = ("_recorder", "_sync", "closes")

    def __init__(self, recorder: Recorder, sync: int, mode: Mode, frame: FrameType) -> None:
        self._recorder = recorder
        self._sync = sync
        self.closes = recorder.waits.begin(sync, mode is Mode.LIMITED, frame)

    def tell(self) -> None:
        """The ring has lasted a while."""
        try:
            self._recorder.waits.stuck()
        except Exception:
            Failures.count += 1

    def over(self, taken: bool) -> None:
        """The wait has ended."""
        try:
            self._recorder.waits.end(self._sync, taken)
        except Exception:
            Failures.count += 1
