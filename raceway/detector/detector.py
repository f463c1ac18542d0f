"""The detector: one pass over the recorder's stream that keeps clocks and shadow state and notes raw races.

The rules are FastTrack's (see `clocks`), with one addition: a write looks for the read it depends on (its region's
head, by the same actor in the same activation and at the same location), so that a race can be called by what it
breaks. Only one thread feeds the detector at a time; the recorder sees to that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable

from raceway.detector.actors import Actor
from raceway.detector.clocks import Slots
from raceway.detector.conflicts import conflict
from raceway.detector.flags import is_polled, see_flag
from raceway.detector.lockorder import LockOrders
from raceway.detector.luck import by_luck
from raceway.detector.races import Races
from raceway.detector.regions import find_head, misses
from raceway.detector.shadow import Entry, Epoch, Shadow, between, rank_of
from raceway.detector.splits import closes_split, split_sections
from raceway.detector.syncs import SyncNames, Syncs, hand_over, place_of
from raceway.detector.tasks import Task, Tasks
from raceway.model.kinds import ActorKind, Commute, LocationKind, Operation, Verb
from raceway.model.races import Side
from raceway.model.records import (
    WHOLE,
    Access,
    Acquire,
    Done,
    End,
    Forget,
    Fork,
    Give,
    Head,
    Job,
    Join,
    Name,
    Record,
    Release,
    Rename,
    Retire,
    Spawn,
    Suspend,
    Take,
    Wake,
)
from raceway.model.sites import Site
from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.detector.teller import Teller

ENDED_LIMIT = 4096
"""Ended actors that are remembered for a join that may still come."""

WHOLE_LIMIT = 16
"""Of these, the ones whose clocks are kept whole. The older ones keep what they learned since they were started: all
that a join by their parent needs."""


class Detector:
    """Feeds on records, one at a time and in stream order.

    Without `elide` no access is dropped as a repetition: the same locations race, at more of their places.
    """

    def __init__(self, site_of: Callable[[int], Site], elide: bool = True) -> None:
        self.races = Races()
        self.actors: dict[int, Actor] = {}
        self.tasks = Tasks(site_of, self.races.named)
        self.names = SyncNames(self.races.named)
        self.read: set[str] = set()
        self.acted: set[int] = set()
        self.shared = 0
        self.seen_actors = 0
        self._site_of = site_of
        self._elide = elide
        self._slots = Slots()
        self.syncs = Syncs()
        self._common: set[int] = set()
        self.orders = LockOrders(self.races.named)
        self._shadows: dict[int, dict[object, Shadow]] = {}
        self.sequence = 0
        self._ended: deque[int] = deque()
        self.teller: Teller | None = None
        self._rules: dict[type, Callable[[Any], None]] = {
            Access: self._access,
            Head: self._head,
            Acquire: self._acquire,
            Release: self._release,
            Give: self._give,
            Take: self._take,
            Job: lambda job: self.actor(job.actor).take_job(job.queue),
            Fork: self._fork,
            Spawn: self._spawn,
            Suspend: self.tasks.suspend,
            Wake: self._wake,
            Done: self._done,
            End: self._end,
            Join: self._join,
            Retire: self._retire,
            Forget: self._forget_keys,
            Name: self._name,
            Rename: self._rename,
        }

    def feed(self, record: Record) -> None:
        """Apply one record."""
        self.sequence += 1
        self._rules[type(record)](record)

    def actor(self, serial: int) -> Actor:
        """The actor of this serial, which nobody need have announced."""
        actor = self.actors.get(serial)
        if actor is None:
            slot, number = self._slots.take()
            self.seen_actors += 1
            actor = self.actors[serial] = Actor(slot, {slot: number}, {}, f"actor {serial}", ActorKind.THREAD)
        return actor

    def _access(self, access: Access) -> None:
        actor = self.actor(access.actor)
        actor.work_for(access.task)
        site = self._site_of(access.site)
        shadow = self._shadow(access)
        if site.double_checked and shadow.published is not None:
            actor.follow(shadow.published, None)
            actor.learn(shadow.published)
            self._tell(Verb.ACQUIRE, access.actor, shadow.handover, task=access.task)
        task = self.tasks.get(access.task)
        held = actor.held if task is None else task.held
        entry = actor.entry(access, self.sequence, held)
        if task is not None:
            entry.turn = task.turn
            if site.suspends and access.operation is Operation.ITERATE:
                for walk, change in self.tasks.walkers.walk(entry, shadow, task):
                    self.races.add(_side(walk), _side(change), False, True, recurs=True, paused=walk.paused)
        if access.operation.reads and access.location.key != WHOLE:
            self.read.add(access.variable.removesuffix("[...]"))
        if site.regions:
            self.acted.add(access.site)
        if site.regions and (access.operation.mutates or misses(access, site)):
            find_head(entry, site, actor.heads, task)
        entry.rank, closes = rank_of(site, access.operation, entry.head is not None), False
        if task is not None:
            for other, observed in self.tasks.gaps(entry, shadow, task, actor.taken):
                self.races.add(_side(other), _side(entry), observed, True, paused=other.paused)
        else:
            closes = closes_split(entry, site)
            for earlier, later, observed in split_sections(entry, site, shadow, actor, self._site_of):
                self.races.add(_side(earlier), _side(later), observed)
        polled = site.polled and is_polled(shadow, actor.slot)
        if not self._repeats(entry, shadow) or entry.walks:  # each walk has an end of its own
            self._record(entry, shadow, actor)
        if site.is_head and not access.operation.mutates and access.location.key != WHOLE:
            actor.note_head(entry)
            if task is not None and task.may_need(site):
                self.tasks.note_head(entry, task)
        if not access.operation.mutates:
            if site.flag and see_flag(actor, shadow, self.actors, self._site_of, site.waits):
                self._tell(Verb.ACQUIRE, access.actor, shadow.handover)
        elif polled or (site.rechecked and held) or (site.flag and shadow.has_others(actor.slot)):
            self._publish(access.actor, actor, shadow)
        told = self.teller is not None and self.teller.placed
        if closes or (told and access.operation is Operation.READ_MODIFY_WRITE):
            actor.advance()

    def _head(self, record: Head) -> None:
        access = record.access
        actor, task = self.actor(access.actor), self.tasks.get(access.task)
        entry = actor.entry(access, self.sequence, self._held(actor, access.task))
        actor.note_head(entry)
        if task is not None and self._site_of(access.site).opens:
            entry.turn = task.turn
            self.tasks.note_head(entry, task)

    def _tell(self, verb: Verb, serial: int, *about: Any, task: int = 0) -> None:
        if self.teller is not None:
            self.teller.edge(verb, serial, self.actors.get(serial), *about, task=task)

    def _repeats(self, entry: Entry, shadow: Shadow) -> bool:
        access, epoch = entry.access, entry.epoch
        repeats = shadow.repeats(epoch, access.site, access.operation, access.commute, entry.rank)
        if shadow.racy:
            shadow.tell(epoch, access.site, access.operation)
            repeats = repeats and entry.head is None
        return repeats and self._elide

    def _record(self, entry: Entry, shadow: Shadow, actor: Actor) -> None:
        access, clock = entry.access, actor.clock
        common = access.location.object in self._common
        if self.teller is not None:
            self.teller.access(entry, shadow)
        for other in shadow.conflicts(entry, actor.bared() if common else clock):
            if conflict(other.access, access):
                shadow.racy = True
                self.races.add(_side(other), _side(entry), between(other, entry))
        actor.claims.write(entry, self._site_of(access.site))
        for other in by_luck(entry, shadow, actor):
            self.races.add(_side(other), _side(entry), False)
        for other in shadow.of_other_jobs(entry, actor.jobs):
            if conflict(other.access, access):
                self.races.add(_side(other), _side(entry), False, one_worker=(other.slot, other.number))
        if not shadow.shared and any(other.access.actor != access.actor for other in (*shadow.writes, *shadow.reads)):
            shadow.shared = True
            self.shared += 1
        for other in shadow.writes:
            if other.slot != entry.slot:
                actor.claims.hear(other)
        shadow.add(entry, clock, self.tasks.over)
        self.syncs.pauses.note(access.actor, entry)

    def repeats(
        self,
        serial: int,
        task: int,
        site: int,
        operation: Operation,
        place: tuple[int, LocationKind, Hashable],
        commute: Commute,
    ) -> bool:
        """Whether such an access would be dropped now. For sites without regions; changes nothing."""
        actor = self.actors.get(serial)
        shadow = self._shadows.get(place[0], {}).get(place[1:])
        known, where = self.tasks.get(task), self._site_of(site)
        walks = known is not None and (where.opens or (where.suspends and operation is Operation.ITERATE))
        if actor is None or shadow is None or walks or not self._elide or task != actor.task:
            return False
        rank = rank_of(where, operation, False)
        epoch: Epoch = (actor.epoch, task, 0 if known is None else known.turn)
        return shadow.repeats(epoch, site, operation, commute, rank)

    def _publish(self, serial: int, actor: Actor, shadow: Shadow) -> None:
        """Double-checked locking: the write after the second test releases, the first test acquires: see `flags`."""
        if self.teller is not None:
            shadow.handover = shadow.handover or self.teller.new_handover()
            self._tell(Verb.RELEASE, serial, shadow.handover)
        shadow.published = dict(actor.clock)
        actor.advance()

    def _shadow(self, access: Access) -> Shadow:
        location = access.location
        of_object = self._shadows.setdefault(location.object, {})
        place = (location.kind, location.key)
        shadow = of_object.get(place)
        if shadow is None:
            shadow = of_object[place] = Shadow()
        return shadow

    def _acquire(self, record: Acquire) -> None:
        actor = self.actor(record.actor)
        actor.work_for(record.task)
        released = self.syncs.acquire(actor, record, self.teller is not None)
        if record.held:
            held = self._held(actor, record.task)
            if record.stack and held:
                self._note_order(record, actor, tuple(held))
            held.append(record.sync)
            actor.taken[record.sync] = self.sequence
        if record.held or released:
            verb = Verb.TAKEN if record.held else Verb.ACQUIRE
            self._tell(verb, record.actor, record.sync, *place_of(record.where), task=record.task)

    def _release(self, record: Release) -> None:
        actor = self.actor(record.actor)
        actor.work_for(record.task)
        verb = Verb.FREED if record.held else Verb.MERGE if record.merge else Verb.RELEASE
        self._tell(verb, record.actor, record.sync, task=record.task)
        self.syncs.release(actor, record, self._held(actor, record.task), self.teller is not None)
        if record.held:
            self._drop_lock(self._held(actor, record.task), record.sync)

    def _give(self, record: Give) -> None:
        self.actor(record.actor).advance()

    def _take(self, record: Take) -> None:
        actor, where = self.actor(record.actor), record.location
        shadow = self._shadows.get(where.object, {}).get((where.kind, where.key))
        for other in shadow.writes if shadow is not None else ():
            if other.slot == actor.slot:
                actor.jobs.hear(other.number)
            elif not other.before(actor.clock):
                self._tell_handover(other.access.actor, record.actor)
                hand_over(actor, self.actors.get(other.access.actor), other)
                self._common.add(record.owner)

    def _tell_handover(self, giver: int, taker: int) -> None:
        if self.teller is not None and giver in self.actors:
            handover = self.teller.new_handover()
            self._tell(Verb.RELEASE, giver, handover)
            self._tell(Verb.ACQUIRE, taker, handover)

    def _note_order(self, record: Acquire, actor: Actor, held: tuple[int, ...]) -> None:
        epoch, whose = (actor.slot, actor.clock[actor.slot]), record.task or record.actor
        task = self.tasks.get(record.task) if record.yields else None
        version = actor.version + (0 if task is None else task.version)
        self.orders.note(whose, version, held, record.sync, record.stack, epoch, actor.firm, task)

    def _held(self, actor: Actor, serial: int) -> list[int]:
        task = self.tasks.get(serial)
        return actor.held if task is None else task.held

    def _drop_lock(self, held: list[int], sync: int) -> None:
        """A lock may be freed by another actor than the one that took it."""
        if sync in held:
            held.remove(sync)
            return
        everybody: list[Actor | Task] = [*self.actors.values(), *self.tasks.known.values()]
        for other in everybody:
            if sync in other.held:
                other.held.remove(sync)
                return

    def _fork(self, record: Fork) -> None:
        parent = self.actor(record.actor)
        self._tell(Verb.FORK, record.actor, record.child, record.name)
        slot, number = self._slots.take()
        self.seen_actors += 1
        clock = dict(parent.clock)
        clock[slot] = number
        child = self.actors[record.child] = Actor(slot, clock, parent.left(), record.name, record.kind)
        if parent.bare is not None:
            child.bare = {**parent.bared(), slot: number}
        parent.advance()

    def _spawn(self, record: Spawn) -> None:
        self.seen_actors += record.kind is not ActorKind.CALLBACK
        self.tasks.spawn(record, record.born or self.sequence)
        if record.kind is not ActorKind.CALLBACK:
            self._tell(Verb.SPAWN, 0, record.task, record.name, task=record.parent)

    def _done(self, record: Done) -> None:
        self.tasks.done(record)
        self._tell(Verb.DONE, 0, record.task)

    def _wake(self, record: Wake) -> None:
        self.tasks.wake(record, self.sequence)

    def _end(self, record: End) -> None:
        actor = self.actor(record.actor)
        if not actor.ended:
            self._tell(Verb.END, record.actor)
            actor.ended = True
            actor.held.clear()
            actor.heads.clear()
            actor.taken.clear()
            self.syncs.pauses.end(record.actor)
            self._slots.give_back(actor.slot, actor.clock[actor.slot])
            self._ended.append(record.actor)
            if len(self._ended) > WHOLE_LIMIT:
                self.actors[self._ended[-WHOLE_LIMIT]].shrink()
            if len(self._ended) > ENDED_LIMIT:
                self._forget(self._ended.popleft())

    def _forget(self, serial: int) -> None:
        """An actor that ended long ago and was never waited for: only its name may still be wanted."""
        if serial in self.races.named:
            self.actors[serial].clock = self.actors[serial].firm = {}
            self.actors[serial].bare = None
        else:
            self.actors.pop(serial, None)

    def _join(self, record: Join) -> None:
        child = self.actors.get(record.child)
        if child is not None:
            actor = self.actor(record.actor)
            self._tell(Verb.JOIN, record.actor, record.child)
            actor.follow(child.clock, None if child.bare is None else child.bared())
            actor.learn({**child.firm, child.slot: child.clock.get(child.slot, 0)})
            if not child.ended:  # what it does from here on is not part of what was waited for
                child.advance()

    def _retire(self, record: Retire) -> None:
        self._shadows.pop(record.object, None)
        self._common.discard(record.object)
        if self.syncs.retire(record.object):
            self._tell(Verb.RETIRE, 0, record.object)
        self.names.retire(record.object)

    def _forget_keys(self, record: Forget) -> None:
        of_object = self._shadows.get(record.object, {})
        for key in record.keys:
            of_object.pop((LocationKind.ITEM, key), None)

    def _name(self, record: Name) -> None:
        self.names.known[record.sync] = record
        self._tell(Verb.NAME, 0, record.sync, record.kind, record.file, record.line)

    def _rename(self, record: Rename) -> None:
        task = self.tasks.get(record.actor)
        (task or self.actor(record.actor)).name = record.name
        self._tell(Verb.RENAME, record.actor if task is None else 0, record.actor, record.name)


def _side(entry: Entry) -> Side:
    head = entry.head.access if entry.head is not None else None
    return Side(entry.access, entry.locks, head, entry.region)
