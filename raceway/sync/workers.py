"""Workers that take jobs from one queue: whether another one could have done what one of them did.

In a short run one worker often takes all that there is, and what it does in two jobs is in order. `detector.jobs` tells
such races apart; here it is judged whether they are any: another thread must run that was given the same work, so that
it takes from the same queue, and what the two jobs touched must not be the worker's own. That it is not is shown by a
way to it that leads the other worker to the same object: from what both were given, over attributes, classes, closures,
defaults, and the names that functions use of their modules. What lies in a container may be the worker's own, found by
its number or its name, unless other jobs touched others of its kind; and so may an item, unless its key stands in the
source or other jobs had other keys.

No code of the program is called: instances are read by their own dictionaries and slots. Nothing is kept.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from types import (
    CellType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)

from raceway.model.kinds import LocationKind
from raceway.model.races import Doubt
from raceway.model.typing import Any
from raceway.originals import get_ident
from raceway.runtime.contract import Recorder
from raceway.sync import threads

DEPTH = 6
"""So many steps lead from what all workers are given to what is theirs in common."""

MOST = 4096
"""Objects that are looked at."""

_SCALARS = frozenset({int, float, str, bytes, bool, type(None)})
_CONTAINERS = frozenset({dict, list, tuple, set, frozenset, deque})
_OWN = (threading.Thread, threading.local, ModuleType)
"""What leads to other things in each thread, or to too many."""


class Work:
    """What a thread was given to do: a function, and what it is called with. `scalars` are the numbers and texts among
    that, which may be another worker's others."""

    def __init__(self, function: FunctionType, given: list[object], scalars: list[object]) -> None:
        self.function = function
        self.given = given
        self.scalars = scalars

    def is_like(self, other: Work) -> bool:
        """Whether the other one does the same to the same objects."""
        return (
            self.function is other.function
            and len(self.given) == len(other.given)
            and all(mine is theirs for mine, theirs in zip(self.given, other.given, strict=True))
            and [type(scalar) for scalar in self.scalars] == [type(scalar) for scalar in other.scalars]
        )


def judge(recorder: Recorder, queue: object) -> None:
    """The calling thread has taken its next job from `queue`: judge what is in doubt of its jobs before."""
    doubts = [Doubt(*row) for row in recorder.jobs.doubts()]
    here = threading._active.get(get_ident()) if doubts else None  # type: ignore[attr-defined]
    work = None if here is None else work_of(here)
    if work is None:
        return
    other = _alike(here, work)
    if other is None:
        return
    actor = threads.actors.get(other)
    ways = Ways(work)
    if actor is None or not ways.lead_to(queue):
        return
    common = {recorder.jobs.serial_of(found) for found in ways.common}
    inside = {recorder.jobs.serial_of(found) for found in ways.inside}
    for doubt in doubts:
        several = len(doubt.serials) > 1 and inside.union(common).issuperset(doubt.serials)
        known = 0 not in doubt.serials and (several or common.issuperset(doubt.serials))
        if (doubt.kind == LocationKind.GLOBAL or known) and _is_anyones(doubt, work):
            recorder.jobs.judge(doubt.number, actor)


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
    elif type(target) is MethodType:
        given.append(target.__self__)
        target = target.__func__
    for argument in arguments:
        (scalars if type(argument) in _SCALARS else given).append(argument)
    return Work(target, given, scalars) if type(target) is FunctionType else None


def _of_thread() -> frozenset[str]:
    """Names of what every thread has."""
    return frozenset(vars(threading.Thread()))


def _alike(here: Any, work: Work) -> Any:
    """Another thread that runs and was given the same work."""
    for thread in list(threading._active.values()):  # type: ignore[attr-defined]
        if thread is not here and type(thread) is type(here):
            other = work_of(thread)
            if other is not None and work.is_like(other):
                return thread
    return None


def _is_anyones(doubt: Doubt, work: Work) -> bool:
    """Whether the place within its object is not one that each worker has for itself."""
    if doubt.kind != LocationKind.ITEM:
        return True
    if len(doubt.keys) == 1:
        return any(_stands_in(doubt.keys[0], code) for code in doubt.codes)
    own = {str(scalar) for scalar in work.scalars if scalar is not None}
    return bool(doubt.keys) and not any(text in str(key) for key in doubt.keys for text in own)


def _stands_in(key: object, code: CodeType) -> bool:
    """Whether a text is written in the source. A number that is written there says little."""
    return type(key) is str and any(type(text) is str and text == key for text in code.co_consts)


class Ways:
    """What any worker with this work comes to in the same way: what is `common`, and what lies `inside` containers that
    are, where each may find its own."""

    def __init__(self, work: Work) -> None:
        self.common: list[object] = []
        self.inside: list[object] = []
        self._seen: set[int] = set()
        self._walk([work.function, *work.given], self.common)
        items: list[object] = []
        for found in self.common:
            items.extend(_items(found))
        self._walk(items, self.inside)

    def lead_to(self, target: object) -> bool:
        """Whether the object is common to all workers."""
        return any(found is target for found in self.common)

    def _walk(self, level: list[object], found: list[object]) -> None:
        for _step in range(DEPTH):
            further: list[object] = []
            for one in level:
                if id(one) not in self._seen and type(one) not in _SCALARS and len(self._seen) < MOST:
                    self._seen.add(id(one))
                    found.append(one)
                    further.extend(_next(one))
            level = further


def _next(found: Any) -> Iterable[object]:
    """What an object leads to, but for what it contains."""
    cls = type(found)
    if cls is FunctionType:
        kept = (*(found.__closure__ or ()), *(found.__defaults__ or ()), *(found.__kwdefaults__ or {}).values())
        return (*kept, *_named(found.__code__, found.__globals__))
    if cls is MethodType:
        return (found.__self__, found.__func__)
    if cls is CellType:
        return _contents(found)
    if issubclass(cls, type):
        return tuple(type.__dict__["__dict__"].__get__(found).values())
    return () if issubclass(cls, _OWN) else tuple(_fields(found, cls))


def _named(code: CodeType, space: dict[str, object]) -> Iterator[object]:
    """What code knows by the names of its module, and what it names in modules that it knows."""
    for name in code.co_names:
        if name in space:
            known = space[name]
            yield known
            if type(known) is ModuleType:
                within = vars(known)
                yield from [within[one] for one in code.co_names if one in within]
    for constant in code.co_consts:
        if type(constant) is CodeType:
            yield from _named(constant, space)


def _items(found: Any) -> Iterable[object]:
    """What a built-in container has in it."""
    if type(found) not in _CONTAINERS or len(found) > MOST:
        return ()
    return tuple(found.values()) if type(found) is dict else tuple(found)


def _contents(cell: CellType) -> tuple[object, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # empty
        return ()


def _fields(found: object, cls: type) -> Iterator[object]:
    """The values of an instance's attributes."""
    yield cls
    for base in cls.__mro__:
        for name, member in type.__dict__["__dict__"].__get__(base).items():
            if type(member) is MemberDescriptorType and base.__flags__ & _HEAP:
                try:
                    yield member.__get__(found)
                except AttributeError:
                    continue
            elif name == "__dict__" and type(member) is GetSetDescriptorType:
                yield from tuple(member.__get__(found).values())


_HEAP = 1 << 9
"""Flag of types that are made at run time: the members of others are not the program's."""
