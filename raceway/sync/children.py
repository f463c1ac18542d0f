"""Child processes of `subprocess`: what is written to one or done to it -> whoever reads what it says, or waits for it.

What a child makes of its input is not known; that its answer follows from it is what programs rely on that match the
two by number in different threads. The pipes themselves are those of `pipes`, whose files know the child at their
other end. The models are put in when the program has imported `subprocess`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import io
import sys
from types import ModuleType

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync import pipes
from raceway.sync.patching import Patches
from raceway.sync.serials import Serials, of_run

MODULE = "subprocess"

serials = of_run(Serials("process"))


def started(recorder: Recorder, child: Any, _result: object) -> None:
    """`child` runs."""
    serial = serials.serial(recorder, child)
    recorder.release(serial.number)
    for stream in (child.stdin, child.stdout, child.stderr):
        raw = getattr(stream, "buffer", stream)
        raw = getattr(raw, "raw", raw)
        if type(raw) is pipes.RawFile:
            raw.partner = serial


def signalling(recorder: Recorder, child: object) -> None:
    """A signal is about to be sent."""
    recorder.release(serials.number(recorder, child))


def seen(recorder: Recorder, child: object, status: object) -> None:
    """The current actor asked how the child ended, or waited for that."""
    if status is not None:
        recorder.acquire(serials.number(recorder, child))


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if the module has been imported."""
    module: Any = sys.modules.get(MODULE)
    if not hasattr(module, "Popen"):
        return
    opening = ModuleType("io")
    vars(opening).update(vars(io))
    vars(opening)["open"] = pipes.opener(io.open)
    patches.replace(module, "io", opening)
    patches.around(module.Popen, "__init__", after=started)
    patches.around(module.Popen, "send_signal", before=signalling)
    for name in ("poll", "wait"):
        patches.around(module.Popen, name, after=seen)
