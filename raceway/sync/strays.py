"""Objects of an event loop that another thread uses. asyncio says of all of them that they are not safe for that but by
`call_soon_threadsafe`.

What a loop is to do becomes a handle: when a future gets its result, a queue an item that somebody waits for, a task is
made or cancelled. A handle that is made while the loop runs in another thread, and not by `call_soon_threadsafe`, may
not wake the loop, and changes what the loop's thread works on: evidence enough, whatever object was used. Of what makes
no handle `loopobjects` and `loopfutures` tell.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from types import FrameType

from raceway.model.records import Stack
from raceway.model.strays import Stray
from raceway.model.typing import Any
from raceway.originals import get_ident
from raceway.runtime import active
from raceway.runtime.stacks import capture
from raceway.sync import threads
from raceway.sync.serials import Table, of_run
from raceway.sync.wrappers import Failures

met: list[Stray] = []
"""All of this process."""

LIMIT = 10_000
"""So many are kept."""


class Evidence(IntEnum):
    """What tells of a stray. One call of the program may be told of by several, in this order."""

    USE = 1
    FUTURE = 2
    HANDLE = 3


_evidence: list[Evidence] = [Evidence.USE]
"""The last one for the newest of `met`."""

_SAFE = frozenset({"call_soon_threadsafe", "__del__", "_asyncgen_finalizer_hook"})
"""What is made for other threads; and finalizers, which run in whichever thread the collector does."""


runners: Table[int] = of_run(Table())
"""The threads that run loops which do not tell themselves, by their idents."""


def is_foreign(loop: object) -> bool:
    """Whether the loop runs in another thread now, as far as is known."""
    thread = _thread_of(loop)
    return type(thread) is int and thread != get_ident()


def _thread_of(loop: object) -> Any:
    return getattr(loop, "_thread_id", None) or runners.get(loop)


def strayed(loop: Any, callback: object = None, evidence: Evidence = Evidence.HANDLE) -> None:
    """The calling thread has made a handle for the loop, which runs in another one, or has stopped it; or it changes
    `callback`, a future or a transport of that loop."""
    try:
        recorder = active.recorder()
        if recorder is None or len(met) >= LIMIT:
            return
        what, stack = told(sys._getframe(1), callback)
        if stack:
            runner, runs = _runner(_thread_of(loop))
            meet(Stray(what, recorder.tasks.current() or recorder.current(), stack, runner, runs), evidence)
    except Exception:  # the boundary between the program and us
        Failures.count += 1


def meet(stray: Stray, evidence: Evidence) -> None:
    """Note a stray, unless something else has told of it."""
    last = met[-1] if met else None
    if last is not None and evidence > _evidence[0] and last.key() == stray.key():
        _evidence[0] = evidence
    elif len(met) < LIMIT:
        met.append(stray)
        _evidence[0] = evidence


def told(frame: FrameType | None, about: object) -> tuple[str, Stack]:
    """What the program has called behind this frame to do something about an object of asyncio, and where. Nothing,
    when that may be called from any thread."""
    way, caller = _way(frame)
    if caller is None or _SAFE & {frame.f_code.co_name for frame in way}:
        return "", ()
    return _called(way, about, caller), capture(caller)


def _way(frame: FrameType | None) -> tuple[list[FrameType], FrameType | None]:
    """The frames of asyncio from the innermost one on, and the frame that called them."""
    way = []
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if type(module) is not str or not module.startswith(("asyncio.", "raceway.")):
            break
        if module.startswith("asyncio."):
            way.append(frame)
        frame = frame.f_back
    return way, frame


def _called(way: list[FrameType], callback: object, caller: FrameType) -> str:
    """What the program called. Futures and tasks are written in C and have no frames: their callbacks tell, and that
    the program does not call what they do."""
    name: str = "loop.stop" if callback is None else "loop.call_soon"
    if way:
        name = getattr(way[-1].f_code, "co_qualname", way[-1].f_code.co_name)
    name = name.replace("BaseEventLoop.", "loop.")
    owner = getattr(callback, "__self__", callback)
    home = getattr(type(owner), "__module__", "") or ""
    is_of_task = home.startswith("_asyncio")
    if home.startswith("asyncio.") and (not way or name.startswith("_")):  # `async with`, or a method of a transport
        return f"asyncio.{type(owner).__name__.lstrip('_')}"
    if name == "loop.call_soon" and (is_of_task or "call_soon" not in caller.f_code.co_names):
        return "asyncio.Future"
    return name if name.startswith("loop.") else f"asyncio.{name}"


def _runner(ident: int) -> tuple[int, Stack]:
    """The actor of the loop's thread, and where the program had it run the loop."""
    return threads.actor_of(ident), capture(running_place(sys._current_frames().get(ident)))


def running_place(frame: FrameType | None) -> FrameType | None:
    """Where the program has the loop run that this frame is called by."""
    runs = frame
    while frame is not None:
        if frame.f_code.co_name == "run_forever":
            runs = frame
        frame = frame.f_back
    while runs is not None and str(runs.f_globals.get("__name__")).startswith(("asyncio.", "raceway.")):
        runs = runs.f_back
    return runs
