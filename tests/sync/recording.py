"""A recorder that keeps what models tell it, and a replay of that with vector clocks: is this mark before that one?

The simple model: an actor's clock grows at every mark, release and fork. Acquiring takes over the released clock,
joining the clock of the other actor.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import threading
import traceback
from _io import FileIO
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from raceway import originals, sync
from raceway.model.races import DoubtRow
from raceway.runtime import active
from raceway.runtime.contract import Walk

Clock = dict[int, int]
Entry = tuple[str, int, tuple[Any, ...]]
"""Verb, actor, arguments."""


class FakeWaits:
    """Keeps what is told of waits: (verb, sync, detail)."""

    def __init__(self) -> None:
        self.log: list[tuple[str, int, bool]] = []

    def begin(self, sync: int, limited: bool, _frame: FrameType | None) -> bool:
        self.log.append(("begin", sync, limited))
        return False

    def end(self, sync: int, taken: bool) -> None:
        self.log.append(("end", sync, taken))

    def stuck(self) -> None:
        self.log.append(("stuck", 0, False))


class FakeJobs:
    """Keeps from which queue each actor takes jobs, and has no doubts, whether it asks for them or not."""

    def __init__(self, current: Callable[[], int]) -> None:
        self.log: list[tuple[int, int]] = []
        self.asking = False
        self._current = current

    def take(self, queue: int) -> bool:
        self.log.append((self._current(), queue))
        return self.asking

    def asks(self) -> bool:
        return self.asking

    def doubts(self) -> list[DoubtRow]:
        return []

    def judge(self, _number: int, _worker: int) -> None:
        raise AssertionError("there is nothing to judge")

    def serial_of(self, _target: object) -> int:
        return 0


class FakeTasks:
    """Keeps what tasks do, as (verb, task, other); each thread is in one task."""

    def __init__(self, recorder: FakeRecorder) -> None:
        self._recorder = recorder
        self.log: list[tuple[str, int, int]] = []
        self.names: dict[int, str] = {}
        self._now: dict[int, int] = {}

    def expect(self) -> None:
        pass

    def asking(self, _ask: Callable[[], None] | None) -> None:
        pass

    def now(self) -> int:
        return len(self.log)

    def spawn(self, name: str, parent: int, passing: bool = False, born: int = 0, green: bool = False) -> int:
        assert born <= self.now()
        serial = len(self.names) + 1
        self.names[serial] = name
        self.log.append(("callback" if passing else "greenlet" if green else "task", serial, parent))
        return serial

    def resume(self, task: int) -> int:
        before = self.current()
        self._now[originals.get_ident()] = task
        self.log.append(("resume", task, before))
        return before

    def walks(self, _task: int) -> Sequence[Walk]:
        return ()

    def suspend(self, task: int, walks: Sequence[int] = ()) -> None:
        self.log.append(("suspend", task, len(walks)))

    def wake(self, task: int) -> None:
        self.log.append(("wake", task, self.current()))

    def done(self, task: int) -> None:
        self.log.append(("done", task, 0))

    def lock_taken(self, sync: int, waits: bool = True) -> None:
        self._recorder.lock_taken(sync, waits)

    def current(self) -> int:
        return self._now.get(originals.get_ident(), 0)


class FakeImports:
    """The verbs of imports, of which nothing is kept."""

    def executed(self, name: str, /) -> None:
        pass

    def given(self, name: str, /) -> None:
        pass


class FakeMoments:
    """Answers by a replay of what was told so far."""

    def __init__(self, recorder: FakeRecorder) -> None:
        self._recorder = recorder

    def now(self) -> tuple[int, int]:
        actor = self._recorder.current()
        return actor, Replay(self._recorder.log).clock(actor)[actor]

    def is_past(self, moment: tuple[int, int], /) -> bool:
        return Replay(self._recorder.log).clock(self._recorder.current()).get(moment[0], 0) >= moment[1]


class FakeRecorder:
    """Keeps every verb with the actor that told it. `mark` is an access of a test.

    Threads of the test runner, which nobody announced and which mark nothing, are left out.
    """

    native: Any = None
    """The native core's module when its models are to tell, None for those in Python."""

    def __init__(self) -> None:
        self.tasks: Any = FakeTasks(self)
        self.imports: Any = FakeImports()
        self.moments: Any = FakeMoments(self)
        self.jobs: Any = FakeJobs(self.current)
        self.log: list[Entry] = []
        self.waits: Any = FakeWaits()
        self.kinds: dict[int, str] = {}
        self.places: dict[int, tuple[str, int]] = {}
        self.names: dict[int, str] = {}
        self.of: dict[int, int] = {}
        self._numbers = itertools.count(1)
        self._actors: dict[int, int] = {}
        self._foreign: set[int] = set()
        self._unnamed: set[int] = set()
        self.unnamed_too = False
        """Whether locks made before the run are logged: the test runner has some, which only the native core sees."""
        self.main = self.current()

    def _tell(self, verb: str, *arguments: Any) -> None:
        actor = self._actors.get(originals.get_ident())
        if actor is not None:
            self.log.append((verb, actor, arguments))

    def _tell_sync(self, verb: str, sync: int, *arguments: Any) -> None:
        if sync in self._unnamed:
            return
        assert sync in self.kinds or sync in self._foreign
        self._tell(verb, sync, *arguments)

    def mark(self, label: str) -> None:
        """An access, by the current actor."""
        self.current()
        self._tell("mark", label)

    def new_sync(self, kind: str, file: str = "", line: int = 0, of: object = None) -> int:
        if of is not None:
            if id(of) not in self.of:
                self.of[id(of)] = self.new_sync(kind, file, line)
            return self.of[id(of)]
        number = next(self._numbers)
        if kind == "lock" and not file and not self.unnamed_too:
            self._unnamed.add(number)
        elif originals.get_ident() in self._actors:
            self.kinds[number] = kind
            self.places[number] = (file, line)
        else:
            self._foreign.add(number)
        return number

    def acquire(self, sync: int) -> None:
        self._tell_sync("acquire", sync)

    def release(self, sync: int, merge: bool = True) -> None:
        self._tell_sync("release", sync, merge)

    def lock_taken(self, sync: int, waits: bool = True) -> None:
        self._tell_sync("lock_taken", sync)

    def lock_freed(self, sync: int) -> None:
        self._tell_sync("lock_freed", sync)

    def fork(self, name: str) -> int:
        child = next(self._numbers)
        if originals.get_ident() in self._actors:
            self.names[child] = name
        self._tell("fork", child)
        return child

    def begin(self, actor: int) -> None:
        if actor in self.names:
            self._actors[originals.get_ident()] = actor

    def end(self) -> None:
        self._tell("end")
        self._actors.pop(originals.get_ident(), None)

    def join(self, actor: int) -> None:
        self._tell("join", actor)

    def rename(self, actor: int, name: str) -> None:
        self.names[actor] = name

    def current(self) -> int:
        return self._actors.setdefault(originals.get_ident(), next(self._numbers))

    def retire_sync(self, sync: int) -> None:
        self.kinds.pop(sync, None)
        self._foreign.discard(sync)

    def forget(self) -> None:
        """Every primitive known so far becomes one of somebody else's."""
        self._foreign.update(self.kinds)
        self.kinds.clear()

    def verbs(self) -> list[str]:
        """What was told so far, without marks."""
        return [verb for verb, _actor, _arguments in self.log if verb != "mark"]

    def told(self, verb: str) -> list[Any]:
        """First arguments of this verb."""
        return [arguments[0] for told, _actor, arguments in self.log if told == verb]

    def before(self, earlier: str, later: str) -> bool:
        """Whether the log orders two marks."""
        return Replay(self.log).before(earlier, later)


@dataclass
class Replay:
    """Vector clocks over a log."""

    log: list[Entry]
    marks: dict[str, tuple[int, Clock]] = field(default_factory=dict)
    _actors: dict[int, Clock] = field(default_factory=dict)
    _syncs: dict[int, Clock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for verb, actor, arguments in list(self.log):
            self._step(verb, actor, arguments)

    def before(self, earlier: str, later: str) -> bool:
        """Whether the mark `later` happens after `earlier`."""
        actor, clock = self.marks[earlier]
        return clock[actor] <= self.marks[later][1].get(actor, 0)

    def clock(self, actor: int) -> Clock:
        return self._actors.setdefault(actor, {actor: 1})

    def _step(self, verb: str, actor: int, arguments: tuple[Any, ...]) -> None:
        clock = self.clock(actor)
        if verb == "mark":
            assert arguments[0] not in self.marks
            self.marks[arguments[0]] = (actor, dict(clock))
        elif verb in ("acquire", "lock_taken"):
            _take_over(clock, self._syncs.get(arguments[0], {}))
        elif verb in ("release", "lock_freed"):
            released = self._syncs.setdefault(arguments[0], {})
            if verb == "lock_freed" or not arguments[1]:
                released.clear()
            _take_over(released, clock)
        elif verb == "fork":
            _take_over(self.clock(arguments[0]), clock)
        elif verb == "join":
            _take_over(clock, self.clock(arguments[0]))
        if verb in ("mark", "release", "lock_freed", "fork"):
            clock[actor] += 1


def _take_over(clock: Clock, other: Clock) -> None:
    for actor, time in other.items():
        clock[actor] = max(clock.get(actor, 0), time)


@contextlib.contextmanager
def watched(
    instrumented: Callable[[str], bool] = lambda _name: False, unnamed_too: bool = False
) -> Iterator[FakeRecorder]:
    """Models in place, telling a fake recorder; no call of a model may go wrong."""
    recorder = FakeRecorder()
    recorder.unnamed_too = unnamed_too
    before = sync.failures()
    recorder.native = models.native
    with running(models.native):
        active.activate(recorder)
        sync.install(recorder, instrumented)
        try:
            yield recorder
        finally:
            sync.uninstall()
            active.activate(None)
    assert sync.failures() == before


class models:  # noqa: N801  a place for one variable
    """Which models the tests of now put in: the native core's, or without it those in Python."""

    native: Any = None


def settle() -> None:
    """Have the core note what died: without a GIL the native one does when it is entered next."""
    if models.native is not None:
        models.native.counters()


@contextlib.contextmanager
def running(native: Any) -> Iterator[None]:
    """The native core following the lives of objects, for its models to know locks by."""
    if native is None:
        yield
        return
    native.start((), (), ())
    try:
        yield
    finally:
        native.stop()
        native.forget()


class Gate:
    """Holds threads back until it is opened. Made from a pipe with raw files, which the models do not observe."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        self._reader, self._writer = FileIO(reader), FileIO(writer, "w")

    def __del__(self) -> None:
        self.open()
        self._reader.close()

    def open(self) -> None:
        """Let everybody through, from now on."""
        self._writer.close()

    def wait(self) -> None:
        """Wait until it is open."""
        poll = select.poll()
        poll.register(self._reader.fileno(), select.POLLIN)
        assert poll.poll(20_000)
        poll.unregister(self._reader.fileno())


def open_when_waiting(condition: threading.Condition, gate: Gate) -> None:
    """Open `gate` when somebody waits on `condition`: who then takes its lock finds them blocked."""
    wait = condition.wait

    def telling(timeout: float | None = None) -> bool:
        gate.open()
        return wait(timeout)

    condition.wait = telling  # type: ignore[method-assign]


def run(*functions: Callable[[], object]) -> None:
    """Run each in a thread of its own, wait for all; errors are raised here."""
    errors: list[BaseException] = []

    def guarded(function: Callable[[], object]) -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def outcome(function: Callable[[], object]) -> object:
    """What calling gives: the value, or the whole traceback as text."""
    try:
        return function()
    except BaseException as error:
        return "".join(traceback.format_exception(error))
