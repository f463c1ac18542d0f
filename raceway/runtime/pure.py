"""The pure core put together: the Python one, which is the readable specification.

Imported only where it is asked for, or where there is no other: a run on the native core needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import CodeType

from raceway import standins
from raceway.model.findings import Actor
from raceway.model.locks import LockFacts, Waiting
from raceway.model.races import RawRace
from raceway.model.records import Call, Record, Rename
from raceway.model.sites import Site
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.runtime.accesses import Accesses
from raceway.runtime.contract import Counters
from raceway.runtime.log import Log
from raceway.runtime.notice import Notice
from raceway.runtime.recorder import PureRecorder
from raceway.runtime.selfcheck import SelfCheck
from raceway.runtime.stream import HIDDEN
from raceway.runtime.taps import bind

if TYPE_CHECKING:
    from raceway.model.told import Told


class PureNames:
    """Names for the ids of the pure core's races."""

    def __init__(self, log: Log) -> None:
        self._detector = log.detector
        self._sites = log.sites
        self.site = log.sites.__getitem__
        self.site_file = log.file_of

    def all_sites(self) -> Iterable[tuple[int, Site]]:
        """Every site with its serial."""
        return enumerate(self._sites)

    def actor_name(self, serial: int) -> Actor:
        """An actor for people."""
        actor = self._detector.tasks.get(serial) or self._detector.actors.get(serial)
        return Actor("thread", f"actor {serial}") if actor is None else Actor(actor.kind.value, actor.name)

    def lock_place(self, serial: int) -> tuple[str, int]:
        """Where a lock was made."""
        return self._detector.names.place_of(serial)

    def has_acted(self, serial: int) -> bool:
        """Whether the writing site, which depends on an earlier read, was reached so far."""
        return serial in self._detector.acted

    def is_read(self, variable: str) -> bool:
        """Whether any access so far reads the variable."""
        return variable.removesuffix("[...]") in self._detector.read


class PureTelling:
    """What the pure core tells while it runs."""

    def __init__(self, log: Log, recorder: PureRecorder) -> None:
        self._log = log
        self._recorder = recorder
        self._detector = log.detector
        self.notice: Notice | None = None

    def begin(self, full: bool, placed: bool = False) -> None:
        """Collect what `told` gives, beginning with the names of who and what is known already."""
        from raceway.detector.teller import Teller

        teller = self._detector.teller = Teller(full, placed)
        self._log.placed = placed
        detector, feed = self._detector, self._detector.feed

        def tell_or_feed(record: Record) -> None:
            if type(record) is Call:
                teller.call(record, detector.actors.get(record.actor))
            else:
                feed(record)

        self._log.stream.feed = tell_or_feed
        for serial, actor in self._detector.actors.items():
            self._detector.feed(Rename(serial, actor.name))
        for name in self._detector.names.living():
            self._detector.feed(name)

    def told(self) -> list[Told]:
        """What there is to tell since the last time."""
        self._log.stream.drain()
        return [] if self._detector.teller is None else self._detector.teller.told()

    def untold(self) -> int:
        """How much was dropped."""
        return 0 if self._detector.teller is None else self._detector.teller.dropped

    def hide_thread(self) -> None:
        """The calling thread is one of ours."""
        self._log.run_as(HIDDEN)

    def activity(self) -> dict[int, int]:
        """Accesses by actor."""
        return {state.actor: state.accesses for state in list(self._log.states)}

    def on_race(self, told: Callable[[], None] | None) -> None:
        """Have `told` called when there are new races."""
        self.notice = None if told is None else Notice(told)
        self._detector.races.on_new = None if self.notice is None else self.notice.race

    def listen(self, told: Callable[[tuple[Waiting, ...]], object]) -> None:
        """Have `told` called with a deadlock once it has lasted."""
        self._recorder.lock_waits.listener = told


class PureCore:
    """The Python core: the readable specification."""

    name = "pure"
    form = "hold"

    def __init__(self, fallback: str = "") -> None:
        standins.Native.module = None
        self.fallback = fallback
        self.log = Log()
        self.recorder = PureRecorder(self.log)
        self.names = PureNames(self.log)
        self.telling = PureTelling(self.log, self.recorder)
        self.outermost = _called
        self._accesses = Accesses(self.log, self.recorder)
        self._detector = self.log.detector
        self._check = SelfCheck(self.recorder, self.bind, self.names, self._all_races, self._all_counters)

    def start(self) -> None:
        """Begin to follow the lives of objects."""
        self.log.identity.start()

    def stop(self) -> None:
        """Feed what waits and let go of all objects."""
        self.telling.on_race(None)
        self.log.close()

    def after_fork(self) -> bool:
        """In a forked child: the parent's other threads are gone."""
        self.log.stream.reset_after_fork()
        self.log.calls.clear()
        if self.telling.notice is not None:
            self.telling.notice.after_fork()
        self.telling.told()  # what waits is the parent's to tell
        return True

    def bind(self, code: CodeType, sites: Sequence[Site], places: bytes, file: str) -> CodeType:
        """The code with live taps at the places that are listed."""
        base = self.log.add_sites(file, tuple(sites))
        return bind(self._accesses, code, base, tuple(sites), places)

    def races(self) -> list[RawRace]:
        """All raw races so far."""
        return self._check.races()

    def counters(self) -> Counters:
        """Counts so far."""
        return self._check.counters()

    def passes_self_check(self) -> bool:
        """Whether a race that is planted now is found."""
        return self._check.passes()

    def _all_races(self) -> list[RawRace]:
        self.log.stream.drain()
        return self._detector.races.all()

    def _all_counters(self) -> Counters:
        self.log.stream.drain()
        detector = self._detector
        dropped = self.log.failures + self.log.stream.failures + detector.orders.dropped
        noted = detector.races.noted + detector.orders.noted
        return Counters(self.log.accesses, detector.seen_actors, detector.shared, dropped, noted)

    def locks(self) -> LockFacts:
        """What is known of locks so far."""
        self.log.stream.drain()
        waits, detector = self.recorder.lock_waits, self._detector
        return LockFacts(
            detector.orders.all(),
            frozenset(detector.syncs.signals),
            waits.deadlocks(),
            waits.waiting(),
            waits.contention(),
        )


def _called(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it with the callers that it has: Python cannot hide them."""
    return function(*arguments)
