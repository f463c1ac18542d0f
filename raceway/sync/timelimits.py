"""Tasks of asyncio that wait with a time limit: what such a task waits for need not come, and it goes on.

`asyncio.timeout()` is seen where its block is entered and left; `wait_for()` is made of it since CPython 3.12, and
before that of a task of its own, which is cancelled.
"""

from __future__ import annotations

import sys
from types import FrameType

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync.patching import Patches
from raceway.sync.serials import Table, of_run

MODULE = "asyncio.timeouts"

limits: Table[int] = of_run(Table())
"""How many limits each task has now."""
entered: Table[bool] = of_run(Table())
"""The blocks with a limit that are entered."""


def entering(_recorder: Recorder, scope: Any) -> None:
    """The current task enters a block of `asyncio.timeout()`."""
    task = sys.modules["asyncio.tasks"].current_task()
    if scope._when is not None and task is not None:
        entered.put(scope, True)
        limits.put(task, (limits.get(task) or 0) + 1)


def leaving(_recorder: Recorder, scope: Any) -> None:
    """The current task leaves such a block."""
    task = sys.modules["asyncio.tasks"].current_task()
    if entered.get(scope) and task is not None:
        entered.drop(scope)
        limits.put(task, (limits.get(task) or 1) - 1)


def is_limited() -> bool:
    """Whether the current task waits for nothing without limit."""
    loop = sys.modules["asyncio.events"]._get_running_loop() if len(limits) else None
    task = None if loop is None else sys.modules["asyncio.tasks"].current_task(loop)
    return task is not None and bool(limits.get(task))


def made_limited(task: object, frame: FrameType | None) -> None:
    """A task was made behind this frame: it has a limit if `wait_for()` has made it."""
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(("asyncio.", "raceway.")):
        if frame.f_code.co_name == "wait_for":
            limits.put(task, 1)
        frame = frame.f_back


def patch(patches: Patches) -> None:
    """Watch the blocks, if asyncio has been imported."""
    scope = getattr(sys.modules.get(MODULE), "Timeout", None)
    if scope is not None:
        patches.around(scope, "__aenter__", before=entering)
        patches.around(scope, "__aexit__", before=leaving)
