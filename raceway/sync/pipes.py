"""Pipes of one process: `os.write()` and `os.close()` -> the `os.read()` at the other end, and whoever
`select.select()` tells that there is something to read; `os.eventfd_write()` -> `os.eventfd_read()`.

`os.fdopen()` of a pipe gives a file whose raw layer is one of ours, so that it tells the same. A traceback shows no
frame of ours.
"""

from __future__ import annotations

import functools
import io
import os
import select
import stat
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import conduits
from raceway.sync.patching import Patches
from raceway.sync.serials import Serial
from raceway.sync.wrappers import Failures, hide_frame


class RawFile(io.FileIO):
    """The raw layer of a file on a pipe. `partner`: what the process at the other end makes of it, if one is there."""

    partner: Serial | None = None
    _recorder = staticmethod(active.recorder)

    def readinto(self, buffer: Any, /) -> Any:
        """Read into a buffer."""
        try:
            result = super().readinto(buffer)
        except BaseException as error:
            hide_frame(error)
            raise
        self._received()
        return result

    def read(self, /, *args: Any) -> Any:
        """Read some or all."""
        try:
            result = super().read(*args)
        except BaseException as error:
            hide_frame(error)
            raise
        self._received()
        return result

    def readall(self) -> Any:
        """Read to the end."""
        try:
            result = super().readall()
        except BaseException as error:
            hide_frame(error)
            raise
        self._received()
        return result

    def write(self, data: Any, /) -> Any:
        """Write what the pipe takes."""
        self._sending()
        try:
            return super().write(data)
        except BaseException as error:
            hide_frame(error)
            raise

    def close(self) -> None:
        """Close the end, unless it is."""
        if not self.closed:
            self._sending()
        try:
            super().close()
        except BaseException as error:
            hide_frame(error)
            raise

    def _sending(self) -> None:
        try:
            if (recorder := self._recorder()) is not None:
                conduits.sending(recorder, self.fileno())
                if self.partner is not None:
                    recorder.release(self.partner.number)
        except Exception:
            Failures.count += 1

    def _received(self) -> None:
        try:
            if (recorder := self._recorder()) is not None:
                conduits.received(recorder, self.fileno())
                if self.partner is not None:
                    recorder.acquire(self.partner.number)
        except Exception:
            Failures.count += 1


RawFile.__name__ = RawFile.__qualname__ = "FileIO"
RawFile.__module__ = "_io"


def is_pipe(descriptor: object) -> bool:
    """Whether the descriptor is open and one of a pipe."""
    try:
        return type(descriptor) is int and stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except (OSError, OverflowError):
        return False


def opened(file: object, mode: str, buffering: int, rest: dict[str, Any]) -> Any:
    """`open(file, mode, buffering, **rest)` of a pipe, with a raw layer of ours."""
    text = "b" not in mode
    raw = RawFile(file, mode.replace("b", "").replace("t", ""), closefd=rest.pop("closefd", True))  # type: ignore[arg-type]
    if buffering == 0 and not text:
        return raw
    size = buffering if buffering > 1 else getattr(raw, "_blksize", io.DEFAULT_BUFFER_SIZE)
    layers: dict[bool, Any] = {True: io.BufferedReader, False: io.BufferedWriter}
    buffered = layers["r" in mode](raw, size)
    if not text:
        return buffered
    wrapped = io.TextIOWrapper(buffered, line_buffering=buffering == 1, **rest)
    wrapped.mode = mode  # type: ignore[misc]
    return wrapped


def opener(real: Callable[..., Any]) -> Callable[..., Any]:
    """`io.open` or `os.fdopen`, which for pipes makes files that tell."""

    @functools.wraps(real)
    def open_file(*args: Any, **kwargs: Any) -> Any:
        try:
            if active.recorder() is not None and (call := _of_pipe(*args, **kwargs)) is not None:
                if call[2] != 1 or "b" not in call[1]:
                    return opened(*call)
                if real is io.open:
                    _warn_of_lines()
                    return opened(*call)
            return real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return open_file


def _warn_of_lines() -> None:
    """What `io.open` says to its caller, who is that of the model here."""
    import warnings

    text = "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used"
    warnings.warn(text, RuntimeWarning, stacklevel=3)


def _of_pipe(
    file: object = None, mode: object = "r", buffering: object = -1, *more: object, **rest: Any
) -> tuple[object, str, int, dict[str, Any]] | None:
    """The arguments when they open a pipe in an ordinary way; None leaves all others to the real function."""
    known = {"encoding", "errors", "newline", "closefd"}
    if more or not is_pipe(file) or not isinstance(mode, str) or not isinstance(buffering, int):
        return None
    if sorted(mode.replace("b", "").replace("t", "")) not in (["r"], ["w"]) or not known.issuperset(rest):
        return None
    if ("b" in mode and ("t" in mode or rest.keys() - {"closefd"})) or ("b" not in mode and buffering == 0):
        return None
    return file, mode, buffering, rest


def selected(recorder: Recorder, _readers: object, result: Any) -> None:
    """`select.select()` returned."""
    for one in result[0]:
        number = one if type(one) is int else getattr(one, "fileno", int)()
        conduits.received(recorder, number)


def counting(real: Callable[..., int]) -> Callable[..., int]:
    """`os.eventfd`, which makes a counter."""

    @functools.wraps(real)
    def eventfd(*args: Any, **kwargs: Any) -> int:
        try:
            descriptor = real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if (recorder := active.recorder()) is not None:
                conduits.counted(recorder, descriptor)
        except Exception:
            Failures.count += 1
        return descriptor

    return eventfd


def telling(
    real: Callable[..., Any], before: Callable[..., None] | None = None, after: Callable[..., None] | None = None
) -> Callable[..., Any]:
    """A function that is given a descriptor first, or should be."""
    current = active.recorder

    @functools.wraps(real)
    def function(*args: Any, **kwargs: Any) -> Any:
        try:
            if before is not None and args and (recorder := current()) is not None:
                before(recorder, args[0])
        except Exception:
            Failures.count += 1
        try:
            result = real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if after is not None and args and (recorder := current()) is not None:
                after(recorder, args[0], result)
        except Exception:
            Failures.count += 1
        return result

    return function


def closer(real: Callable[..., None]) -> Callable[..., None]:
    """`os.close`, whose descriptor may be given by name."""

    @functools.wraps(real)
    def close(*args: Any, **kwargs: Any) -> None:
        try:
            if (recorder := active.recorder()) is not None:
                conduits.sending(recorder, args[0] if args else kwargs.get("fd"))
        except Exception:
            Failures.count += 1
        try:
            real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return close


def patch(patches: Patches) -> None:
    """Put the models beside the functions."""
    if hasattr(os, "eventfd"):
        patches.stand_in(os, "eventfd", counting)
    for name in ("write", "writev", "eventfd_write"):
        if hasattr(os, name):
            patches.stand_in(os, name, functools.partial(telling, before=conduits.sending))
    for name in ("read", "readv", "eventfd_read"):
        if hasattr(os, name):
            patches.stand_in(os, name, functools.partial(telling, after=conduits.received))
    patches.stand_in(os, "close", closer)
    patches.replace(os, "fdopen", opener(os.fdopen))
    patches.stand_in(select, "select", functools.partial(telling, after=selected))
