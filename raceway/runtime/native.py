"""The native core: the C twin of this package and of `detector`, behind the same contract.

C holds the path from an access to a raw race. What is here prepares it (contracts and sites as numbers) and turns its
answers into the values that findings are built from. The C files stand in raceway/native/ under the names of their
Python twins.
"""

from __future__ import annotations

import functools
import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType

from raceway import _native, files, standins
from raceway.model.findings import Actor
from raceway.model.kinds import ActorKind, Commute, LocationKind, Operation
from raceway.model.locks import Contention, LockFacts, LockOrder, Waiting
from raceway.model.races import ECHO, THROUGH, RawRace, Side, key_text
from raceway.model.records import Access, Location
from raceway.model.sites import Site
from raceway.model.sitetable import SiteTable, pack
from raceway.model.struct import Struct
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.runtime import contracts
from raceway.runtime.contract import Counters, Recorder
from raceway.runtime.contracts.terms import Effect, Handover, KeyShape, Presence, Target
from raceway.runtime.selfcheck import SelfCheck
from raceway.runtime.threadnames import thread_name

if TYPE_CHECKING:
    from raceway.model.told import Told

_OPERATIONS = tuple(Operation)
_COMMUTES = tuple(Commute)
_ACTORS = tuple(ActorKind)
_TARGETS = tuple(Target)
_LAST_RESORT = "array.array"

_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""Where files of ours lie: their frames at the bottom of a stack are not the program's."""

_KNOWN = """
def known(container, key):
    return container[b"probe" @ key], (lambda: key)
"""


_Packed = tuple[tuple[int, int, int], ...]


def _effects(effects: tuple[Effect, ...], known: dict[int, _Packed]) -> _Packed:
    """The effects as numbers; those of many rows are one tuple, known by its address."""
    packed = known.get(id(effects))
    if packed is None:
        packed = known[id(effects)] = tuple(
            (_TARGETS.index(effect.target), _OPERATIONS.index(effect.operation), _COMMUTES.index(effect.commute))
            for effect in effects
        )
    return packed


def _contract_rows() -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[bool, ...], str]:
    """What a run begins with: the contract table as numbers; the types of its containers, None for one whose module is
    not imported; which are sequences; our folder."""
    names = [*contracts.CONTAINERS, _LAST_RESORT]
    shapes, presences, handovers = tuple(KeyShape), tuple(Presence), (None, *Handover)
    places = {name: place for place, name in enumerate(names)}
    known: dict[int, _Packed] = {}
    rows = tuple(
        (
            places[row.container],
            row.name,
            shapes.index(row.shape),
            _effects(row.effects, known),
            presences.index(row.full_when),
            _effects(row.otherwise, known),
            row.through,
            handovers.index(row.handover),
        )
        for row in contracts.TABLE
    )
    types = (*contracts.CONTAINERS.values(), None)
    return rows, types, tuple(name in contracts.SEQUENCES for name in names), _FOLDER


def site_table(sites: Sequence[Site]) -> SiteTable:
    """What taps and rules need to know of the sites of a module, packed."""
    return sites if isinstance(sites, SiteTable) else SiteTable(pack(sites))


def is_stale() -> bool:
    """Whether the core is older than its source files, which only a checkout has: `git pull` does not build it."""
    folder = _FOLDER + "native"
    try:
        built = files.status(_native.__file__).st_mtime_ns
        sources = [f"{folder}{os.sep}{name}" for name in files.names(folder) if name.endswith((".c", ".h"))]
        stamps = map(_native.stamp, sources)  # without an object for each: there are many
        return any(stamp is not None and stamp[1] > built for stamp in stamps)
    except OSError:
        return False


@functools.cache
def can_peek() -> bool:
    """Whether taps find their operands on the value stack of this interpreter: tried on a known function."""
    if not _native.PEEK:
        return False
    probe = _native.PeekProbe()
    space: dict[str, Any] = {}
    exec(_KNOWN, space)
    function = space["known"]
    code: CodeType = function.__code__
    function.__code__ = code.replace(
        co_consts=tuple(probe if constant == b"probe" else constant for constant in code.co_consts)
    )
    container = {5: 7}
    try:
        value, _reveal = function(container, 5)
    except Exception:  # whatever goes wrong: the layout is not what we know
        return False
    below, seen_code, cell = probe.seen()
    probe.forget()
    return bool(value == 7 and below is container and seen_code is function.__code__ and cell.cell_contents == 5)


class Kept(Struct):
    """What findings need of a run that has ended: the core itself lets go of it all, for the next one."""

    races: list[RawRace]
    counters: Counters
    actors: dict[int, tuple[int, str]]
    read: frozenset[str]
    acted: frozenset[int]
    lock_places: dict[int, tuple[str, int]]
    locks: LockFacts


class NativeNames:
    """Names for the ids of the native core's races, from the core while it records and then from what was kept."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._modules: list[tuple[Sequence[Site], str]] = []
        self.kept: Kept | None = None

    def all_sites(self) -> Iterator[tuple[int, Site]]:
        """Every site with its serial."""
        for first, (sites, _file) in zip(self._firsts, self._modules, strict=False):  # others may be added meanwhile
            yield from enumerate(sites, first)

    def numbers(self) -> range:
        """The serials of all sites."""
        return range(self._firsts[-1] + len(self._modules[-1][0]) if self._firsts else 0)

    def has_acted(self, serial: int) -> bool:
        """Whether the writing site, which depends on an earlier read, was reached so far."""
        return bool(_native.has_acted(serial)) if self.kept is None else serial in self.kept.acted

    def lock_place(self, serial: int) -> tuple[str, int]:
        """File and line where a lock was made."""
        found: tuple[str, int] = (
            _native.lock_place(serial) if self.kept is None else self.kept.lock_places.get(serial, ("", 0))
        )
        return found

    def add(self, first: int, sites: Sequence[Site], file: str) -> None:
        """Note the sites of a module, whose first one has this number; none is looked at before a race names it."""
        self._firsts.append(first)
        self._modules.append((sites, file))

    def site(self, serial: int) -> Site:
        """The site of a serial."""
        place = bisect_right(self._firsts, serial) - 1
        return self._modules[place][0][serial - self._firsts[place]]

    def site_file(self, serial: int) -> str:
        """The file of a site."""
        return self._modules[bisect_right(self._firsts, serial) - 1][1]

    def actor_name(self, serial: int) -> Actor:
        """An actor for people."""
        actors = _native.actors() if self.kept is None else self.kept.actors
        kind, name = actors.get(serial, (0, f"actor {serial}"))
        return Actor(_ACTORS[kind].value, name)

    def is_read(self, variable: str) -> bool:
        """Whether any access so far reads the variable."""
        read = _native.variables_read() if self.kept is None else self.kept.read
        return variable.removesuffix("[...]") in read


class NativeTelling:
    """What the native core tells while it runs."""

    def __init__(self) -> None:
        self.kept: int | None = None

    def begin(self, full: bool, placed: bool = False) -> None:
        """From the start on, collect what `told` gives."""
        _native.tell(full, can_peek(), placed)

    def told(self) -> list[Told]:
        """What there is to tell since the last time."""
        from raceway.model.told import ToldAccess, ToldCall, ToldEdge

        return _native.told(ToldEdge, ToldAccess, ToldCall)

    def untold(self) -> int:
        """How much was dropped."""
        return _native.untold() if self.kept is None else self.kept

    def hide_thread(self) -> None:
        """The calling thread is one of ours."""
        _native.hide_thread()

    def activity(self) -> dict[int, int]:
        """Accesses by actor."""
        return _native.activity()

    def on_race(self, told: Callable[[], None] | None) -> None:
        """Have `told` called when there are new races."""
        _native.on_race(told)

    def listen(self, told: Callable[[tuple[Waiting, ...]], object]) -> None:
        """Have `told` called with a deadlock once it has lasted."""
        _native.listen(lambda rows: told(_deadlock(rows)))


class NativeCore:
    """The C core."""

    name = "native"
    fallback = ""

    def __init__(self) -> None:
        standins.Native.module = _native
        self.recorder: Recorder = _native.Recorder()
        self.names = NativeNames()
        self.form = "peek" if can_peek() else "hold"
        self._check = SelfCheck(self.recorder, self.bind, self.names, self._all_races, self._all_counters)
        self._running = False
        self.telling = NativeTelling()
        self.outermost = _native.outermost

    def start(self) -> None:
        """Begin to record."""
        main = _native.start(*_contract_rows())
        self._running = True
        _native.Recorder().rename(main, thread_name())

    def stop(self) -> None:
        """Stop recording and let go of everything but what findings need."""
        if self._running:
            self._running = False
            self.telling.on_race(None)
            self.telling.kept = _native.untold()
            _native.stop()
            _native.listen(None)
            self.names.kept = self._keep()
            _native.forget()

    def _keep(self) -> Kept:
        races, counters, facts = self.races(), self.counters(), self.locks()
        locks = facts.locks() | {lock for race in races for side in (race.earlier, race.later) for lock in side.locks}
        if not races and not locks:
            return Kept(races, counters, {}, frozenset(), frozenset(), {}, facts)
        return Kept(
            races,
            counters,
            _native.actors(),
            frozenset(_native.variables_read()),
            frozenset(filter(_native.has_acted, self.names.numbers())),
            {lock: _native.lock_place(lock) for lock in locks},
            facts,
        )

    def after_fork(self) -> bool:
        """In a forked child: the parent's other threads are gone. False when one has left a change half made."""
        return _native.after_fork()

    def bind(self, code: CodeType, sites: Sequence[Site], places: bytes, file: str) -> CodeType:
        """The code with live taps at the places that are listed; it is changed in place."""
        self.names.add(_native.bind(code, places, *site_table(sites).closed()), sites, file)
        return code

    def races(self) -> list[RawRace]:
        """All raw races so far."""
        kept = self.names.kept
        return self._check.races() if kept is None else kept.races

    def counters(self) -> Counters:
        """Counts so far."""
        kept = self.names.kept
        return self._check.counters() if kept is None else kept.counters

    def passes_self_check(self) -> bool:
        """Whether a race that is planted now is found."""
        return self._running and self._check.passes()

    def _all_races(self) -> list[RawRace]:
        return [_race(row) for row in _native.races()]

    def _all_counters(self) -> Counters:
        return Counters(*_native.counters(), _native.noted())

    def locks(self) -> LockFacts:
        """What is known of locks so far."""
        if self.names.kept is not None:
            return self.names.kept.locks
        orders, signals, deadlocks, waiting, contention = _native.locks()
        return LockFacts(
            tuple(LockOrder(*row) for row in orders),
            frozenset(signals),
            tuple(map(_deadlock, deadlocks)),
            _deadlock(waiting),
            tuple(Contention(*row) for row in contention),
        )


def _deadlock(rows: Iterable[tuple[Any, ...]]) -> tuple[Waiting, ...]:
    return tuple(Waiting(*row) for row in rows)


def _race(row: tuple[Any, ...]) -> RawRace:
    earlier, later, variable, serial, kind, told, count, one_loop, key, look, worker = row
    observed, recurs, paused = (bool(told >> bit & 1) for bit in range(3))
    location = Location(serial, LocationKind(kind))
    first, second = _side(earlier, location, variable), _side(later, location, variable)
    if look:
        site, stack = look
        stores = not second.access.operation.mutates
        done = Operation.WRITE if stores else Operation.READ
        head = Access(second.access.actor, done, location, site, variable, stack)
        second = Side(second.access, second.locks, head, ECHO if stores else THROUGH)
    item = key_text(*key) if key else ""
    return RawRace(first, second, observed, count, one_loop, item=item, recurs=recurs, paused=paused, worker=worker)


def _side(packed: tuple[Any, ...], location: Location, variable: str) -> Side:
    actor, operation, commute, site, stack, locks, region, head, offset, _head_locks = packed
    access = Access(actor, _OPERATIONS[operation], location, site, variable, stack, _COMMUTES[commute])
    if region < 0:
        return Side(access, locks)
    inner = ((stack[0][0], offset), *stack[1:]) if stack else ()
    return Side(access, locks, Access(actor, Operation.READ, location, head, variable, inner), region)
