"""Walks that no other task came into in this run, though one could have: `for one in self.viewers: await one.send()`.

An await that suspends nobody, or during which nobody happens to come, keeps others out by luck. Who changes the
container later could have done so while the walk was suspended, unless that comes after it. This is known of the last
few tasks that have walked so: each task has the newest place in the stream of each of them that it comes after.

    made or woken by a task:    after what that has done, and all that it comes after itself
    reads what a task wrote:    the same, up to that write

What queues, events and futures hold is handed over unseen when nobody waits for it. So it is not enough that a change
comes later: either it is among the first things that a task does which was there before the walk (see
`findings.beginnings`), or walks and such changes come by turns, more than once (`recurs`): the program is neither done
with the one before the other, nor was the first of them just too early to be waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from raceway.detector.conflicts import conflict
from raceway.detector.shadow import Entry, Shadow
from raceway.model.kinds import ActorKind, Commute

if TYPE_CHECKING:
    from raceway.detector.tasks import Task

WALKERS = 8
"""Tasks whose walks are known: the last ones that began to walk."""


class Walkers:
    """The tasks that have walked last, and who comes after what of them."""

    def __init__(self, get: Callable[[int], Task | None], site_is_made: Callable[[int], bool]) -> None:
        self._get = get
        self._is_made = site_is_made
        self._serials: list[int] = []
        self._next = 0

    def follow(self, task: Task, serial: int, until: int) -> None:
        """The task comes after what another one, 0 for none, did up to that place in the stream."""
        if not serial:
            return
        other = self._get(serial)
        for place, walker in enumerate(self._serials):
            known = until if other is None or walker == serial else min(until, other.after[place])
            task.after[place] = max(task.after[place], known)

    def walk(self, entry: Entry, shadow: Shadow, task: Task) -> Iterator[tuple[Entry, Entry]]:
        """The access begins a walk with awaits over a container that is not empty: an earlier one at the same place and
        a change that came after that, if it is not the first time."""
        task.go_on(entry.sequence)
        entry.began, entry.walks = task.began, True
        task.begin(entry)
        if shadow.passed is not None and shadow.passed[0].access.site == entry.access.site:
            shadow.turns += 1
            if shadow.turns > 1:
                yield shadow.passed
            shadow.passed = None
        if task.kind is ActorKind.TASK:
            shadow.walked = entry
            self._enter(entry.access.task)

    def _enter(self, serial: int) -> None:
        if serial in self._serials:
            return
        if len(self._serials) < WALKERS:
            self._serials.append(serial)
        else:
            self._serials[self._next] = serial
            self._next = (self._next + 1) % WALKERS

    def changes(self, entry: Entry, shadow: Shadow, task: Task) -> Iterator[Entry]:
        """The walk that this change could have fallen into, if the task was there before and has not been suspended."""
        walk = shadow.walked
        if walk is None or not self._could_fall(entry, walk, task):
            return
        if shadow.passed is None or shadow.passed[0].access.site != walk.access.site:
            shadow.passed = walk, entry
        if task.kind is ActorKind.TASK and not task.turn and task.born < walk.sequence:
            yield walk

    def _could_fall(self, entry: Entry, walk: Entry, task: Task) -> bool:
        """Whether nothing has ordered the change after the walk, which is over. Who adds to a row spoils no walk."""
        access, by = entry.access, walk.access.task
        if by == access.task or walk.slot != entry.slot or by not in self._serials:
            return False
        walker = self._get(by)
        goes_on = walk.walks and walker is not None and not walker.done
        free = set(walk.locks).isdisjoint(entry.locks) and task.after[self._serials.index(by)] < walk.began
        spoils = conflict(walk.access, access) and access.commute is not Commute.APPEND
        return free and spoils and not goes_on and not self._is_made(access.site)
