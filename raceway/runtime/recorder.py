"""The recorder of the pure core: the verbs of synchronisation, as records in the one stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FrameType

from raceway.detector.jobs import JOBS, is_due
from raceway.detector.tasks import WALKS
from raceway.model.kinds import ActorKind
from raceway.model.races import DoubtRow
from raceway.model.records import (
    Acquire,
    Done,
    End,
    Fork,
    Job,
    Join,
    Name,
    Release,
    Rename,
    Retire,
    Spawn,
    Suspend,
    Wake,
)
from raceway.model.typing import Any
from raceway.originals import current_frame
from raceway.runtime.contract import Imports, Jobs, Moment, Moments, Tasks, Waits, Walk
from raceway.runtime.lockwaits import LockWaits
from raceway.runtime.log import Log, draw_due
from raceway.runtime.stacks import capture


class PureRecorder:
    """The contract's verbs, for any thread."""

    native: Any = None

    def __init__(self, log: Log) -> None:
        self._log = log
        self._put = log.stream.put
        self._state = log.state
        self.lock_waits = LockWaits(self.current, log.detector.names.place_of, log.detector.races.named.add)
        self.waits: Waits = self.lock_waits
        self.tasks: Tasks = PureTasks(log, self.lock_taken)
        self.jobs: Jobs = PureJobs(log)
        self.bodies = PureImports(self)
        self.imports: Imports = self.bodies
        self.moments: Moments = PureMoments(log)

    def new_sync(self, kind: str, file: str = "", line: int = 0, of: object = None) -> int:
        """A serial for a new synchronisation object, or the one under which `of` hands over."""
        if of is not None:
            entry = self._log.identity.of(of)
            entry.sync = entry.sync or self.new_sync(kind, file, line)
            return entry.sync
        serial = self._log.identity.new_serial()
        self._put(Name(serial, file, line, kind))
        return serial

    def acquire(self, sync: int) -> None:
        """The current actor happens after the releases of `sync`."""
        self._put(Acquire(self._state().actor, sync))

    def release(self, sync: int, merge: bool = True) -> None:
        """Later acquires happen after this point."""
        state = self._state()
        self._log.edge(state, Release(state.actor, sync, merge))

    def lock_taken(self, sync: int, waits: bool = True, yields: bool = False, /) -> None:
        """The current actor holds the lock from here on."""
        state, frame = self._state(), _asker()
        stack = capture(frame) if waits and state.holds else ()
        state.holds += 1
        self.lock_waits.taken(state.actor, sync, frame)
        where = ((frame.f_code, frame.f_lasti),) if self._log.placed and frame is not None else ()
        self._put(Acquire(state.actor, sync, True, state.task, stack, where, yields))

    def lock_freed(self, sync: int) -> None:
        """The current actor is about to free the lock."""
        state = self._state()
        state.holds = max(state.holds - 1, 0)
        self.lock_waits.freed(sync)
        self._log.edge(state, Release(state.actor, sync, False, True, state.task))

    def fork(self, name: str) -> int:
        """A new actor that starts after this point."""
        state = self._state()
        child = self._log.identity.new_serial()
        self._log.edge(state, Fork(state.actor, child, name, ActorKind.THREAD))
        return child

    def begin(self, actor: int) -> None:
        """The calling thread is `actor`."""
        self._log.run_as(actor)

    def end(self) -> None:
        """The current actor has made its last access."""
        state = self._state()
        self._log.edge(state, End(state.actor))
        self._log.end(state)

    def join(self, actor: int) -> None:
        """The current actor happens after all that `actor` did."""
        self._put(Join(self._state().actor, actor))

    def rename(self, actor: int, name: str) -> None:
        """The actor is called `name`."""
        self._put(Rename(actor, name))

    def current(self) -> int:
        """Serial of the current actor."""
        return self._state().actor

    def retire_sync(self, sync: int) -> None:
        """The synchronisation object died."""
        self.lock_waits.forget(sync)
        self._put(Retire(sync))


class PureImports:
    """The verbs of imports: a statement comes after all bodies so far, a call after those of the modules it names."""

    def __init__(self, recorder: PureRecorder) -> None:
        self._recorder = recorder
        self._all = recorder.new_sync("import lock")
        self._bodies: dict[str, int] = {}

    def executed(self, name: str, /) -> None:
        """The current actor has run the body of this module."""
        if name not in self._bodies:
            self._bodies[name] = self._recorder.new_sync("import lock")
        self._recorder.release(self._bodies[name])
        self._recorder.release(self._all)

    def given(self, name: str, /) -> None:
        """The import system gave the current actor this module, and with it those that it lies in."""
        while name:
            if (body := self._bodies.get(name)) is not None:
                self._recorder.acquire(body)
            name = name.rpartition(".")[0]

    def stated(self) -> None:
        """The current actor has been through an import statement."""
        self._recorder.acquire(self._all)


class PureMoments:
    """The contract's questions of order, for any thread."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def now(self) -> Moment:
        """The present moment of the current actor."""
        return self._log.detector.actor(self._log.state().actor).moment()

    def is_past(self, moment: Moment, /) -> bool:
        """Whether the current actor happens after that moment."""
        state = self._log.state()
        draw_due(self._log.stream, state)
        slot, number = moment
        return self._log.detector.actor(state.actor).clock.get(slot, 0) >= number


_LOCKS_OF_TASKS = frozenset(
    {"asyncio.locks", "asyncio.mixins", "trio._sync", "anyio._backends._asyncio", "anyio._core._synchronization"}
)


def _asker() -> FrameType | None:
    """The frame that takes the lock, behind those of the models and of locks of tasks."""
    frame: FrameType | None = current_frame(2)
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if type(module) is not str or not (module.startswith("raceway.") or module in _LOCKS_OF_TASKS):
            return frame
        frame = frame.f_back
    return None


class PureTasks:
    """The contract's verbs of tasks, for any thread."""

    def __init__(self, log: Log, take: Callable[[int, bool, bool], None]) -> None:
        self._log = log
        self._put = log.stream.put
        self._state = log.state
        self._walking: dict[int, list[Walk]] = {}
        self._take = take

    def spawn(self, name: str, parent: int, passing: bool = False, born: int = 0, green: bool = False) -> int:
        """A new task of an event loop, or a greenlet."""
        serial = self._log.identity.new_serial()
        kind = ActorKind.CALLBACK if passing else ActorKind.GREENLET if green else ActorKind.TASK
        self._put(Spawn(serial, parent, name, kind, born))
        return serial

    def expect(self) -> None:
        """Nothing to do: every access is recorded."""

    def asking(self, ask: Callable[[], None] | None) -> Callable[[], None] | None:
        """Have `ask` called before anything is recorded by the calling thread; the one before."""
        state = self._state()
        before, state.ask = state.ask, ask
        return before

    def now(self) -> int:
        """The place in the stream that the next record will have."""
        return self._log.detector.sequence + 1

    def resume(self, task: int) -> int:
        """The calling thread goes on with `task`; the one before."""
        state = self._state()
        before, state.task = state.task, task
        state.recorded = state
        state.repeated.clear()
        return before

    def walks(self, task: int) -> Sequence[Walk]:
        """The walks that the task is at or has begun since it went on."""
        state = self._state()
        begun = [*self._walking.pop(task, ()), *(walk for by, walk in state.walks if by == task)]
        state.walks.clear()
        if begun:
            self._walking[task] = begun[-WALKS:]
        return begun[-WALKS:]

    def suspend(self, task: int, walks: Sequence[int] = ()) -> None:
        """The task lets others run."""
        self._put(Suspend(task, tuple(walks)))
        if task in self._walking:
            left, kept = list(walks), list[Walk]()
            for site, code, offset, _again in reversed(self._walking.pop(task)):
                if site in left:
                    left.remove(site)
                    kept.append((site, code, offset, True))
            if kept:
                self._walking[task] = kept[::-1]

    def wake(self, task: int) -> None:
        """The current task has just caused `task` to go on."""
        self._put(Wake(self._state().task, task))

    def done(self, task: int) -> None:
        """The task is over."""
        self._walking.pop(task, None)
        self._put(Done(task))

    def lock_taken(self, sync: int, waits: bool = True, /) -> None:
        """The current task holds a lock of tasks."""
        self._take(sync, waits, True)

    def current(self) -> int:
        """Serial of the current task."""
        return self._state().task


class PureJobs:
    """The contract's verbs of jobs, for any thread."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def take(self, queue: int) -> bool:
        """The current actor takes its next job. True as long as there may be something to judge."""
        state = self._log.state()
        if state.task or state.jobs > JOBS + 1:
            return False
        if state.jobs <= JOBS:
            self._log.edge(state, Job(state.actor, queue))
        state.jobs += 1
        return state.jobs <= JOBS + 1

    def asks(self) -> bool:
        """Whether the doubts are to be judged now."""
        state = self._log.state()
        if state.task or not 0 < state.jobs <= JOBS + 1:
            return False
        self._log.stream.drain()
        detector, before = self._log.detector, state.doubtful
        actor, now = detector.actors.get(state.actor), detector.races.doubtful
        if now == 0 or actor is None or actor.held or not is_due(state.jobs, now != before, state.asked):
            return False
        state.asked += now != before
        state.doubtful = now
        return True

    def doubts(self) -> list[DoubtRow]:
        """The races of the current actor that are to be judged."""
        actor = self._log.state().actor
        self._log.stream.drain()
        return self._log.detector.races.doubts(actor)

    def judge(self, number: int, worker: int) -> None:
        """Another worker could have had one of the two jobs."""
        self._log.stream.drain()
        detector, mine = self._log.detector, worker == self._log.state().actor
        if (actor := detector.actors.get(worker)) is not None:
            detector.races.judge(number, worker, actor.clock if mine else actor.inherited)

    def serial_of(self, target: object) -> int:
        """The serial of an object that is known."""
        return self._log.identity.serial_at(id(target))
