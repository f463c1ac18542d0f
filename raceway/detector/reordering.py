"""Whether a run may have gone another way: two accesses next to each other that locks kept apart by luck.

The model (correct reorderings: Smaragdakis et al., POPL 2012; in the order of the run: Mathur, Pavlogiannis and
Viswanathan, POPL 2021)::

    P is a set of steps that could have been a run: with a step it has
        what its actor did before, and what that was started by, waited for and took over,
        the write whose value it reads, if it is a read,
        and of two critical sections of one lock that have begun in it, all of the one that was earlier
    two accesses can be next to each other if and only if the least P with all that came before either has neither

The steps of P in their old order are a run that the program could have made: who reads finds what it found, so that
every test turns out as it did, and nobody takes a lock that somebody has. What locks order beyond that is luck.

Steps are places in the stream, counted from one, and P is a place for each actor: all it did up to there.
"""

from __future__ import annotations

from collections import deque

from raceway.detector.clocks import Clock, join

SECTIONS = 256
"""Critical sections that are remembered of one lock."""


class Section:
    """One critical section: who, from where to where. `left` is what whoever comes after its end knows; None while it
    lasts. `opaque`: it may depend on what nobody sees."""

    __slots__ = ("actor", "began", "ended", "left", "opaque")

    def __init__(self, actor: int, began: int, opaque: bool) -> None:
        self.actor = actor
        self.began = began
        self.opaque = opaque
        self.ended = 0
        self.left: Clock | None = None


class Lock:
    """The critical sections of one lock, oldest first. `forgotten` has, by actor, where the first one began and the
    last one ended of those that are not remembered."""

    def __init__(self) -> None:
        self.sections: deque[Section] = deque()
        self.forgotten: dict[int, tuple[int, int]] = {}

    def begin(self, section: Section) -> None:
        """Another section has begun."""
        if len(self.sections) >= SECTIONS:
            oldest = self.sections.popleft()
            first = self.forgotten.get(oldest.actor, (oldest.began, 0))[0]
            self.forgotten[oldest.actor] = first, oldest.ended
        self.sections.append(section)

    def close(self, run: Clock, most: Clock) -> bool | None:
        """Add to `run` what the lock asks for: all sections but the last one that has begun are over. Whether that was
        more than it had; None if it is more than `most`, or not known."""
        if len(self.sections) < 2 and not self.forgotten:
            return False
        if any(first <= run.get(actor, 0) < last for actor, (first, last) in self.forgotten.items()):
            return None
        begun = [section for section in self.sections if section.began <= run.get(section.actor, 0)]
        grew = False
        for section in begun[:-1]:
            if section.left is None:
                return None
            if section.ended > run.get(section.actor, 0):
                if not fits(section.left, most):
                    return None
                join(run, section.left)
                grew = True
        return grew


def fits(clock: Clock, most: Clock) -> bool:
    """Whether the clock has, of the actors in `most`, nothing behind the places there."""
    return all(clock.get(actor, 0) <= place for actor, place in most.items())


def closed(run: Clock, locks: list[Lock], most: Clock) -> bool:
    """Make `run` the least one that has all of it; False if it would have what is behind the places in `most`."""
    while True:
        steps = [lock.close(run, most) for lock in locks]
        if None in steps:
            return False
        if True not in steps:
            return True
