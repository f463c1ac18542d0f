"""Where all that is recorded goes: the sites, the threads' states, the identities, and the one stream of records.

Nothing here blocks, and nothing raises into the program. An access that the detector would drop as a repetition is
dropped before its stack is taken.
"""

from __future__ import annotations

from collections.abc import Hashable
from types import FrameType

from raceway.detector.detector import Detector
from raceway.model.kinds import Commute, LocationKind, Operation
from raceway.model.records import Access, Acquire, Fork, Location, Record, Rename, Retire
from raceway.model.sites import Site
from raceway.originals import Local
from raceway.runtime.actors import ThreadState
from raceway.runtime.identity import Identity
from raceway.runtime.stacks import capture
from raceway.runtime.stream import Stream
from raceway.runtime.threadnames import thread_name

_REPEATED_LIMIT = 1 << 16
"""Accesses remembered between two records: a thread that only reads must not remember all it did."""

_SWEEP_MASK = 63
"""Every 64th repeated access looks for objects to let go of; all others do."""


class Log:
    """The state that taps and synchronisation verbs share."""

    def __init__(self) -> None:
        self.sites: list[Site] = []
        self._files: dict[int, str] = {}
        self.detector = Detector(self.sites.__getitem__)
        self.stream = Stream(self.detector.feed)
        self.identity = Identity(self._retired)
        self.failures = 0
        self.open = True
        self.calls: dict[int, int] = {}
        """When functions were told as entered that have not been left, by the addresses of their frames."""
        self._local = Local()
        self.states: list[ThreadState] = []
        self._accesses_of_ended: list[int] = []
        self.placed = False
        """Whether it is to be told where locks are taken."""
        self.main = self.identity.new_serial()
        self.run_as(self.main)
        self.stream.put(Rename(self.main, thread_name()))

    def add_sites(self, file: str, sites: tuple[Site, ...]) -> int:
        """Register a module's sites; returns the serial of its first one."""
        base = len(self.sites)
        self.sites.extend(sites)
        # Other threads may have registered theirs in between.
        while sites and self.sites[base] is not sites[0]:
            base += 1
        self._files[base] = file
        return base

    def file_of(self, site: int) -> str:
        """The file of a site, by its serial."""
        return self._files[site - self.sites[site].index]

    def state(self) -> ThreadState:
        """The calling thread's state. A thread that nobody announced starts after all that main did so far."""
        try:
            state: ThreadState = self._local.state
        except AttributeError:
            actor = self.identity.new_serial()
            self.stream.put(Fork(self.main, actor, thread_name()))
            return self.run_as(actor)
        if state.ask is not None:
            state.ask()
        return state

    def run_as(self, actor: int) -> ThreadState:
        """The calling thread is `actor` from here on."""
        state: ThreadState = ThreadState(actor)
        self._local.state = state
        self.states.append(state)
        return state

    def access(
        self,
        state: ThreadState,
        frame: FrameType,
        operation: Operation,
        place: tuple[int, LocationKind, Hashable],
        site: int,
        variable: str,
        commute: Commute = Commute.NONE,
    ) -> bool:
        """Record an access of the current actor unless it repeats what this epoch did there already; False if so.

        Reads that a write may depend on, and such writes, always count: each refreshes or looks for a head.
        """
        if state.due:
            draw_due(self.stream, state)
        known = self.sites[site]
        looks = known.is_head or known.regions or known.double_checked or known.rechecked
        if not looks and self.detector.repeats(state.actor, state.task, site, operation, place, commute):
            return False
        if known.suspends and state.task and operation is Operation.ITERATE:
            state.walks.append((state.task, (site, frame.f_code, frame.f_lasti, False)))
        stack = capture(frame)
        where = Location(*place)
        caller = id(frame.f_back) if known.lent and frame.f_back is not None else 0
        who = (stack, commute, id(frame), state.task, caller)
        self.stream.put(Access(state.actor, operation, where, site, variable, *who))
        return True

    def repeats(self, state: ThreadState, key: object) -> bool:
        """Whether the site did the same to the same objects, which was a repetition, and nothing was recorded since."""
        if state.recorded is not self.stream.last:
            state.recorded = self.stream.last
            state.repeated.clear()
            return False
        if key not in state.repeated or state.due:
            return False
        state.accesses += 1
        if not state.accesses & _SWEEP_MASK:
            self.identity.sweep()
        return True

    def repeated(self, state: ThreadState, key: object) -> None:
        """What the site just did was a repetition if nothing was recorded."""
        if state.recorded is self.stream.last and len(state.repeated) < _REPEATED_LIMIT:
            state.repeated.add(key)

    def edge(self, state: ThreadState, record: Record) -> None:
        """Record an edge that ends the current actor's epoch: later accesses count afresh."""
        if state.due:
            draw_due(self.stream, state)
        self.stream.put(record)

    def end(self, state: ThreadState) -> None:
        """The thread of this state is over."""
        state.pending.clear()
        if state in self.states:
            self.states.remove(state)
            self._accesses_of_ended.append(state.accesses)

    def close(self) -> None:
        """Record no more, and let go of all that the program made."""
        self.open = False
        self.stream.drain()
        for state in self.states:
            state.forget()
        self.identity.stop()

    @property
    def accesses(self) -> int:
        """All accesses so far, repeated ones included."""
        return sum(self._accesses_of_ended) + sum(state.accesses for state in list(self.states))

    def failed(self) -> None:
        """Something of ours went wrong in a tap; counted, and reported at the end."""
        self.failures += 1

    def _retired(self, serial: int) -> None:
        self.stream.put(Retire(serial))


def draw_due(stream: Stream, state: ThreadState) -> None:
    """Draw the acquires that were due: what they waited for has happened by now."""
    due, state.due = state.due, []
    for sync in due:
        stream.put(Acquire(state.actor, sync))
