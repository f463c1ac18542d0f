"""Which sequential flow of control is running: an asyncio, trio or curio task, else a thread. Serves the context.

A flow is told by an object that lives as long as it does: the task, or a token that the thread keeps. Nobody holds
these objects; who wants to recognise a flow later keeps a weak reference.
"""

from __future__ import annotations

import _thread
import os
import sys
from collections.abc import Callable

from raceway.model.typing import Any


class _Token:
    """Stands for a thread."""

    __slots__ = ("__weakref__",)


class _Kept(_thread._local):
    """What each thread keeps."""

    token: object
    """What stands for it: a token of its own, or the task of curio that it runs."""


_kept = _Kept()
_modules = sys.modules


def _no_loop() -> Any:
    """asyncio is dear to import: it is asked once the program has brought it in, as a whole."""
    global _running_loop, _current_task
    asyncio: Any = _modules.get("asyncio")
    if asyncio is None or getattr(getattr(asyncio, "__spec__", None), "_initializing", False):
        return None
    _current_task = asyncio.current_task
    _running_loop = asyncio._get_running_loop
    return _running_loop()


def _no_task(_loop: Any) -> Any:
    return None


_running_loop: Callable[[], Any] = _no_loop
_current_task: Callable[[Any], Any] = _no_task


def current_flow() -> object:
    """The task or the thread that is calling."""
    loop = _running_loop()
    if loop is not None:
        task: object = _current_task(loop)
        if task is not None:
            return task
    if "trio.lowlevel" in _modules:
        trio: Any = _modules["trio.lowlevel"]
        is_in_task = getattr(trio, "in_trio_task", None)  # none while another thread imports it
        if is_in_task is not None and is_in_task():
            found: object = trio.current_task()
            return found
    try:
        return _kept.token
    except AttributeError:
        return thread_flow()


def thread_flow() -> object:
    """The thread that is calling, whatever task of asyncio or trio it runs."""
    try:
        return _kept.token
    except AttributeError:
        token = _kept.token = _Token()
        return token


def is_thread(flow: object) -> bool:
    """Whether this flow is a thread."""
    return type(flow) is _Token


def is_over(flow: object) -> bool:
    """Whether this flow is a task or a future that has ended; None is one that is gone."""
    if flow is None:
        return True
    done = getattr(flow, "done", None)
    if done is not None:
        return bool(done())
    coroutine = getattr(flow, "coro", None)
    return coroutine is not None and getattr(coroutine, "cr_frame", flow) is None


def run_as_curio_task(task: object) -> object:
    """The calling thread runs this task of curio from here on; returns what it ran before."""
    before, _kept.token = thread_flow(), task
    return before


def _after_fork() -> None:
    """In a forked child the one thread that is left is another flow than the one that called `fork`."""
    vars(_kept).pop("token", None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
