"""Locks and semaphores of `multiprocessing` between the threads of this process: freeing a lock -> taking it next,
`release()` of a semaphore -> every later `acquire()` that succeeded, `Event.set()` -> whoever finds it set.

Other processes are other memories: what they take and free meanwhile is not seen, and orders nothing here. An event
that nobody has set in this process was set in another one, which may have been told of anything before (`abroad`).
`Condition` needs no model, since it releases and retakes its lock; a `Barrier` is one of `threading`. What an event, a
condition, a barrier or a queue makes for itself is quiet, as `creation` says. The models are put in when the program
has imported `multiprocessing.synchronize`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import sys
from types import FrameType

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import abroad, creation, early
from raceway.sync.patching import Patches
from raceway.sync.serials import Serial, Serials, Table, of_run
from raceway.sync.wrappers import bound

MODULE = "multiprocessing.synchronize"

events = of_run(Serials("event"))
set_here: Table[bool] = of_run(Table())

_CONTEXT = "multiprocessing.context"
_MAKERS = frozenset(f"{name}.__init__" for name in ("SemLock", "Lock", "RLock", "Semaphore", "BoundedSemaphore")) | {
    "SemLock.__setstate__"
}
_MAKERS_OF_RLOCK = _MAKERS | {"Condition.__init__"}
_RECURSIVE = 0


class Record:
    """What is known of one lock or semaphore; it must not keep the object alive, which keeps this."""

    __slots__ = ("mutex", "semlock", "serial")

    def __init__(self, semlock: Any, serial: Serial, mutex: bool) -> None:
        self.semlock = semlock
        self.serial = serial
        self.mutex = mutex

    def number(self, recorder: Recorder) -> int:
        """Its serial number in this run."""
        self.serial = self.serial.renewed(recorder)
        return self.serial.number


records: Table[Record] = of_run(Table())


def made(recorder: Recorder, lock: Any, _result: object) -> None:
    """`lock` was just made, and has its methods."""
    through = _MAKERS_OF_RLOCK if type(lock).__name__ == "RLock" else _MAKERS
    frame = _asker(sys._getframe(2), through)
    if not creation.is_quiet(frame):
        follow(recorder, lock, frame)


def follow(recorder: Recorder, lock: Any, frame: FrameType | None) -> None:
    """Have the methods of `lock` tell; it is named after the line behind `frame`."""
    module = sys.modules[MODULE]
    mutex = isinstance(lock, (module.Lock, module.RLock))
    place = creation.place(frame)
    record = Record(lock._semlock, Serial(recorder, "lock" if mutex else "semaphore", *place), mutex)
    records.put(lock, record)
    lock.acquire = bound(lock.acquire, record, after=acquired)
    lock.release = bound(lock.release, record, before=releasing)


def _asker(frame: FrameType | None, through: frozenset[str]) -> FrameType | None:
    while frame is not None:
        module = creation.module_of(frame)
        if module != _CONTEXT and not (module == MODULE and frame.f_code.co_qualname in through):
            break
        frame = frame.f_back
    return frame


def acquired(recorder: Recorder, record: Record, result: object) -> None:
    """The current actor got in, if `result`."""
    if not result:
        return
    if not record.mutex:
        recorder.acquire(record.number(recorder))
    elif record.semlock.kind != _RECURSIVE or record.semlock._count() == 1:
        recorder.lock_taken(record.number(recorder))


def releasing(recorder: Recorder, record: Record) -> None:
    """The current actor is about to let somebody in."""
    semlock = record.semlock
    if not record.mutex:
        recorder.release(record.number(recorder))
    elif semlock._count() == 1 and semlock._is_mine() if semlock.kind == _RECURSIVE else semlock._is_zero():
        recorder.lock_freed(record.number(recorder))


def entered(recorder: Recorder, lock: object, result: object) -> None:
    """`with lock:` goes on."""
    if (record := records.get(lock)) is not None:
        acquired(recorder, record, result)


def leaving(recorder: Recorder, lock: object) -> None:
    """`with lock:` is about to end."""
    if (record := records.get(lock)) is not None:
        releasing(recorder, record)


def setting(recorder: Recorder, event: object) -> None:
    """`event` is about to be set."""
    recorder.release(events.number(recorder, event))
    set_here.put(event, True)
    abroad.telling(recorder, event)


def seen_set(recorder: Recorder, event: object, result: object) -> None:
    """`event` was waited for or looked at; `result` tells whether it is set."""
    if result:
        recorder.acquire(events.number(recorder, event))
        if not set_here.get(event):
            abroad.heard(recorder, event)


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if the module has been imported."""
    module: Any = sys.modules.get(MODULE)
    if not hasattr(module, "Event"):
        return
    patches.around(module.SemLock, "_make_methods", after=made)
    patches.around(module.SemLock, "__enter__", after=entered)
    patches.around(module.SemLock, "__exit__", before=leaving)
    patches.around(module.Event, "set", before=setting)
    for name in ("wait", "is_set"):
        patches.around(module.Event, name, after=seen_set)


def follow_early() -> None:
    """Have the locks that were made before the run tell, too: all of them, since nobody knows who made them."""
    module, recorder = sys.modules[MODULE], active.recorder()
    if recorder is None:
        return
    for lock in early.instances(module.SemLock):
        if "acquire" in vars(lock):
            follow(recorder, lock, None)
