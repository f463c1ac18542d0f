"""What the kernel carries from one end to another within this process, by file descriptor: pipes, pairs of sockets, and
the counters of `os.eventfd()`.

Each direction has one clock: whoever takes something out happens after all that was put in until then. A pipe is known
by its inode, which both ends share and nothing else has; the two sockets of a pair are told when they are made, as is a
counter, whose inode all have in common. What lies between processes has one end here, and orders nothing. Serves the
models of whatever reads and writes.
"""

from __future__ import annotations

import os
import stat

from raceway.runtime.contract import Recorder
from raceway.sync.serials import Kept, Serial, of_run

Inode = tuple[int, int]

ends: Kept[Inode, tuple[Serial, Serial]] = of_run(Kept())
"""What goes out at the end with this inode, and what comes in. That it is closed is not seen."""

counters: Kept[int, Serial] = of_run(Kept())
"""Of what `os.eventfd()` has made, by descriptor."""


def sending(recorder: Recorder, descriptor: object) -> None:
    """The current actor is about to put something in, or to close the end, which the other end finds out."""
    found = directions(recorder, descriptor)
    if found is not None:
        recorder.release(found[0].number)


def received(recorder: Recorder, descriptor: object, _result: object = None) -> None:
    """The current actor took something out, or found that something is there."""
    found = directions(recorder, descriptor)
    if found is not None:
        recorder.acquire(found[1].number)


def directions(recorder: Recorder, descriptor: object) -> tuple[Serial, Serial] | None:
    """What goes out at `descriptor` and what comes in; None when its other end is not in this process."""
    if type(descriptor) is not int:
        return None
    try:
        status = os.fstat(descriptor)
    except (OSError, OverflowError):  # closed: the program will be told so
        return None
    inode = status.st_dev, status.st_ino
    found = ends.get(inode)
    if found is None and stat.S_IFMT(status.st_mode) == 0 and (counter := counters.get(descriptor)) is not None:
        return counter, counter
    if found is None and stat.S_ISFIFO(status.st_mode):
        serial = Serial(recorder, "pipe")
        found = ends.keep(inode, (serial, serial))
    return found


def counted(recorder: Recorder, descriptor: int) -> None:
    """This descriptor is one of a counter that was just made."""
    counters.pop(descriptor, None)
    counters.keep(descriptor, Serial(recorder, "eventfd"))


def pair(recorder: Recorder, first: int, second: int) -> tuple[Serial, Serial]:
    """These two descriptors are the ends of one connection; what goes out at the first, and what comes in there."""
    there, back = Serial(recorder, "socket"), Serial(recorder, "socket")
    for descriptor, serials in ((first, (there, back)), (second, (back, there))):
        status = os.fstat(descriptor)
        ends.pop((status.st_dev, status.st_ino), None)  # of a socket that is long gone
        ends.keep((status.st_dev, status.st_ino), serials)
    return there, back
