"""What goes to other processes of `multiprocessing` and comes back: whatever was told to any -> what is heard of one.

One clock, as it is not known who tells whom there. Whoever hears what it has asked for itself hears of nobody else.
"""

from __future__ import annotations

from raceway.originals import get_ident
from raceway.runtime.contract import Recorder
from raceway.sync.serials import Kept, Serial, Table, of_run

asked: Table[int] = of_run(Table())
"""By what processes are told through: the thread that has done so last."""

_clock: Kept[str, Serial] = of_run(Kept())


def asking(through: object) -> None:
    """What is heard through this next is for the calling thread."""
    asked.put(through, get_ident())


def telling(recorder: Recorder, through: object) -> None:
    """The current actor is about to let a process know something, through a connection, an event or its own object."""
    asking(through)
    serial = _clock.get("") or _clock.keep("", Serial(recorder, "process"))
    recorder.release(serial.number)


def heard(recorder: Recorder, through: object) -> None:
    """The current actor has heard something of a process through the same."""
    if asked.get(through) != get_ident() and (serial := _clock.get("")) is not None:
        recorder.acquire(serial.number)
