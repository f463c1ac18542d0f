"""Whether a task is woken because a lock, a semaphore or a limiter is given back. Who comes next of those who wait is
luck, so that wakes nobody in the sense of tasks: see `detector.tasks`.

Told from the frames: those that wake on behalf of others are passed, the first other one decides.
"""

from __future__ import annotations

from types import FrameType

_PASSED = ("asyncio.base_events", "asyncio.events", "trio._core.", "raceway.sync.")

_EVENTS = frozenset({"asyncio.locks", "trio._sync", "anyio._backends._asyncio", "anyio._backends._trio"})
"""Modules that have events, whose `set()` may be a part of giving back."""

_GIVEN_BACK = {
    "asyncio.locks": frozenset({"_wake_up_first", "_wake_up_next"}),
    "trio._sync": frozenset({"release", "_wake_waiters"}),
    "anyio._backends._asyncio": frozenset({"release", "_notify_next_waiter"}),
    "anyio._core._synchronization": frozenset({"release"}),
}
"""The functions that give back, by their modules."""


def hands_on(frame: FrameType | None) -> bool:
    """Whether what `frame` does is to give back. The twin of `hands_on` in raceway/native/loops.c."""
    while frame is not None:
        module, name = frame.f_globals.get("__name__"), frame.f_code.co_name
        if type(module) is not str:
            return False
        if not module.startswith(_PASSED) and not (name == "set" and module in _EVENTS):
            return name in _GIVEN_BACK.get(module, ())
        frame = frame.f_back
    return False
