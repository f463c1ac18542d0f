"""Celery: `setup_raceway(client)` once, in the process that sends tasks and in the one that works.

A message carries the trace of who sent it; the task goes on in it, or begins one of its own. Each task is told as
`AsyncSpawn` where it is sent and as a call where it runs. Nothing here raises into a task.
"""

from __future__ import annotations

import time
from contextvars import Token

from raceway.client import marks
from raceway.client.actors import Context
from raceway.client.context import begin, current, enter, leave, sent
from raceway.client.keeping import keep_message
from raceway.client.propagation import HEADERS, incoming, outgoing
from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.client import RacewayClient

_SENT = "raceway"
"""Where a message keeps our headers: by their own names Celery would take them for attributes of the request."""

_installed: list[Receivers] = []


class Receivers:
    """What is connected to Celery's signals for one client."""

    def __init__(self, client: RacewayClient) -> None:
        self._client = client
        self._running: dict[str, tuple[Token[Context | None], int]] = {}

    def sending(self, sender: Any = None, headers: Any = None, **_about: object) -> None:
        """A message is about to be sent."""
        try:
            context = current()
            if context is None or headers is None:
                return
            headers[_SENT] = outgoing(sent(context))
            name = headers.get("task") or str(sender or "")
            self._client.note(marks.async_spawn, "celery:0", (str(headers.get("id") or name), name))
        except Exception:
            self._client.lossy()

    def started(self, task_id: Any = None, task: Any = None, **_about: object) -> None:
        """A task begins, in the worker."""
        try:
            context = begin(self._client.service, incoming(_headers(task)), ("TASK", task.name))
            self._running[str(task_id)] = (enter(context), time.perf_counter_ns())
            self._tell(task, task.name, {"task_id": str(task_id)}, None)
        except Exception:
            self._client.lossy()

    def failed(self, sender: Any = None, exception: Any = None, **_about: object) -> None:
        """A task raised."""
        try:
            values = (type(exception).__name__, keep_message(exception), None)
            self._client.note(marks.error, _place(sender), values)
        except Exception:
            self._client.lossy()

    def ended(self, task_id: Any = None, task: Any = None, state: Any = None, **_about: object) -> None:
        """A task is over."""
        running = self._running.pop(str(task_id), None)
        if running is None:
            return
        try:
            token, began = running
            duration = time.perf_counter_ns() - began
            status = "error" if state in ("FAILURE", "RETRY", "REVOKED") else "success"
            told = {"task_id": str(task_id), "status": status, "duration_ms": round(duration / 1e6, 3)}
            self._tell(task, f"{task.name}:{'error' if status == 'error' else 'return'}", told, duration)
            leave(token)
        except Exception:
            self._client.lossy()

    def _tell(self, task: Any, name: str, args: Any, duration_ns: int | None) -> None:
        module = str(getattr(task, "__module__", "") or "")
        self._client.note(marks.function_call, _place(task), (name, module, args, None, None), duration_ns)


def setup_raceway(client: RacewayClient) -> None:
    """Tell of the tasks that this process sends and runs. Another client takes the place of an earlier one."""
    from celery import signals

    receivers = Receivers(client)
    previous, _installed[:] = list(_installed), [receivers]
    for name, method in _SIGNALS.items():
        signal = getattr(signals, name)
        for one in previous:
            signal.disconnect(getattr(one, method))
        signal.connect(getattr(receivers, method), weak=False)


_SIGNALS = {
    "before_task_publish": "sending",
    "task_prerun": "started",
    "task_failure": "failed",
    "task_postrun": "ended",
}


def _place(task: Any) -> marks.Place:
    code = getattr(getattr(task, "run", None), "__code__", None)
    return None if code is None else (code, marks.DEFINITION)


def _headers(task: Any) -> dict[str, Any]:
    """Our headers of the message that brought the task; a task that is run at once has none, and goes on as it is."""
    request = getattr(task, "request", None)
    found = getattr(request, _SENT, None)
    if not isinstance(found, dict):
        found = (getattr(request, "headers", None) or {}).get(_SENT)
    if isinstance(found, dict):
        return {name: found[name] for name in HEADERS if name in found}
    context = current()
    return {} if context is None else outgoing(sent(context))
