"""Tasks of trio: which one runs, who started it, who woke it.

    a run loop steps a task         -> its thread works for the task until the step is over
    `start_soon()`, `spawn_...()`   -> a task of the one that called
    what lets a task go on          -> it is woken by the task that did it: `Event.set()`, a send, the end of a child
    `Condition.notify()`            -> wakes, though who is notified then waits for the lock
    a lock, semaphore or limiter that is given back wakes nobody: which of those who wait comes next is luck

The first is told by an instrument of each run loop, which is trio's own means for that; the others by what all ways of
starting and waking pass. Tasks are called as trio calls them. trio is not imported for this.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Sequence
from itertools import islice

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder, Walk
from raceway.sync.handovers import hands_on
from raceway.sync.patching import Failures, Patches
from raceway.sync.serials import Table, of_run

MODULE = "trio._core._run"

tasks: Table[int] = of_run(Table())
"""The serial of every task that is not over."""

loops: Table[weakref.ref[Any]] = of_run(Table())
"""The run loops that have an instrument of ours."""


def adopted(recorder: Recorder, task: Any) -> int:
    """The serial for a task that was started before the run."""
    serial = recorder.tasks.spawn(task.name, 0)
    tasks.put(task, serial)
    return serial


def spawned(recorder: Recorder, _runner: object, task: Any) -> None:
    """The current task has started `task`."""
    tasks.put(task, recorder.tasks.spawn(task.name, recorder.tasks.current()))


def rescheduling(recorder: Recorder, _runner: object, task: Any, *_next: object) -> None:
    """What the current task does lets `task` go on."""
    known = tasks.get(task)
    if known is not None and known != recorder.tasks.current() and not hands_on(sys._getframe(1)):
        recorder.tasks.wake(known)


def reparking(recorder: Recorder, lot: Any, _to: object, *, count: Any = 1) -> None:
    """The current task has tasks that wait in `lot` wait elsewhere: it notifies them."""
    for task in islice(lot._parked, max(0, min(count, len(lot._parked)))):
        if (known := tasks.get(task)) is not None:
            recorder.tasks.wake(known)


def exiting(_recorder: Recorder, _runner: object, task: Any, *_outcome: object) -> None:
    """`task`, whose step this is, is over."""
    tasks.drop(task)


class Steps:
    """An instrument of one run loop: no method of it raises, as trio takes out those that do."""

    _recorder = staticmethod(active.recorder)

    def __init__(self) -> None:
        self._before = 0
        self._running = 0

    def before_task_step(self, task: Any) -> None:
        """The loop goes on with `task`."""
        self._running = 0
        try:
            if (recorder := self._recorder()) is not None:
                known = tasks.get(task) or adopted(recorder, task)
                self._before = recorder.tasks.resume(known)
                self._running = known
        except Exception:
            Failures.count += 1

    def after_task_step(self, task: Any) -> None:
        """The loop is done with the task for now."""
        try:
            known, self._running = self._running, 0
            if known and (recorder := self._recorder()) is not None:
                walks = recorder.tasks.walks(known)
                recorder.tasks.resume(self._before)
                if tasks.get(task) is None:
                    recorder.tasks.done(known)
                else:
                    recorder.tasks.suspend(known, _going_on(task, walks) if walks else [])
        except Exception:
            Failures.count += 1

    def after_run(self) -> None:
        """The loop has ended, perhaps by an error in the middle of a step."""
        try:
            known, self._running = self._running, 0
            if known and (recorder := self._recorder()) is not None:
                recorder.tasks.resume(self._before)
                recorder.tasks.done(known)
        except Exception:
            Failures.count += 1


def _going_on(task: Any, walks: Sequence[Walk]) -> list[int]:
    from raceway.sync.walks import going_on

    return going_on(task.coro, walks)


def made(_recorder: Recorder, _clock: object, loop: Any) -> None:
    """A run loop is there."""
    if loops.get(loop) is None:
        loops.put(loop, weakref.ref(loop))
        loop.instruments.add_instrument(Steps())


def _take_out() -> None:
    for reference in loops.values():
        if (loop := reference()) is not None:
            for instrument in [one for one in loop.instruments["_all"] if type(one) is Steps]:
                loop.instruments.remove_instrument(instrument)


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if trio has been imported."""
    module: Any = sys.modules.get(MODULE)
    lots: Any = sys.modules.get("trio._core._parking_lot")
    if hasattr(module, "setup_runner") and hasattr(lots, "ParkingLot"):
        patches.around(module, "setup_runner", after=made)
        patches.at_undo(_take_out)
        patches.around(module.Runner, "spawn_impl", after=spawned)
        patches.ahead(module.Runner, "reschedule", rescheduling)
        patches.ahead(module.Runner, "task_exited", exiting)
        patches.ahead(lots.ParkingLot, "repark", reparking)


def follow_early() -> None:
    """The calling thread may be in a run loop already: its tasks are followed from their next steps on."""
    loop = getattr(sys.modules[MODULE].GLOBAL_RUN_CONTEXT, "runner", None)
    if loop is not None and (recorder := active.recorder()) is not None:
        made(recorder, None, loop)
