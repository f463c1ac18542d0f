"""What threads were given to do, and what was found in doubt of a worker while nobody else was there to do the same.

In a short run the first worker is over before the next one is started. What it did is judged when that begins: see
`workers`. Until then nothing is kept alive: what the first one was given is known by weak references, and what allows
none by its address, as long as the recorder knows it to be the same.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from collections.abc import Iterable
from types import FunctionType, MethodType

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync import threads
from raceway.sync.serials import of_run
from raceway.sync.ways import SCALARS

MOST = 64
"""Works that are remembered until somebody else begins them."""


class Work:
    """What a thread of the class `kind` was given to do: a function, and what it is called with. `scalars` are the
    numbers and texts among that, which may be another worker's others."""

    def __init__(self, kind: type, function: FunctionType, given: list[object], scalars: list[object]) -> None:
        self.kind = kind
        self.function = function
        self.given = given
        self.scalars = scalars

    def is_like(self, other: Work) -> bool:
        """Whether the other one does the same to the same objects."""
        return (
            self.kind is other.kind
            and self.function is other.function
            and len(self.given) == len(other.given)
            and all(mine is theirs for mine, theirs in zip(self.given, other.given, strict=True))
            and [type(scalar) for scalar in self.scalars] == [type(scalar) for scalar in other.scalars]
        )


def work_of(thread: Any) -> Work | None:
    """What a thread that runs was given; None when that cannot be told."""
    known = vars(thread)
    target = known.get("_target")
    given: list[object] = []
    scalars: list[object] = []
    arguments: Iterable[object] = (*(known.get("_args") or ()), *(known.get("_kwargs") or {}).values())
    if target is None:
        target = getattr(type(thread), "run", None)
        arguments = [value for name, value in known.items() if name not in _of_thread()]
    if type(target) is functools.partial:
        arguments = (*target.args, *arguments, *target.keywords.values())
        target = target.func
    if type(target) is MethodType:
        given.append(target.__self__)
        target = target.__func__
    for argument in arguments:
        (scalars if type(argument) in SCALARS else given).append(argument)
    return Work(type(thread), target, given, scalars) if type(target) is FunctionType else None


def _of_thread() -> frozenset[str]:
    """Names of what every thread has."""
    return frozenset(vars(threading.Thread()))


class _Object:
    """An object that is not kept alive."""

    def __init__(self, recorder: Recorder, known: object) -> None:
        self._address = id(known)
        self._serial = recorder.jobs.serial_of(known)
        self._reference: Any = None
        with contextlib.suppress(TypeError):
            self._reference = weakref.ref(known)

    def is_same(self, recorder: Recorder, other: object) -> bool:
        """Whether it is that."""
        if self._reference is not None:
            return self._reference() is other
        return self._address == id(other) and self._serial == recorder.jobs.serial_of(other)


class _Remembered:
    """A work that somebody did, and the numbers of what is in doubt of that."""

    def __init__(self, recorder: Recorder, work: Work) -> None:
        self.kind = work.kind
        self.objects = [_Object(recorder, one) for one in (work.function, *work.given)]
        self.scalars = [type(scalar) for scalar in work.scalars]
        self.doubts: list[int] = []

    def is_like(self, recorder: Recorder, work: Work) -> bool:
        """Whether this is the same to the same objects."""
        others = (work.function, *work.given)
        return (
            self.kind is work.kind
            and self.scalars == [type(scalar) for scalar in work.scalars]
            and len(self.objects) == len(others)
            and all(one.is_same(recorder, other) for one, other in zip(self.objects, others, strict=True))
        )


class Awaited:
    """What is judged when another worker begins."""

    def __init__(self) -> None:
        self._works: list[_Remembered] = []

    def keep(self, recorder: Recorder, work: Work, doubts: list[int]) -> None:
        """These are races if somebody else begins this work who does not know that it was done."""
        known = next((one for one in self._works if one.is_like(recorder, work)), None)
        if known is None and doubts:
            known = _Remembered(recorder, work)
            self._works = [*self._works[1 - MOST :], known]
        if known is not None:
            known.doubts = list({*known.doubts, *doubts})

    def begun(self, recorder: Recorder, actor: int) -> None:
        """The calling thread begins, and is this actor."""
        if not self._works:
            return
        starting = list(threading._limbo.values())  # type: ignore[attr-defined]
        thread = next((one for one in starting if threads.actors.get(one) == actor), None)
        work = None if thread is None else work_of(thread)
        for known in [] if work is None else self._works:
            if work is not None and known.is_like(recorder, work):
                for doubt in known.doubts:
                    recorder.jobs.judge(doubt, actor)

    def clear(self) -> None:
        """Forget all."""
        self._works.clear()


awaited = of_run(Awaited())
threads.at_start.append(awaited.begun)
