"""Which serial stands for which object: what sync models know of objects that are not theirs, while these live.

Simple model: a dictionary from object to serial. An object may define equality and hashing as it likes and must die
when it would have, so the dictionary is keyed by address and each entry goes with a weak reference's callback. No lock
is taken: a callback or a `__del__` may run in the middle of any of this, in the same thread.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable

from raceway.model.typing import Any, ClassVar, Generic, Protocol, TypeVar
from raceway.runtime import active
from raceway.runtime.contract import Recorder

Value = TypeVar("Value")
Key = TypeVar("Key", bound=Hashable)

KEPT = 4096
"""What has no life of its own that could be followed is remembered for so many at most: the oldest are forgotten."""


class _Clearable(Protocol):
    def clear(self) -> None: ...


Memory = TypeVar("Memory", bound=_Clearable)

_of_runs: list[_Clearable] = []


def of_run(memory: Memory) -> Memory:
    """Have `memory`, which belongs to a module for good, emptied when the models are taken out."""
    _of_runs.append(memory)
    return memory


def forget_run() -> None:
    """Empty all that models remember of a run."""
    for memory in _of_runs:
        memory.clear()


class Serial:
    """A synchronisation object as the recorder knows it: the recorder is told when its last holder lets go of it."""

    __slots__ = ("file", "kind", "line", "number", "run")

    runs: ClassVar[int] = 0
    """Counts installs: a number of an earlier run means nothing to this run's recorder."""

    _current = staticmethod(active.recorder)

    def __init__(self, recorder: Recorder, kind: str, file: str = "", line: int = 0) -> None:
        self.kind = kind
        self.file = file
        self.line = line
        self.run = Serial.runs
        self.number = recorder.new_sync(kind, file, line)

    def __del__(self) -> None:
        try:
            recorder = self._current()
            if recorder is not None and self.run == self.runs:
                recorder.retire_sync(self.number)
        except Exception:  # a half-made one, which nobody was told of, or the interpreter goes down: nothing is lost,
            pass  # and what a finalizer raises is printed into the program's standard error

    def renewed(self, recorder: Recorder) -> Serial:
        """This one, or its like for the run that is on now."""
        return self if self.run == Serial.runs else Serial(recorder, self.kind, self.file, self.line)


class _Reference(weakref.ref[Any]):
    __slots__ = ("entries", "key")

    entries: dict[int, tuple[_Reference, Any]]
    key: int


def _forget(reference: _Reference) -> None:
    entry = reference.entries.get(reference.key)
    if entry is not None and entry[0] is reference:
        reference.entries.pop(reference.key, None)


class Table(Generic[Value]):
    """A value per live object, by identity. The object needs to allow weak references."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[_Reference, Value]] = {}

    def get(self, owner: object) -> Value | None:
        """The value of `owner`, None when it has none."""
        entry = self._entries.get(id(owner))
        return entry[1] if entry is not None and entry[0]() is owner else None

    def put(self, owner: object, value: Value) -> None:
        """Give `owner` a value."""
        self._entries[id(owner)] = self._entry(owner, value)

    def of(self, owner: object, make: Callable[[], Value]) -> Value:
        """The value of `owner`, made now if there is none: one for all threads that ask at the same time."""
        found = self._entries.get(id(owner))
        if found is not None and found[0]() is owner:
            return found[1]
        entry = self._entry(owner, make())
        found = self._entries.setdefault(id(owner), entry)
        if found[0]() is not owner:  # a dead one at the same address whose callback is still to come
            found = self._entries[id(owner)] = entry
        return found[1]

    def drop(self, owner: object) -> None:
        """Forget `owner`."""
        self._entries.pop(id(owner), None)

    def values(self) -> list[Value]:
        """All values."""
        return [entry[1] for entry in list(self._entries.values())]

    def clear(self) -> None:
        """Forget all objects."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def _entry(self, owner: object, value: Value) -> tuple[_Reference, Value]:
        reference = _Reference(owner, _forget)
        reference.entries = self._entries
        reference.key = id(owner)
        return reference, value


class Kept(dict[Key, Value]):
    """A dictionary of at most KEPT values, by keys that stand for something outside: an inode, a port, a number."""

    def keep(self, key: Key, value: Value) -> Value:
        """The value of `key`: this one, unless another thread was faster."""
        found = self.setdefault(key, value)
        while len(self) > KEPT:
            self.pop(next(iter(self)), None)
        return found


class Serials(Table[Serial]):
    """A table of serials of one kind."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def serial(self, recorder: Recorder, owner: object) -> Serial:
        """The serial of `owner`."""
        return self.of(owner, lambda: Serial(recorder, self._kind))

    def number(self, recorder: Recorder, owner: object) -> int:
        """The serial number of `owner`."""
        return self.serial(recorder, owner).number
