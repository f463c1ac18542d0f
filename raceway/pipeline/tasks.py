"""Tasks of event loops in the automatic stream. Their loop's thread is the flow of all they do; events say for which.

A task is told of when it first does something that is told: `AsyncSpawn` by the task that made it. One that is over
when that task goes on counts as waited for, `AsyncAwait`: asyncio does not say who waited for whom.
"""

from __future__ import annotations

from collections import deque

from raceway.model.told import ToldEdge
from raceway.model.values import text
from raceway.pipeline.ids import uuid_of
from raceway.pipeline.lines import json_text

_FINISHED = 128
"""Tasks that one has started and not been seen to outlive."""


class Task:
    """A task that is not over. `actor` is the thread of its loop, 0 until it does something that is told."""

    __slots__ = ("actor", "identity", "name", "parent", "serial")

    def __init__(self, serial: int, name: str, parent: int) -> None:
        self.serial = serial
        self.name = name
        self.parent = parent
        self.actor = 0
        self.identity = ""

    def tags(self) -> str:
        """What the tags of its events say of it, as JSON that follows other tags."""
        return f',"task":{json_text(self.name)},"task_id":"{self.identity}"'


class Tasks:
    """The tasks of one process, by their serials; `instance` tells the process from others."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._known: dict[int, Task] = {}
        self._finished: dict[tuple[int, int], deque[Task]] = {}

    def spawned(self, row: ToldEdge) -> None:
        """A task was made."""
        self._known[row.other] = Task(row.other, text(row.text), row.task)

    def renamed(self, row: ToldEdge) -> bool:
        """A task got a name; False when it is none."""
        task = self._known.get(row.other)
        if task is not None:
            task.name = text(row.text)
        return task is not None

    def done(self, row: ToldEdge) -> None:
        """A task is over."""
        task = self._known.pop(row.other, None)
        if task is not None and task.actor:
            self._finished.pop((task.actor, task.serial), None)
            self._finished.setdefault((task.actor, task.parent), deque(maxlen=_FINISHED)).append(task)

    def find(self, serial: int) -> Task | None:
        """The task; None for 0, for callbacks, and for one that is over."""
        return self._known.get(serial)

    def begins(self, task: Task, actor: int) -> bool:
        """Whether this is the first that is told of the task."""
        if task.actor:
            return False
        task.actor = actor
        task.identity = uuid_of(f"{self._instance}/task/{task.serial}")
        return True

    def any_finished(self) -> bool:
        """Whether there is one that nobody is known to have waited for."""
        return bool(self._finished)

    def waited_for(self, actor: int, serial: int) -> deque[Task]:
        """Those that are over, for the task or, for 0, the thread that made them and goes on now."""
        return self._finished.pop((actor, serial), None) or deque()
