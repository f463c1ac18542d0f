"""The contract of a detection core: what sync models and the session may ask of it, whichever core runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import CodeType, FrameType

from raceway.model.findings import Actor
from raceway.model.locks import LockFacts, Waiting
from raceway.model.races import DoubtRow, RawRace
from raceway.model.sites import Site
from raceway.model.struct import Struct
from raceway.model.typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from raceway.model.told import Told


class Waits(Protocol):
    """What is told of a wait for a lock that somebody has. The same rules as for a recorder."""

    def begin(self, sync: int, limited: bool, frame: FrameType | None, /) -> bool:
        """The current actor is about to wait at `frame`, with a time limit or without.

        True when it and others now wait for each other without limit, as long as nobody else frees a lock of theirs.
        """

    def end(self, sync: int, taken: bool, /) -> None:
        """The wait of the current actor is over. If it took the lock, it tells that next."""

    def stuck(self) -> None:
        """The current actor has closed a ring of waits and still waits: whoever listens is told of a deadlock."""


Walk = tuple[int, CodeType, int, bool]
"""A walk over a container: its site, the code and offset at which it was begun, and whether its task was suspended in
it before."""


class Tasks(Protocol):
    """The verbs of tasks that event loops run in turn. Called as those of synchronisation are."""

    def spawn(self, name: str, parent: int, passing: bool = False, born: int = 0, green: bool = False, /) -> int:
        """Announce a new task that an event loop will run, or a callback that it runs once (`passing`), or a greenlet,
        which may let others run at any call (`green`); its serial.

        The loop's thread stays the actor. `parent` is the task that made it, 0 outside any; `born` is the `now()` of
        when it did, 0 for this moment.
        """

    def expect(self) -> None:
        """There may be tasks from now on, so that what comes before them matters, too."""

    def asking(self, ask: Callable[[], None] | None, /) -> Callable[[], None] | None:
        """Have `ask` called before anything is recorded by the calling thread, as the task may be another one by then;
        the one before. A core that hears of such changes asks nobody."""

    def now(self) -> int:
        """A number for this moment, above those of what was recorded before."""

    def resume(self, task: int, /) -> int:
        """The calling thread works for `task` from here on, for none if it is 0; the task before. The locks that a task
        holds are its own."""

    def walks(self, task: int, /) -> Sequence[Walk]:
        """The walks with an await between their steps that the task, which works on the calling thread, was suspended
        in or has begun since it went on, the last ones at the end."""

    def suspend(self, task: int, walks: Sequence[int] = (), /) -> None:
        """The task lets others of its loop run until it is resumed. `walks`: the sites of those that are not over."""

    def wake(self, task: int, /) -> None:
        """What the current task has just done is why `task` will go on."""

    def done(self, task: int, /) -> None:
        """The task is over."""

    def lock_taken(self, sync: int, waits: bool = True, /) -> None:
        """As the recorder's: the current task took a lock, for which tasks wait while their loop goes on."""

    def current(self) -> int:
        """Serial of the task that the calling thread works for, 0 outside any."""


class Jobs(Protocol):
    """The verbs of workers that take jobs from a queue. Called as those of synchronisation are."""

    def take(self, queue: int, /) -> bool:
        """The current actor is about to take its next job from this queue. Called before what orders the job after its
        item was put in. When true, `asks` is to be called where the actor holds nothing."""

    def asks(self) -> bool:
        """Whether the doubts are to be judged now: often in the beginning and then seldom, or when there are others."""

    def doubts(self) -> list[DoubtRow]:
        """Races between two jobs of the current actor, of which nobody knows yet whether another one could have had
        one: what makes a `Doubt` of each."""

    def judge(self, number: int, worker: int, /) -> None:
        """In the doubt of this number, the actor `worker` could have had one of the two jobs. Nothing comes of it where
        that knew of the first one when it was started, or now, if it is who calls."""

    def serial_of(self, target: object, /) -> int:
        """The serial of an object as doubts have it, 0 when nothing is known of it."""


class Imports(Protocol):
    """The verbs of imports. Called as those of synchronisation are."""

    def executed(self, name: str, /) -> None:
        """The current actor has run the body of this module: who is given it from now on happens after that."""

    def given(self, name: str, /) -> None:
        """The import system gave the current actor this module: its body comes before, and those that it lies in."""


Moment = tuple[int, int]
"""A slot of the clocks and its number: an epoch of an actor. No other actor of the run has had both."""


class Moments(Protocol):
    """What happens before what, asked while the program runs. Called as the verbs of synchronisation are."""

    def now(self) -> Moment:
        """The present moment of the current actor."""

    def is_past(self, moment: Moment, /) -> bool:
        """Whether the current actor happens after that moment, of whatever actor."""


class Recorder(Protocol):
    """The verbs of synchronisation. Every method may be called from any thread, never blocks and never raises."""

    native: Any
    """The module of the core in C, which has sync models of its own; None for a core without."""

    waits: Waits
    """The verbs of waits for locks."""
    tasks: Tasks
    """The verbs of tasks."""
    jobs: Jobs
    """The verbs of jobs."""
    imports: Imports
    """The verbs of imports."""
    moments: Moments
    """Questions of order."""

    def new_sync(self, kind: str, file: str = "", line: int = 0, of: object = None) -> int:
        """A serial for a new synchronisation object; `kind` ("lock", "queue") and where it was made name it.

        With `of`, the one under which that object hands over, new or not: who reads a cached property of it acquires.
        """

    def acquire(self, sync: int) -> None:
        """The current actor now happens after every release of `sync` so far. Call it after the wait succeeded."""

    def release(self, sync: int, merge: bool = True) -> None:
        """Later acquires of `sync` happen after this point. Call it before waking the other side.

        `merge` keeps earlier releases (events, queues, semaphores); without it they are replaced.
        """

    def lock_taken(self, sync: int, waits: bool = True, /) -> None:
        """The current actor took the lock (outermost level only): acquire, and it counts as held from here on.

        Without `waits` it only tried, or would have given up after a time: then no deadlock can begin here.
        """

    def lock_freed(self, sync: int) -> None:
        """The current actor is about to free the lock (outermost level only): release, and no longer held."""

    def fork(self, name: str) -> int:
        """Announce a new actor that starts after this point; returns its serial. Called by the parent."""

    def begin(self, actor: int) -> None:
        """The calling thread is `actor` from here on."""

    def end(self) -> None:
        """The current actor has made its last access."""

    def join(self, actor: int) -> None:
        """The current actor now happens after everything `actor` did. Call it after the wait succeeded."""

    def rename(self, actor: int, name: str) -> None:
        """The actor is called `name` in reports."""

    def current(self) -> int:
        """Serial of the actor that the calling thread is running."""

    def retire_sync(self, sync: int) -> None:
        """The synchronisation object died."""


class Counters(Struct):
    """What the core has seen so far."""

    accesses: int
    actors: int
    shared_locations: int
    dropped: int
    noted: int = 0
    """Races, those alike each time."""


class Names(Protocol):
    """Names for the ids in raw races."""

    def all_sites(self) -> Iterable[tuple[int, Site]]:
        """Every site with its serial."""

    def site(self, serial: int) -> Site:
        """The site of a serial."""

    def site_file(self, serial: int) -> str:
        """The file of a site."""

    def actor_name(self, serial: int) -> Actor:
        """An actor for people."""

    def lock_place(self, serial: int) -> tuple[str, int]:
        """File and line where a lock was made."""

    def has_acted(self, serial: int) -> bool:
        """Whether the writing site, which depends on an earlier read, was reached so far."""

    def is_read(self, variable: str) -> bool:
        """Whether any access so far reads the variable."""


class Telling(Protocol):
    """What a core tells of a run while it goes on."""

    def begin(self, full: bool, placed: bool = False) -> None:
        """From the start on, collect what `told` gives: what races can be made of, or with `full` every access. With
        `placed` accesses have their stacks, and locks where they were taken."""

    def told(self) -> list[Told]:
        """What there is to tell since the last time, in order. By one thread at a time."""

    def untold(self) -> int:
        """How much was dropped since nobody asked in time."""

    def hide_thread(self) -> None:
        """The calling thread is one of ours: what it does is not recorded, and it is no actor."""

    def activity(self) -> dict[int, int]:
        """How many accesses each actor has made whose thread is still there."""

    def on_race(self, told: Callable[[], None] | None) -> None:
        """Have `told` called shortly after a race that is like none before it, on a thread that is no actor; None: no
        longer."""

    def listen(self, told: Callable[[tuple[Waiting, ...]], object]) -> None:
        """Have `told` called with a deadlock once it has lasted, in the thread that closed it, which waits on."""


class Core(Protocol):
    """One detection core: taps, recorder and detector together."""

    name: str
    form: str
    """How the transform renders taps for this core: "hold", a tap for each operand, or "peek", only what commits."""
    fallback: str
    """Why this core was taken in the place of a better one; empty when it was not."""
    outermost: Callable[..., Any]
    """Calls a function of the program, or `exec`, with arguments, as the outermost call of the command line's thread.

    Where a core can do so, the frames that called it are in no stack that the program looks at and count for no limit
    of depth, and a tracer or profiler that it leaves on is off until the next such call."""

    @property
    def names(self) -> Names:
        """Names for the ids in raw races."""

    @property
    def recorder(self) -> Recorder:
        """The verbs for sync models."""

    @property
    def telling(self) -> Telling:
        """What it tells while the run goes on."""

    def start(self) -> None:
        """Begin to record."""

    def stop(self) -> None:
        """Stop recording; findings stay."""

    def after_fork(self) -> bool:
        """Called in a forked child. False when nothing is recorded there."""

    def bind(self, code: CodeType, sites: Sequence[Site], places: bytes, file: str) -> CodeType:
        """The code with live taps at the places that are listed (`model.placeholders`)."""

    def races(self) -> list[RawRace]:
        """All raw races so far, one per pair of sites and variable."""

    def counters(self) -> Counters:
        """Counts of the run so far."""

    def passes_self_check(self) -> bool:
        """Whether a race that is planted now is found; nothing else of it is to be seen. For the running core only."""

    def locks(self) -> LockFacts:
        """What is known of locks beyond races."""
