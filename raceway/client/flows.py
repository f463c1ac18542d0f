"""Which sequential flow of control is running: an asyncio, trio or curio task, else a thread. Serves the context.

A flow is told by an object that lives as long as it does: the task, or a token that the thread keeps. Nobody holds
these objects; who wants to recognise a flow later keeps a weak reference.
"""

from __future__ import annotations

import _thread
import os
import sys

from raceway.model.typing import Any


class _Token:
    """Stands for a thread."""

    __slots__ = ("__weakref__",)


class _Kept(_thread._local):
    """What each thread keeps."""

    token: _Token
    curio_task: object = None


class _Asyncio:
    """What asyncio tells of itself, once the program has brought it in: importing it is dear."""

    known = False
    running_loop: Any
    current_task: Any

    def follow(self) -> None:
        """From here on it is asked."""
        import asyncio

        self.running_loop = asyncio._get_running_loop
        self.current_task = asyncio.current_task
        self.known = True


_kept = _Kept()
_asyncio = _Asyncio()


def current_flow() -> object:
    """The task or the thread that is calling."""
    if _asyncio.known:
        loop = _asyncio.running_loop()
        if loop is not None:
            task: object = _asyncio.current_task(loop)
            if task is not None:
                return task
    elif "asyncio.tasks" in sys.modules:
        _asyncio.follow()
        return current_flow()
    trio: Any = sys.modules.get("trio.lowlevel")
    if trio is not None and trio.in_trio_task():
        found: object = trio.current_task()
        return found
    return _kept.curio_task or thread_flow()


def thread_flow() -> object:
    """The thread that is calling, whatever task it runs."""
    try:
        return _kept.token
    except AttributeError:
        token = _kept.token = _Token()
        return token


def run_as_curio_task(task: object) -> object:
    """The calling thread runs this task of curio from here on; returns what it ran before."""
    before, _kept.curio_task = _kept.curio_task, task
    return before


def _after_fork() -> None:
    """In a forked child the one thread that is left is another flow than the one that called `fork`."""
    vars(_kept).pop("token", None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
