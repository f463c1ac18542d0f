"""Who asks for a primitive, told from the calling frames: which locks stay quiet, and the line that names a lock.

Events, semaphores, barriers, threads, queues and executors use locks inside. The order those locks happen to give is
not what the primitive promises (a waiter is not ordered before the setter), and would hide real races. So what these
modules create and use for themselves is quiet, and what the primitive promises is modelled explicitly. A module that
is itself instrumented is somebody's program: its locks are as loud as any.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType

_INTERNAL = frozenset(
    {
        "threading",
        "queue",
        "concurrent.futures._base",
        "concurrent.futures.thread",
        "multiprocessing.queues",
        "multiprocessing.synchronize",
        "trio._core._entry_queue",
        "trio._core._thread_cache",
    }
)

_PASSED_FOR_NAMING = _INTERNAL | {
    "functools",
    "multiprocessing.context",
    "multiprocessing.sharedctypes",
    "raceway.sync.patching",
    "raceway.sync.wrappers",
    "raceway.sync.queues",
}

_OURS = frozenset({"raceway.sync.patching", "raceway.sync.wrappers", "raceway.sync.native"})
"""Whose frames may lie between a primitive and a model."""

_quiet: set[str] = set(_INTERNAL)

_first_use: dict[str, Callable[[], None]] = {}


def set_scope(instrumented: Callable[[str], bool]) -> None:
    """Let the internal modules be quiet that are not instrumented."""
    _quiet.clear()
    _quiet.update(name for name in _INTERNAL if not instrumented(name))


def rules(more: set[str]) -> tuple[frozenset[str], frozenset[str], dict[str, Callable[[], None]]]:
    """What the models in C go by: quiet modules and `more`, modules passed for naming, who waits for a first use."""
    return frozenset(_quiet | more), _PASSED_FOR_NAMING, _first_use


def is_quiet_module(name: str) -> bool:
    """Whether the module's locks are an internal matter of synchronisation primitives."""
    return name in _quiet


def at_first_use(module: str, do: Callable[[], None]) -> None:
    """Have `do` called when `module` first makes an RLock: for a module that may never be imported."""
    _first_use[module] = do


def forget_uses() -> None:
    """Nobody waits for a module any longer."""
    _first_use.clear()


def tell_use(frame: FrameType | None) -> None:
    """The module of `frame` makes an RLock."""
    if _first_use and (do := _first_use.get(module_of(frame))) is not None:
        do()  # before it is struck off: another thread must not go on without it
        _first_use.pop(module_of(frame), None)


def module_of(frame: FrameType | None) -> str:
    """The name of the module that the frame's code belongs to."""
    name = None if frame is None else dict.get(frame.f_globals, "__name__")
    return name if type(name) is str else ""


def asker(frame: FrameType | None, through: frozenset[str] = frozenset()) -> FrameType | None:
    """The first frame from `frame` on that is not one of these functions of `threading`, nor of a patch."""
    while frame is not None:
        module = module_of(frame)
        if module not in _OURS and not (module == "threading" and frame.f_code.co_qualname in through):
            return frame
        frame = frame.f_back
    return None


def is_quiet(frame: FrameType | None) -> bool:
    """Whether what this frame makes or uses is an internal matter of a synchronisation primitive."""
    return is_quiet_module(module_of(frame))


def place(frame: FrameType | None) -> tuple[str, int]:
    """File and line of the user's code behind `frame`: the line that says `Lock()`, `Condition()` or `Queue()`."""
    while frame is not None:
        code = frame.f_code
        generated = code.co_name == "__init__" and code.co_filename.startswith("<")  # by dataclasses, attrs
        if not generated and module_of(frame) not in _PASSED_FOR_NAMING:
            return code.co_filename, frame.f_lineno or 0
        frame = frame.f_back
    return "", 0
