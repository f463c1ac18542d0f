"""Queues of `multiprocessing` between the threads of this process: `put()` -> later `get()`s, and its thread, which
takes the item out of a buffer and pickles it; in a bounded queue also `get()` -> later `put()`s; `task_done()` ->
`join()`.

Simple model: one clock per queue and direction. Items are copies, so what travels with them is only the order; which
process took which item is not known. A SimpleQueue is a pipe with locks, and the pipe tells. The models are put in when
the program has imported `multiprocessing.queues`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync.patching import Patches
from raceway.sync.serials import Serials, of_run
from raceway.sync.wrappers import Failures, hide_frame

MODULE = "multiprocessing.queues"

items = of_run(Serials("queue"))
"""By the buffer of the queue, which is all that its thread is given."""

rooms = of_run(Serials("queue"))
tasks = of_run(Serials("queue"))


def putting(recorder: Recorder, queue: Any) -> None:
    """The current actor is about to put an item in."""
    recorder.release(items.number(recorder, queue._buffer))


def put(recorder: Recorder, queue: Any, _result: object) -> None:
    """The current actor put an item in, so there was room."""
    if rooms.get(queue) is not None:
        recorder.acquire(rooms.number(recorder, queue))


def getting(recorder: Recorder, queue: object) -> None:
    """The current actor is about to take an item out, which makes room."""
    recorder.release(rooms.number(recorder, queue))


def got(recorder: Recorder, queue: Any, _result: object) -> None:
    """The current actor took an item out."""
    recorder.acquire(items.number(recorder, queue._buffer))


class Feed:
    """The buffer of a queue as its thread sees it, which takes out of it what was put in."""

    __slots__ = ("_buffer",)

    def __init__(self, buffer: deque[Any]) -> None:
        self._buffer = buffer

    def __len__(self) -> int:
        return len(self._buffer)

    def popleft(self) -> Any:
        """The next item. IndexError without one."""
        item = self._buffer.popleft()
        try:
            if (recorder := active.recorder()) is not None:
                recorder.acquire(items.number(recorder, self._buffer))
        except Exception:
            Failures.count += 1
        return item


def feeding(real: Callable[..., Any]) -> Callable[..., Any]:
    """What the thread of a queue runs, with a buffer that tells."""

    @functools.wraps(real)
    def feed(buffer: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return real(Feed(buffer) if type(buffer) is deque else buffer, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return feed


def task_done(recorder: Recorder, queue: object) -> None:
    """The current actor is about to report a task as done."""
    recorder.release(tasks.number(recorder, queue))


def joined(recorder: Recorder, queue: object, _result: object) -> None:
    """The current actor has waited until all tasks were done."""
    recorder.acquire(tasks.number(recorder, queue))


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if the module has been imported."""
    module: Any = sys.modules.get(MODULE)
    if not hasattr(module, "SimpleQueue"):
        return
    for queue in (module.Queue, module.JoinableQueue):
        patches.around(queue, "put", before=putting, after=put)
    patches.replace(module.Queue, "_feed", staticmethod(feeding(module.Queue._feed)))
    patches.around(module.Queue, "get", before=bounded_getting, after=got)
    patches.around(module.JoinableQueue, "task_done", before=task_done)
    patches.around(module.JoinableQueue, "join", after=joined)


def bounded_getting(recorder: Recorder, queue: Any) -> None:
    """The current actor is about to take an item out; only in a bounded queue somebody can wait for that."""
    if queue._maxsize < queue._sem._semlock.SEM_VALUE_MAX:
        getting(recorder, queue)
