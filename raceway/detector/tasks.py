"""The rules of tasks that one event loop runs in turn, and of the greenlets of a thread.

Their thread is one actor: tasks cannot race the way threads do, and against other threads they are ordered as
the loop ran them. What a task reads, and what it writes after a suspension because of that, is another matter: a write
of another task that came in between makes the answer stale. It is found where it happened, from the order of the
stream: a write between the read and the suspended task's write, or a change of a container whose walk is suspended. A
walk that is over is not: what a task was walking over when it was suspended is told with that.

A task that was made while another one had not closed such a region yet, and that opens one at the same place with the
first thing it does, could have come before: that it did not is the turn of the loop.

Not so where the program meant it: by a task that the suspended one has started since its read or, when it only relies
on a test, that has woken it since its own write. A write that takes a stale value back is wrong whoever came between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import CO_COROUTINE

from raceway.detector.conflicts import conflict
from raceway.detector.openwalks import WALKERS, Walkers
from raceway.detector.shadow import Entry, Shadow
from raceway.model.kinds import ActorKind, Operation, RegionKind
from raceway.model.races import ECHO, THROUGH
from raceway.model.records import WHOLE, Done, Location, Spawn, Suspend, Wake
from raceway.model.sites import Region, Site

HEADS = 16
"""Reads remembered of a task that it may rely on after a suspension."""

LOOKS = 32
"""Reads remembered of a task, for what it calls later because of them."""

OWN = 8
"""Places remembered of a task in which it has stored something of its own."""

WALKS = 8
"""Walks remembered of a task that it has begun and is at, as far as is known."""

WAKERS = 4
"""Of a task, who has woken it last."""

SLEPT = "callback _set_result_unless_cancelled"
"""The callback that ends a sleep."""

ENDED_LIMIT = 4096
"""Tasks that are over and may still be named, or be the origin of what is going on."""


Place = tuple[int, int, Location]
"""Where a read was made: site, activation and location."""


class Task:
    """State of one task or callback: who made it, at which place of the stream, the locks it holds, in the order taken.

    `turn` counts its suspensions; `began` is the place of the first record after the last one, as `counted` then.
    `after` has what it comes after of those who walk: see `openwalks`.
    `seen` is the place of the newest write of others that it has read in its first step. `heads` are reads that a write
    after a suspension may depend on, by site, activation and location. `wakers` are pairs of a task and the place in
    the stream where it did what wakes this one. `begun` are the walks that it is at. `looks` are
    its newest reads, by location, on whose answers something that it calls later may depend. `marks` has a bit for
    each taking of a lock that comes before what the task does now, `ended` those of tasks that it has made and that are
    over, and `version` is another number whenever others know more of the task, or it of others. `own` are its last
    stores of something of its own, by location.
    """

    __slots__ = (
        "after", "began", "begun", "born", "counted", "done", "ended", "heads", "held", "kind", "looks", "marks",
        "name", "own", "parent", "seen", "turn", "version", "wakers",
    )  # fmt: skip

    def __init__(self, name: str, kind: ActorKind, parent: int, born: int) -> None:
        self.name = name
        self.kind = kind
        self.parent = parent
        self.born = born
        self.done = False
        self.turn = 0
        self.counted = -1
        self.began = self.seen = 0
        self.marks = self.ended = self.version = 0
        self.held: list[int] = []
        self.heads: dict[Place, Entry] = {}
        self.wakers: deque[tuple[int, int]] = deque(maxlen=WAKERS)
        self.begun: deque[Entry] = deque()
        self.after = [0] * WALKERS
        self.looks: dict[Location, Entry] = {}
        self.own: dict[Location, Entry] = {}

    def store(self, entry: Entry, site: Site) -> None:
        """The task has stored something, of its own if the site says so."""
        self.own.pop(entry.access.location, None)
        if site.opens:
            if len(self.own) >= OWN:
                del self.own[next(iter(self.own))]
            self.own[entry.access.location] = entry

    def go_on(self, sequence: int) -> None:
        """The task does something, at that place in the stream."""
        if self.counted != self.turn:
            self.counted, self.began = self.turn, sequence

    def begin(self, walk: Entry) -> None:
        """A walk that goes on over suspensions was begun."""
        self.begun.append(walk)
        if len(self.begun) > WALKS:
            self.begun.popleft().walks = False

    def stay(self, sites: Iterable[int]) -> None:
        """Of the walks begun, those at these sites go on, of several at one site the last ones; the others are over."""
        left, begun, self.begun = list(sites), self.begun, deque()
        while begun:
            walk = begun.pop()
            walk.walks = walk.access.site in left
            if walk.walks:
                left.remove(walk.access.site)
                walk.paused = True
                self.begun.appendleft(walk)

    def see(self, entry: Entry, other: Entry) -> None:
        """The task, in its first step, has read what this write left there."""
        if other.slot == entry.slot and other.access.task != entry.access.task:
            self.seen = max(self.seen, other.sequence)

    def look(self, entry: Entry, site: Site) -> None:
        """The task has read a location: what it read there before is out of date. What a function answers is asked for
        by the coroutine that has called it, what a coroutine asks for by itself or by who has."""
        self.looks.pop(entry.access.location, None)
        frames = (code for code, _offset in entry.access.stack[:2])
        if (site.answers or site.asks) and any(code.co_flags & CO_COROUTINE for code in frames):
            if len(self.looks) >= LOOKS:
                del self.looks[next(iter(self.looks))]
            self.looks[entry.access.location] = entry

    def may_pause(self, region: Region) -> bool:
        """Whether the task can let others run inside the region: at an await or, as a greenlet, at any call."""
        return region.awaits or (region.switches and self.kind is ActorKind.GREENLET)

    def may_need(self, site: Site) -> bool:
        """Whether the task can let others run between this read and a write that depends on it."""
        return site.opens or (site.switches and self.kind is ActorKind.GREENLET)

    def find_head(self, region: Region, place: Place, others: Mapping[Place, Entry]) -> Entry | None:
        """The read at the beginning of the region. `others` are those of the thread, which forgets them sooner; among
        them is what a main greenlet read before it first let others run."""
        head = self.heads.get(place) if self.may_pause(region) else None
        return head if head is not None or region.awaits else others.get(place)


class Tasks:
    """All tasks that are known. `named` are serials that findings will name."""

    def __init__(self, site_of: Callable[[int], Site], named: set[int]) -> None:
        self.known: dict[int, Task] = {}
        self._site_of = site_of
        self._named = named
        self._ended: deque[int] = deque()
        self.walkers = Walkers(self.get, lambda site: site_of(site).made)

    def get(self, serial: int) -> Task | None:
        """The task of this serial; None for 0, and for one that is forgotten."""
        return self.known.get(serial) if serial else None

    def spawn(self, record: Spawn, sequence: int) -> None:
        """A task or callback was made."""
        task = self.known[record.task] = Task(record.name, record.kind, record.parent, sequence)
        parent = self.get(record.parent)
        if parent is not None and not record.born:
            parent.go_on(sequence)
        self.walkers.follow(task, record.parent, sequence)
        if parent is not None:
            task.marks = parent.marks
            parent.version += 1

    def suspend(self, record: Suspend) -> None:
        """A task lets others run."""
        task = self.get(record.task)
        if task is not None:
            task.stay(record.walks)
            task.turn += 1

    def wake(self, record: Wake, sequence: int) -> None:
        """A task did what another one waits for."""
        task, by = self.get(record.task), self.get(record.by)
        if by is not None:
            by.go_on(sequence)
        if task is not None:
            task.wakers.append((record.by, sequence))
            self.walkers.follow(task, record.by, sequence)
            self._order(by, task, record.task)

    def _order(self, by: Task | None, task: Task, serial: int) -> None:
        """The task goes on after what `by` has done; and, unless it has only slept, after all of the tasks that it has
        made which is over, as who awaits what is over is not suspended."""
        slept = by is not None and by.parent == serial and by.name == SLEPT
        marks = (0 if by is None else by.marks) | (0 if slept else task.ended)
        if by is not None:
            by.version += 1
        task.version += 1
        task.marks |= marks
        if not slept:
            task.ended = 0

    def done(self, record: Done) -> None:
        """A task is over."""
        task = self.get(record.task)
        if task is not None and not task.done:
            task.done = True
            parent = self.get(task.parent)
            if parent is not None and task.kind is not ActorKind.CALLBACK:
                parent.ended |= task.marks | task.ended
            task.held.clear()
            task.heads.clear()
            task.looks.clear()
            task.own.clear()
            task.begun.clear()
            self._ended.append(record.task)
            if len(self._ended) > ENDED_LIMIT and (oldest := self._ended.popleft()) not in self._named:
                self.known.pop(oldest, None)

    def note_head(self, entry: Entry, task: Task) -> None:
        """Remember a read that a write after a suspension may depend on."""
        access = entry.access
        for activation in (access.activation, access.caller) if access.caller else (access.activation,):
            place = (access.site, activation, access.location)
            if place not in task.heads and len(task.heads) >= HEADS:
                del task.heads[next(iter(task.heads))]
            task.heads[place] = entry

    def gaps(self, entry: Entry, shadow: Shadow, task: Task, taken: Mapping[int, int]) -> Iterator[tuple[Entry, bool]]:
        """What others of the loop did that fell into a suspension which the access shows, and whether it did so in this
        run or only could have. `taken` says when locks were taken last."""
        task.go_on(entry.sequence)
        entry.began = task.began
        if not entry.access.operation.mutates:
            found = self.closed_before(entry, shadow, task)
            if found is not None:
                yield found, False
            if (gone := self.between(entry, shadow, task)) is not None:
                yield gone, True  # what was to be taken out
        if shadow.writes and entry.access.operation.reads:
            other = shadow.writes[-1]
            if not task.turn:
                task.see(entry, other)
            if other.slot == entry.slot and other.access.task != entry.access.task:
                self.walkers.follow(task, other.access.task, other.sequence)
        if not entry.access.operation.mutates:
            if entry.access.operation is Operation.READ and entry.access.location.key != WHOLE:
                site = self._site_of(entry.access.site)
                if site.opens and not site.is_head and (its := self._echo(entry, shadow, task, taken)) is not None:
                    entry.region = ECHO
                    yield its, True
                    entry.head, entry.region = None, -1
                task.look(entry, site)
            return
        task.store(entry, self._site_of(entry.access.site))
        between = self.between(entry, shadow, task)
        if between is not None and (self._tests(entry) or conflict(between.access, entry.access)):
            yield between, True  # what was tested is no more so, though the two writes may come in either order
        for other in self.walking(entry, shadow):
            if conflict(other.access, entry.access):
                yield other, True
        for walk in self.walkers.changes(entry, shadow, task):
            yield walk, False
        look = task.looks.pop(entry.access.location, None)
        linked = None if look is None or entry.head is not None else self.linked(entry, look, shadow, task)
        if linked is not None and conflict(linked.access, entry.access):
            entry.head, entry.region = look, THROUGH
            yield linked, True
            entry.head, entry.region = None, -1

    def between(self, entry: Entry, shadow: Shadow, task: Task) -> Entry | None:
        """The write of another task that came between the read and the write of the region that `entry` closes, if the
        task was suspended there and did not ask for it."""
        head, access = entry.head, entry.access
        region = self._site_of(access.site).regions[entry.region] if head is not None else None
        if head is None or region is None or not task.may_pause(region) or head.turn == task.turn:
            return None
        for other in shadow.writes:
            by = other.access.task
            if other.slot == entry.slot and by not in (0, access.task) and other.sequence > head.sequence:
                asked = self._descends(by, access.task, head.sequence)
                told = region.kind is not RegionKind.VALUE and self._woke(by, task, other.sequence)
                if not (asked or told):
                    return other
        return None

    def _tests(self, entry: Entry) -> bool:
        """Whether the region that the access closes relies on a test."""
        return self._site_of(entry.access.site).regions[entry.region].kind is not RegionKind.VALUE

    def closed_before(self, entry: Entry, shadow: Shadow, task: Task) -> Entry | None:
        """The write of another task that closed a region with an await, while the task was waiting for its first step,
        in which it now opens one: nothing but the turn of the loop has let the other one be through before.

        All that the task has read until here it would have found so before the step of that write, too. Whether it has
        awaited anything, and whether both are after the same, is told later: `findings.beginnings`.
        """
        other = shadow.writes[-1] if shadow.writes else None
        site = self._site_of(entry.access.site)
        opens = site.opens and site.is_head and task.kind is ActorKind.TASK and not task.turn
        if not opens or other is None or other.head is None:
            return None
        region, by = self._site_of(other.access.site).regions[other.region], other.access.task
        beside = by not in (0, entry.access.task) and other.slot == entry.slot
        free = task.born < other.sequence and task.seen < other.began and set(other.locks).isdisjoint(entry.locks)
        if not (beside and free and region.awaits) or region.calls or self._descends(entry.access.task, by, -1):
            return None
        return other

    def _echo(self, entry: Entry, shadow: Shadow, task: Task, taken: Mapping[int, int]) -> Entry | None:
        """What another task has stored at the place where this one, or one that has made it, had stored something of
        its own: by the same line, so that it is of the same sort. Who has taken a lock since asks for what is there by
        then. The head of `entry` is set to the own store."""
        by, born = entry.access.task, entry.sequence
        while (owner := self.get(by)) is not None and entry.access.location not in owner.own:
            by, born = owner.parent, owner.born
        if owner is None or not shadow.writes:
            return None
        own, other = owner.own[entry.access.location], shadow.writes[-1]
        serial = other.access.task
        like = other.slot == entry.slot and other.access.site == own.access.site and serial not in (0, by)
        if not like or not own.sequence < min(other.sequence, born) or self._descends(serial, by, own.sequence):
            return None
        if self._woke(serial, task, other.sequence) or any(taken.get(lock, 0) > other.sequence for lock in entry.locks):
            return None
        entry.head = own
        return other

    def linked(self, entry: Entry, look: Entry, shadow: Shadow, task: Task) -> Entry | None:
        """The write of another task that came between a read of the task and this write, if it was suspended there and
        did not ask for it. Whether the write depends on the read is told later: `findings.links`."""
        if look.turn == task.turn or entry.access.operation not in (Operation.WRITE, Operation.DELETE):
            return None
        for other in shadow.writes:
            by = other.access.task
            if other.slot == entry.slot and by not in (0, entry.access.task) and other.sequence > look.sequence:
                asked = self._descends(by, entry.access.task, look.sequence)
                if not asked and not self._woke(by, task, other.sequence):
                    return other
        return None

    def walking(self, entry: Entry, shadow: Shadow) -> Iterator[Entry]:
        """Walks of other tasks, suspended in them, that this change disturbs."""
        for other in shadow.reads:
            if other.access.operation is Operation.ITERATE and other.walks and other.slot == entry.slot:
                task = self.get(other.access.task)
                if task is None or task.done or other.access.task == entry.access.task:
                    continue
                if task.turn > other.turn:
                    yield other

    def over(self, entry: Entry) -> bool:
        """Whether the task that made this access is done."""
        task = self.get(entry.access.task)
        return task is None or task.done

    def _descends(self, serial: int, ancestor: int, since: int) -> bool:
        """Whether a task was started by `ancestor` after that place, or by who was."""
        while (task := self.get(serial)) is not None:
            if task.parent == ancestor:
                return task.born > since
            serial = task.parent
        return False

    def _woke(self, serial: int, task: Task, since: int) -> bool:
        """Whether the task has woken the other one after that place; callbacks act for who had them called."""
        for by, sequence in task.wakers:
            origin: int = by
            while sequence > since and origin:
                if origin == serial:
                    return True
                known = self.get(origin)
                origin = known.parent if known is not None and known.kind is ActorKind.CALLBACK else 0
        return False
