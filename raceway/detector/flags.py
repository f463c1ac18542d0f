"""Loops that wait for a flag: `while not server.ready: sleep(0.1)`.

CPython's memory is sequentially consistent, so who sees the value stored sees all that came before the store. Stores of
flags that others have asked for are published as the second test of double-checked locking is.

So it is with what a loop polls that does other work meanwhile, be it a number: where it ends, a tap says what its last
test has read (`transform.polling`). And so it is with functions that are made where they are stored: who calls one
knows of it by that store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from raceway.detector.actors import Actor
from raceway.detector.shadow import Shadow
from raceway.model.sites import Site


def is_polled(shadow: Shadow, slot: int) -> bool:
    """Whether a store of what loops poll is one that others may wait for: another actor has been here before, in order
    or not, or a store has been published."""
    return shadow.published is not None or shadow.has_others(slot)


def see_flag(
    actor: Actor, shadow: Shadow, actors: Mapping[int, Actor], site_of: Callable[[int], Site], waits: bool
) -> bool:
    """The test of a loop reads a flag; when another actor stored it, what came before the store comes before this.

    A loop that only waits, be it for a number or a state, does so for any store.

    Of a flag that nobody else had asked for when it was stored, less is known: the present of its writer if that has
    released nothing since, else what the writer itself did. True when the store was published.
    """
    write = shadow.writes[-1] if shadow.writes else None
    if write is not None and write.slot == actor.slot:
        actor.jobs.hear(write.number)
    if write is None or write.slot == actor.slot or write.before(actor.clock):
        return False
    if not waits and not site_of(write.access.site).flag:
        return False
    if shadow.published is not None and shadow.published.get(write.slot) == write.number:
        actor.follow(shadow.published, None)
        return True
    writer = actors.get(write.access.actor)
    if writer is not None and not writer.ended and writer.clock[writer.slot] == write.number:
        actor.follow(writer.clock, None if writer.bare is None else writer.bared())
        writer.advance()  # what it does from here on is not part of what was seen
    else:
        if writer is not None:
            writer.begin_epoch()  # an epoch that somebody has heard of does not go on
        actor.follow({write.slot: write.number}, None)
    return False
