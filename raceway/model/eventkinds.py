"""What an event tells: the thirteen kinds of the wire protocol, field by field. Serves the pipeline and the client.

Names, types and presence of fields are those of `docs/events.md`. A field without a default is always on the wire; one
with a default is left out while it has it. `Any` is any JSON value, made by `raceway.model.values.snapshot`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

U16 = Annotated[int, msgspec.Meta(ge=0, le=2**16 - 1)]
U32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
# The bound of u64 itself cannot be written here: msgspec takes signed ones, and reads larger numbers all the same.
U64 = Annotated[int, msgspec.Meta(ge=0)]
UUID = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
"""Lower case, hyphenated."""

AccessType = Literal["Read", "Write", "AtomicRead", "AtomicWrite", "AtomicRMW"]
Ordering = Literal["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"]


class _Kind(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of the kinds. What they hold is JSON, which has no cycles to collect."""


class FunctionCall(_Kind, frozen=True):
    """A function was called, or returned when its name ends in `:return` or `:error`."""

    function_name: str
    module: str
    args: Any
    file: str
    line: U32


class AsyncSpawn(_Kind, frozen=True):
    """A flow of control was started: a task, a thread, a job."""

    task_id: UUID
    spawned_by: str


class AsyncAwait(_Kind, frozen=True):
    """A flow of control was waited for."""

    future_id: UUID
    awaited_at: str


class StateChange(_Kind, frozen=True):
    """A variable was accessed. `location` is `file:line`."""

    variable: str
    new_value: Any
    location: str
    access_type: AccessType
    old_value: Any = None


class LockAcquire(_Kind, frozen=True):
    """A lock was taken."""

    lock_id: str
    lock_type: str
    location: str


class LockRelease(_Kind, frozen=True):
    """A lock was freed."""

    lock_id: str
    lock_type: str
    location: str


class MemoryFence(_Kind, frozen=True):
    """What came before is handed over (`Release`) or taken over (`Acquire`) without a lock."""

    ordering: Ordering
    location: str


class HttpRequest(_Kind, frozen=True):
    """A request was received or made."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any = None


class HttpResponse(_Kind, frozen=True):
    """A request was answered; `duration_ms` are whole milliseconds."""

    status: U16
    headers: dict[str, str]
    duration_ms: U64
    body: Any = None


class DatabaseQuery(_Kind, frozen=True):
    """A query was run; `duration_ms` are whole milliseconds."""

    query: str
    database: str
    duration_ms: U64


class DatabaseResult(_Kind, frozen=True):
    """A query changed so many rows."""

    rows_affected: U64


class Error(_Kind, frozen=True):
    """Something failed."""

    error_type: str
    message: str
    stack_trace: tuple[str, ...]


class Custom(_Kind, frozen=True):
    """Anything else."""

    name: str
    data: Any
