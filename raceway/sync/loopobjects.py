"""What belongs to an event loop, used by another thread though nobody waits for it: `strays` sees what makes a handle.

Of futures asyncio knows the loop. An event, a lock, a semaphore or a queue belongs to the loop whose tasks use it; that
another thread uses it too is evidence when nothing orders the two, as with a data race. Two loops that share one are
such threads as well.

Uses are seen where the state is kept: `_value` of events and semaphores, `_locked` of locks. A queue has an event,
`_finished`, that every `put` clears; what is taken out is told apart. Whether an event is set or a lock is taken may be
asked from anywhere, as any flag. Whoever has to wait asks for the loop first (`_get_loop`), which raises an error where
another loop has waited before. No frame of ours shows in a traceback.
"""

from __future__ import annotations

import sys

from raceway.model.records import Stack
from raceway.model.strays import Stray
from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Moment, Recorder
from raceway.runtime.stacks import capture
from raceway.sync.patching import ABSENT, Patches, Watched
from raceway.sync.serials import Table, of_run
from raceway.sync.strays import Evidence, meet, running_place, told

_FLAGS = frozenset({"is_set", "locked", "__repr__"})


class _Use:
    """The last one by an actor. `runs`: where it runs the loop of its tasks, empty when it is none of those."""

    __slots__ = ("actor", "moment", "runs", "stack", "what", "who")

    def __init__(self, actor: int, moment: Moment) -> None:
        self.actor = actor
        self.who = actor
        self.moment = moment
        self.runs: Stack = ()
        self.stack: Stack = ()
        self.what = ""


class _Uses:
    """Of one object: the last one, and the last one by a loop. All before the last one came before it, or were told."""

    __slots__ = ("home", "last")

    def __init__(self) -> None:
        self.last: _Use | None = None
        self.home: _Use | None = None


_known: Table[_Uses] = of_run(Table())
_running: Table[Stack] = of_run(Table())
"""Where the program runs a loop."""


def used(recorder: Recorder, owner: object, made: bool = False) -> None:
    """The calling thread uses `owner`, or has just made it."""
    task = recorder.tasks.current()
    if made and not task:
        return
    uses = _known.of(owner, _Uses)
    use, last = _Use(recorder.current(), recorder.moments.now()), uses.last
    if last is not None and (last.actor, last.moment, bool(last.runs)) == (use.actor, use.moment, bool(task)):
        return
    if task:
        use.who, use.runs = task, _runs()
        uses.home = use
    else:
        use.what, use.stack = told(sys._getframe(1), owner)
    uses.last = use
    if last is not None and not recorder.moments.is_past(last.moment):
        _report(uses, use, last, owner)


def _report(uses: _Uses, use: _Use, other: _Use, owner: object) -> None:
    """Nothing orders the two, of which `use` goes on."""
    if use.runs and not other.runs:
        stray, home = other, use
    else:
        stray, home = use, other if other.runs else uses.home or other
    if not home.runs:  # no loop has it
        return
    if not stray.stack:
        stray.what, stray.stack = told(sys._getframe(2), owner)
    if stray.stack:
        meet(Stray(stray.what, stray.who, stray.stack, home.actor, home.runs, bool(stray.runs)), Evidence.USE)


def _runs() -> Stack:
    loop = sys.modules["asyncio.events"]._get_running_loop()
    return _running.of(loop, lambda: capture(running_place(sys._getframe())))


def read(recorder: Recorder, owner: object, _value: object) -> None:
    """The state of `owner` was read."""
    if sys._getframe(2).f_code.co_name not in _FLAGS:
        used(recorder, owner)


def written(recorder: Recorder, owner: object, old: object, _new: object) -> None:
    """`owner` is made, or its state is about to change."""
    used(recorder, owner, old is ABSENT)


def taken(recorder: Recorder, queue: Any, _item: object) -> None:
    """Something was taken out of `queue`."""
    finished = vars(queue).get("_finished")
    if finished is not None:
        used(recorder, finished)


STATE = Watched("_value", read=read, write=written)
"""That of events and semaphores of loops."""


def _in_native(owner: object, made: bool) -> None:
    if (recorder := active.recorder()) is not None:
        used(recorder, owner, made)


def patch(patches: Patches) -> None:
    """Watch what asyncio has, if it has been imported."""
    locks, queues = sys.modules.get("asyncio.locks"), sys.modules.get("asyncio.queues")
    if locks is None or queues is None or not hasattr(queues, "Queue"):
        return
    native = patches.native
    if native is not None:
        native.loop_objects(_in_native)
        patches.at_undo(lambda: native.loop_objects(None))
    state = STATE if native is None else native.Watched("_value", "loop object")
    for owner in (locks.Event, locks.Semaphore):
        patches.replace(owner, "_value", state)
    mixin = sys.modules["asyncio.mixins"]._LoopBoundMixin
    if native is not None:
        patches.beside(mixin, "_get_loop", native.loop_waits)
        patches.beside(queues.Queue, "get_nowait", after=native.loop_queue_taken)
    else:
        patches.around(mixin, "_get_loop", used)
        patches.around(queues.Queue, "get_nowait", after=taken)
