"""Vector clocks and epochs.

The model (Lamport 1978, Mattern 1989; epochs after Flanagan and Freund, FastTrack, PLDI 2009)::

    each actor t has a clock C_t: slot -> number; release(t, m): L_m := C_t, C_t[t] += 1
    acquire(t, m): C_t := max(C_t, L_m); fork(t, u): C_u := C_t; join(t, u): C_t := max(C_t, C_u)
    an access by t at number n (its epoch, n@t) happens before the present of u if and only if n <= C_u[t]

Slots are given out again when an actor has ended, oldest first and with higher numbers than before, so that a server
that makes a thread per request has clocks of bounded size. An actor in a used slot looks as if it continued the
dead one: a race between the two can be missed, none can be invented.
"""

from __future__ import annotations

from collections import deque

Clock = dict[int, int]
"""Slot to number; a missing slot is 0."""

QUARANTINE = 64
"""Ended actors whose slots rest before they are used again."""


def join(clock: Clock, other: Clock) -> None:
    """Make `clock` the least upper bound of both."""
    for slot, number in other.items():
        if number > clock.get(slot, 0):
            clock[slot] = number


class Slots:
    """Gives out clock slots and takes back those of ended actors."""

    def __init__(self) -> None:
        self._next = 0
        self._resting: deque[tuple[int, int]] = deque()

    def take(self) -> tuple[int, int]:
        """A slot and the first number its actor may use."""
        if len(self._resting) > QUARANTINE:
            slot, number = self._resting.popleft()
            return slot, number + 1
        self._next += 1
        return self._next - 1, 1

    def give_back(self, slot: int, number: int) -> None:
        """The actor that used `slot` up to `number` has ended and been waited for or forgotten."""
        self._resting.append((slot, number))
