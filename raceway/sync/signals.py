"""Signals that the process sends itself: `os.kill()`, `signal.raise_signal()`, `signal.pthread_kill()` -> the handler.

A handler runs in the main thread, between two of its steps, and is part of that actor. What another thread did before
it sent the signal comes before the handler. `signal.getsignal` gives back the program's own handler. The models are put
in when the program has imported `signal`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync.patching import Failures, Patches, hide_frame
from raceway.sync.serials import Kept, Serial, of_run

MODULE = "signal"

serials: Kept[int, Serial] = of_run(Kept())
"""What was sent so far, by the number of the signal."""


class Handler:
    """A handler of the program."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function

    def __call__(self, number: int, frame: Any) -> object:
        try:
            if (recorder := active.recorder()) is not None and (sent := serials.get(int(number))) is not None:
                recorder.acquire(sent.number)
        except Exception:
            Failures.count += 1
        try:
            return self.function(number, frame)
        except BaseException as error:
            hide_frame(error)
            raise


def sending(recorder: Recorder, number: object) -> None:
    """The current actor is about to send this process a signal."""
    if isinstance(number, int):
        recorder.release(serials.keep(int(number), serials.get(int(number)) or Serial(recorder, "signal")).number)


def sender(real: Callable[..., Any], place: int, to_us: Callable[[object], bool]) -> Callable[..., Any]:
    """`real`, which sends a signal whose number is the argument at `place`; `to_us` judges the first one."""

    @functools.wraps(real)
    def send(*args: Any, **kwargs: Any) -> Any:
        try:
            if len(args) > place and to_us(args[0]) and (recorder := active.recorder()) is not None:
                sending(recorder, args[place])
        except Exception:
            Failures.count += 1
        try:
            return real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return send


def setter(real: Callable[..., Any]) -> Callable[..., Any]:
    """`signal.signal`, which puts ours around a handler and gives back what was inside the one before."""

    @functools.wraps(real)
    def set_handler(*args: Any, **kwargs: Any) -> Any:
        plain = len(args) == 2 and not kwargs and type(args[1]) is not Handler and callable(args[1])
        if plain and active.recorder() is not None and not isinstance(args[1], int):
            args = (args[0], Handler(args[1]))
        try:
            return _inside(real(*args, **kwargs))
        except BaseException as error:
            hide_frame(error)
            raise

    return set_handler


def getter(real: Callable[..., Any]) -> Callable[..., Any]:
    """`signal.getsignal`, which gives the program's own handler."""

    @functools.wraps(real)
    def get_handler(*args: Any, **kwargs: Any) -> Any:
        try:
            return _inside(real(*args, **kwargs))
        except BaseException as error:
            hide_frame(error)
            raise

    return get_handler


def _inside(handler: Any) -> Any:
    return handler.function if type(handler) is Handler else handler


def _plain_again(real: Any) -> None:
    """Let the program's handlers stand alone, where that is possible: in the main thread."""
    for number in real.valid_signals():
        handler = real.getsignal(number)
        if type(handler) is Handler:
            try:
                real.signal(number, handler.function)
            except ValueError:  # another thread: it goes on as it is, and tells nothing
                return


def patch(patches: Patches) -> None:
    """Put the models beside the functions, if the module has been imported."""
    module: Any = sys.modules.get(MODULE)
    if not hasattr(module, "getsignal"):
        return
    own = os.getpid
    patches.at_undo(functools.partial(_plain_again, sys.modules["_signal"]))
    patches.replace(os, "kill", sender(os.kill, 1, lambda process: process == own()))
    if hasattr(module, "raise_signal"):
        patches.replace(module, "raise_signal", sender(module.raise_signal, 0, lambda _number: True))
    if hasattr(module, "pthread_kill"):
        patches.replace(module, "pthread_kill", sender(module.pthread_kill, 1, lambda _thread: True))
    patches.replace(module, "signal", setter(module.signal))
    patches.replace(module, "getsignal", getter(module.getsignal))
