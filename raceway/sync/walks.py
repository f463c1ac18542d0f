"""Walks of tasks: `for item in self.items: await send(item)`. A task that is suspended in such a loop walks on later;
one that has left the loop, by its end, `break`, `return` or an exception, and is suspended elsewhere does not.

Told from where the coroutines stand that wait for each other when the task is suspended. Asynchronous generators, and
what is driven by objects that do not tell what they wait for, may be in a loop without being seen there.
"""

from __future__ import annotations

import dis
import gc
import inspect
from collections.abc import Sequence
from itertools import dropwhile
from types import AsyncGeneratorType, CodeType, CoroutineType, GeneratorType

from raceway.model.typing import Any
from raceway.runtime.contract import Walk
from raceway.sync.wrappers import Failures

_FUTURE = "FutureIter"
"""The type of what waits for a future, where futures are in C: the end of the chain."""

_PREPARING = frozenset({"GET_ITER", "LOAD_FAST_AND_CLEAR", "SWAP", "BUILD_LIST", "BUILD_SET", "BUILD_MAP"})
"""What stands between the operand of a comprehension and its loop."""

_GENERATORS = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR

_ITERATORS = frozenset(
    "list_iterator list_reverseiterator set_iterator dict_keyiterator dict_valueiterator dict_itemiterator "
    "dict_reversekeyiterator dict_reversevalueiterator dict_reverseitemiterator odict_iterator _deque_iterator "
    "_deque_reverse_iterator bytearray_iterator arrayiterator enumerate zip map filter".split()
)
"""Types of what walks over a container, by itself or for another one."""

_loops: dict[tuple[CodeType, int], tuple[int, int] | None] = {}
_LIMIT = 1024


def going_on(coroutine: object, walks: Sequence[Walk]) -> list[int]:
    """The sites of those of the walks that a suspended task is in, once for each that is, as far as can be told.
    `coroutine` is the task's outermost one."""
    try:
        if len(walks) == 1 and walks[0][3] and _is_still_at(coroutine, walks[0]):
            return [walks[0][0]]
        places, seen = _chain(coroutine)
        begun: dict[int, list[Walk]] = {}
        for walk in walks:
            begun.setdefault(walk[0], []).append(walk)
        return [site for site, alike in begun.items() for _ in range(_count(alike, places, seen))]
    except Exception:  # the boundary between the program and us
        Failures.count += 1
        return [walk[0] for walk in walks if not walk[3]]


def _is_still_at(awaited: Any, walk: Walk) -> bool:
    """Whether a task that was suspended in a walk is there again, as it mostly is; if not that is to be looked into."""
    _site, code, begun, _again = walk
    loop = _loop(code, begun)
    while loop is not None and type(awaited) is CoroutineType:
        frame = awaited.cr_frame
        if frame is not None and frame.f_code is code:
            return loop[0] <= frame.f_lasti < loop[1] and _holds_iterator(awaited)
        awaited = awaited.cr_await
    return False


def _holds_iterator(coroutine: object) -> bool:
    return any(type(held).__name__ in _ITERATORS for held in gc.get_referents(coroutine))


_Place = tuple[CodeType, int, object]


def _count(alike: Sequence[Walk], places: list[_Place], seen: bool) -> int:
    """In how many loops the task is, of walks begun at one site; where that cannot be told, as many as it has begun
    since it went on: at its next suspension they count as over."""
    _site, code, begun, _again = alike[0]
    loop, running = _loop(code, begun), [place for place in places if place[0] is code]
    if loop is None or not (running or seen) or code.co_flags & _GENERATORS:
        return sum(not again for _site, _code, _begun, again in alike)
    inside = [place[2] for place in running if loop[0] <= place[1] < loop[1]]
    if all(again for _site, _code, _begun, again in alike):  # it may walk over something else by now, as over a tuple
        return sum(map(_holds_iterator, inside))
    return len(inside)


def _chain(awaited: Any) -> tuple[list[_Place], bool]:
    """Where the coroutines stand that wait for each other, outermost first, and whether those are all."""
    places: list[_Place] = []
    while awaited is not None:
        by = awaited
        if isinstance(awaited, CoroutineType):
            frame, awaited = awaited.cr_frame, awaited.cr_await
        elif isinstance(awaited, GeneratorType):
            frame, awaited = awaited.gi_frame, awaited.gi_yieldfrom
        elif isinstance(awaited, AsyncGeneratorType):
            frame, awaited = awaited.ag_frame, awaited.ag_await
        else:
            return places, type(awaited).__name__ == _FUTURE
        if frame is not None:
            places.append((frame.f_code, frame.f_lasti, by))
    return places, True


def _loop(code: CodeType, offset: int) -> tuple[int, int] | None:
    """Where the loop begins and ends whose operand is evaluated at `offset`; None if that is no loop of this code."""
    if (code, offset) not in _loops:
        if len(_loops) >= _LIMIT:
            _loops.clear()
        _loops[code, offset] = _find_loop(code, offset)
    return _loops[code, offset]


def _find_loop(code: CodeType, offset: int) -> tuple[int, int] | None:
    """Up to 3.11 a comprehension is a function of its own, which is called with the iterator and awaited. In 3.13 later
    releases ask the iterator for one again."""
    steps = (instruction for instruction in dis.get_instructions(code) if instruction.offset > offset)
    iterates = next((step for step in steps if step.opname == "GET_ITER"), None)
    rest = dropwhile(lambda step: step.opname in _PREPARING, steps)
    entered = next((step for step in rest if step.opname in ("FOR_ITER", "SEND", "GET_ITER", "GET_AITER")), None)
    if iterates is None or entered is None or entered.opname not in ("FOR_ITER", "SEND"):
        return None
    return entered.offset, int(entered.argval)
