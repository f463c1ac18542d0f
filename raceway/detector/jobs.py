"""Jobs that one worker takes from a queue, one after the other, though another one could have taken them.

What a worker does in two jobs is in order since it did both, and that is luck where other threads take from the same
queue: then it is as if two of them had. What orders the jobs nevertheless is what would have ordered the two: locks,
and whatever the second job's item was put in after. So an actor knows of its earlier jobs what it has heard of itself::

    an access of its own, numbered n, is another job's if   first <= n < began   and   n > aware
        first: when its first job began; what it did before is every worker's own
        began: when the present one did
        aware: the newest number of its own in what the present one has acquired, be it its own release

Whether other workers could have, and whether the location is not the worker's own, is for `sync.workers` to judge.
"""

from __future__ import annotations

JOBS = 64
"""Jobs of a worker that are told apart: what they do to each other shows soon, or hardly ever."""

ASKED = 16
"""So often a worker asks what is to be judged because there is something new."""


def is_due(taken: int, changed: bool, asked: int) -> bool:
    """Whether what is in doubt of a worker is to be judged, which has taken so many jobs and `asked` so often: often in
    the beginning and then seldom, or because it has `changed`."""
    if not 0 < taken <= JOBS + 1:
        return False
    return taken <= 8 or (taken - 1) & (taken - 2) == 0 or (changed and asked < ASKED)


class Jobs:
    """The jobs that an actor takes from `queue`, the first one that it took anything from; 0 before that."""

    __slots__ = ("aware", "began", "count", "first", "queue")

    def __init__(self) -> None:
        self.queue = self.count = self.first = self.began = self.aware = 0

    def takes(self, queue: int) -> bool:
        """Whether what it takes from this queue is to be told apart from what it did before. Counts it."""
        if self.count == 0:
            self.queue = queue
        if queue != self.queue or self.count > JOBS:
            return False
        self.count += 1
        return True

    def begin(self, number: int) -> None:
        """The next job begins at this number of the actor; after the last that counts, all are one."""
        self.first = self.first or number
        self.began = number if self.count <= JOBS else self.first
        self.aware = 0

    def hear(self, number: int) -> None:
        """The present job comes after what the actor did up to this number."""
        self.aware = max(self.aware, number)

    def hear_own(self, number: int, lock: bool) -> None:
        """The present job acquires what the actor released at this number. A lock that it has released itself tells it
        nothing of the jobs before."""
        if not lock or number < self.began:
            self.hear(number)

    def is_others(self, number: int) -> bool:
        """Whether another worker could have done at the same time what this actor did with that number."""
        return self.first <= number < self.began and number > self.aware
