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
from raceway.sync.eventloops import in_native, note, serial_of
from raceway.sync.handovers import hands_on
from raceway.sync.patching import Patches
from raceway.sync.serials import Table, of_run
from raceway.sync.wrappers import Failures

MODULE = "trio._core._run"


def adopted(recorder: Recorder, task: Any) -> int:
    """The serial for a task that was started before the run."""
    serial = recorder.tasks.spawn(task.name, 0)
    note(recorder, task, serial)
    return serial


def spawned(recorder: Recorder, _runner: object, task: Any) -> None:
    """The current task has started `task`."""
    note(recorder, task, recorder.tasks.spawn(task.name, recorder.tasks.current()))


def rescheduling(recorder: Recorder, _runner: object, task: Any, *_next: object) -> None:
    """What the current task does lets `task` go on."""
    known = serial_of(recorder, task)
    if known and known != recorder.tasks.current() and not hands_on(sys._getframe(1)):
        recorder.tasks.wake(known)


def reparking(recorder: Recorder, lot: Any, _to: object, *, count: Any = 1) -> None:
    """The current task has tasks that wait in `lot` wait elsewhere: it notifies them."""
    for task in islice(lot._parked, max(0, min(count, len(lot._parked)))):
        if known := serial_of(recorder, task):
            recorder.tasks.wake(known)


def exiting(recorder: Recorder, _runner: object, task: Any, *_outcome: object) -> None:
    """`task`, whose step this is, is over."""
    note(recorder, task, 0)


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
                known = serial_of(recorder, task) or adopted(recorder, task)
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
                if serial_of(recorder, task):
                    recorder.tasks.suspend(known, _going_on(task, walks) if walks else [])
                else:
                    recorder.tasks.done(known)
        except Exception:
            Failures.count += 1

    def end(self) -> None:
        """The loop has ended, perhaps by an error in the middle of a step."""
        known, self._running = self._running, 0
        if known and (recorder := self._recorder()) is not None:
            recorder.tasks.resume(self._before)
            recorder.tasks.done(known)


def _going_on(task: Any, walks: Sequence[Walk]) -> list[int]:
    from raceway.sync.walks import going_on

    return going_on(task.coro, walks)


loops: Table[tuple[weakref.ref[Any], Any]] = of_run(Table())
"""The run loops that there are, each with its instrument."""


def _adopt(task: Any) -> int:
    recorder = active.recorder()
    return 0 if recorder is None else adopted(recorder, task)


def made(recorder: Recorder, _clock: object, loop: Any) -> None:
    """A run loop is there."""
    if loops.get(loop) is None:
        native = in_native(recorder)
        steps = Steps() if native is None else native.Steps(_adopt, _going_on)
        loops.put(loop, (weakref.ref(loop), steps))
        loop.instruments.add_instrument(steps)


def closing(_recorder: Recorder, loop: Any) -> None:
    """A run loop has ended."""
    if (known := loops.get(loop)) is not None:
        known[1].end()


def _take_out() -> None:
    for reference, steps in loops.values():
        if (loop := reference()) is not None and steps in loop.instruments["_all"]:
            loop.instruments.remove_instrument(steps)


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if trio has been imported."""
    module: Any = sys.modules.get(MODULE)
    lots: Any = sys.modules.get("trio._core._parking_lot")
    if hasattr(module, "setup_runner") and hasattr(lots, "ParkingLot"):
        patches.around(module, "setup_runner", after=made)
        patches.at_undo(_take_out)
        patches.around(module.Runner, "spawn_impl", after=spawned)
        native = in_native(active.recorder())
        if native is None:
            patches.ahead(module.Runner, "reschedule", rescheduling)
        else:
            patches.replace(module.Runner, "reschedule", native.Waking(module.Runner.reschedule))
        patches.ahead(module.Runner, "task_exited", exiting)
        patches.around(module.Runner, "close", before=closing)
        patches.ahead(lots.ParkingLot, "repark", reparking)


def follow_early() -> None:
    """The calling thread may be in a run loop already: its tasks are followed from their next steps on."""
    loop = getattr(sys.modules[MODULE].GLOBAL_RUN_CONTEXT, "runner", None)
    if loop is not None and (recorder := active.recorder()) is not None:
        made(recorder, None, loop)
