"""Home-made synchronisation: what a program tells by hand where Raceway cannot see it order its threads.

`release(obj)` -> every later `acquire(obj)`. The object is told by identity; strings, bytes and integers by value,
since equal ones stand for the same thing. An object that allows weak references is not kept alive. One that does not
(a tuple, an instance with `__slots__`) is kept until the run ends or 4096 newer ones were used, whichever comes first:
pass something long-lived, such as the buffer or the flag that both sides share.
"""

from __future__ import annotations

from collections.abc import Hashable

from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync.serials import Kept, Serial, Serials, of_run
from raceway.sync.wrappers import Failures

serials = of_run(Serials("home-made"))
kept: Kept[Hashable, tuple[object, Serial]] = of_run(Kept())
"""Objects without weak references and plain values, with what must stay alive for the key to hold."""


def acquire(obj: object) -> None:
    """What the program does from here on happens after everything before each `release(obj)` so far.

    Call it after the wait for the other side succeeded. It does nothing while Raceway is not running.
    """
    try:
        if (recorder := active.recorder()) is not None:
            recorder.acquire(number(recorder, obj))
    except Exception:
        Failures.count += 1


def release(obj: object) -> None:
    """What the program did until here happens before everything after each later `acquire(obj)`.

    Call it before the other side is let go. It does nothing while Raceway is not running.
    """
    try:
        if (recorder := active.recorder()) is not None:
            recorder.release(number(recorder, obj))
    except Exception:
        Failures.count += 1


def number(recorder: Recorder, obj: object) -> int:
    """The serial number of `obj`."""
    if type(obj) not in (str, bytes, int):
        try:
            return serials.number(recorder, obj)
        except TypeError:  # no weak references
            return _kept_number(recorder, id(obj), obj)
    return _kept_number(recorder, (type(obj), obj), obj)


def _kept_number(recorder: Recorder, key: Hashable, obj: object) -> int:
    found = kept.get(key)
    if found is None:
        found = kept.keep(key, (obj, Serial(recorder, "home-made")))
    return found[1].number
