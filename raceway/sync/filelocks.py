"""Locks of files: `fcntl.flock()` that lets go -> whoever gets the lock of that file later, by an open file of its own.

Shared holders are ordered with exclusive ones and not among each other. Not seen is that a file is closed with its
lock, and `fcntl.lockf()` keeps no thread of the process out. Put in when the program has imported `fcntl`. A traceback
shows no frame of ours.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from types import SimpleNamespace

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync.patching import Patches
from raceway.sync.serials import Kept, Serial, of_run
from raceway.sync.wrappers import Failures, hide_frame

MODULE = "fcntl"

locks: Kept[tuple[int, int], tuple[Serial, Serial]] = of_run(Kept())
"""By device and inode: what exclusive holders let go, and what shared ones do."""

exclusive: Kept[int, bool] = of_run(Kept())
"""By descriptor, whether the lock that it got and has not let go is exclusive."""


def letting_go(recorder: Recorder, descriptor: int) -> None:
    """The current actor is about to let go of the lock of this file, or to ask for another sort of it."""
    held = exclusive.pop(descriptor, None)
    if held is not None:
        alone, shared = _serials(recorder, descriptor)
        recorder.release((alone if held else shared).number)


def got(recorder: Recorder, descriptor: int, alone: bool) -> None:
    """The current actor has the lock of this file."""
    by_exclusive, by_shared = _serials(recorder, descriptor)
    recorder.acquire(by_exclusive.number)
    if alone:
        recorder.acquire(by_shared.number)
    exclusive.keep(descriptor, alone)


def _serials(recorder: Recorder, descriptor: int) -> tuple[Serial, Serial]:
    status = os.fstat(descriptor)
    inode = status.st_dev, status.st_ino
    found = locks.get(inode)
    return found or locks.keep(inode, (Serial(recorder, "file lock"), Serial(recorder, "file lock")))


def locker(real: Callable[..., None], shared: int, alone: int) -> Callable[..., None]:
    """`fcntl.flock`, given the bits of operations that ask for a lock."""
    current = active.recorder

    @functools.wraps(real)
    def flock(*arguments: Any, **keywords: Any) -> None:
        descriptor: Any = None
        try:
            # The program's `fileno()` is called once, as ever; where it gives no number, the real function says so.
            if len(arguments) == 2:
                fd, operation = arguments
                descriptor = fd
                if not issubclass(type(fd), int) and (fileno := getattr(fd, "fileno", None)) is not None:
                    number = descriptor = fileno()
                    fd = number if issubclass(type(number), int) else SimpleNamespace(fileno=lambda: number)
                arguments = fd, operation
            seen = type(descriptor) is int  # of anything else `__hash__` could be the program's
            try:
                if seen and (recorder := current()) is not None:
                    letting_go(recorder, descriptor)
            except Exception:
                Failures.count += 1
            real(*arguments, **keywords)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if seen and operation & (shared | alone) and (recorder := current()) is not None:
                got(recorder, descriptor, bool(operation & alone))
        except Exception:
            Failures.count += 1

    return flock


def patch(patches: Patches) -> None:
    """Put the model beside the function."""
    module: Any = sys.modules[MODULE]
    patches.stand_in(module, "flock", functools.partial(locker, shared=module.LOCK_SH, alone=module.LOCK_EX))
