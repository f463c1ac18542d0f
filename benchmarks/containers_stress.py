"""Tries with threads what the contract table claims to be one step: `python benchmarks/containers_stress.py [seconds]`.

Every row that is atomic on the running interpreter gets a container of its own with 200 items. A row that changes it is
run again and again on fresh containers while two threads take snapshots: each must show the state before or after,
never one in between. A row that reads is run by two threads while a third empties and fills the container: each result
must be that of the empty or of the full one. Rows that are not atomic and are written in Python serve as the control:
the harness must catch some of them half done.
"""

from __future__ import annotations

import gc
import operator
import sys
import threading
import types
from array import array
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from time import perf_counter
from typing import Any

from msgspec import Struct

from raceway.model.kinds import Operation
from raceway.runtime.contracts import TABLE, Contract, KeyShape

SIZE = 200
LAST = SIZE - 1
FRESH = SIZE + 5
"""A key that is not there."""

Step = Callable[[Any], Any]

_LETTERS = bytes(97 + number % 26 for number in range(SIZE))
_PAIRS = {number: number for number in range(SIZE)}


class Kind(Struct, frozen=True):
    """How to handle containers of one type in one step each. `view` gives the object that the rows are about."""

    make: Callable[[], Any]
    fill: Step
    snapshot: Step
    empty: Step = operator.methodcaller("clear")
    view: Step = lambda base: base
    other: Any = None


def free_threaded() -> bool:
    """Whether this interpreter runs without the GIL."""
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


def _items(base: Any) -> list[Any]:
    return list(base.items())


def _copied(base: Any) -> list[Any]:
    # Without the GIL a deque cannot be copied in one step, but the copy fails when the deque changes.
    while True:
        try:
            return list(base.copy())
        except RuntimeError:
            if not free_threaded():
                raise


def _mapping(make: Callable[[], Any], view: Step = lambda base: base) -> Kind:
    other = {number: -number for number in range(SIZE // 2, 2 * SIZE)}
    return Kind(make=make, fill=lambda base: base.update(_PAIRS), snapshot=_items, view=view, other=other)


def _drain(base: Any) -> None:
    del base[:]


_NUMBERS = list(range(SIZE))
_ELEMENTS = set(_NUMBERS)
_OTHERS = set(range(SIZE // 2, 2 * SIZE))

KINDS: dict[str, Kind] = {
    "list": Kind(
        make=_NUMBERS.copy, fill=lambda base: base.extend(_NUMBERS), snapshot=list, other=list(range(0, SIZE, 2))
    ),
    "dict": _mapping(_PAIRS.copy),
    "collections.OrderedDict": _mapping(lambda: OrderedDict(_PAIRS)),
    "collections.defaultdict": _mapping(lambda: defaultdict(int, _PAIRS)),
    "collections.Counter": _mapping(lambda: Counter(_PAIRS)),
    "collections.ChainMap": Kind(
        make=lambda: ChainMap(_PAIRS.copy()),
        fill=lambda base: base.maps[0].update(_PAIRS),
        snapshot=lambda base: _items(base.maps[0]),
        other=dict.fromkeys(range(2 * SIZE), -1),
    ),
    "set": Kind(make=_ELEMENTS.copy, fill=lambda base: base.update(_ELEMENTS), snapshot=frozenset, other=_OTHERS),
    "frozenset": Kind(
        make=lambda: frozenset(_ELEMENTS), fill=len, empty=len, snapshot=frozenset, other=frozenset(_OTHERS)
    ),
    "collections.deque": Kind(
        make=lambda: deque(_NUMBERS),
        fill=lambda base: base.extend(_NUMBERS),
        snapshot=_copied,
        other=deque(range(0, SIZE, 2)),
    ),
    "bytearray": Kind(
        make=lambda: bytearray(_LETTERS),
        fill=lambda base: base.extend(_LETTERS),
        empty=_drain,
        snapshot=bytes,
        other=bytearray(_LETTERS[7:90]),
    ),
    "array.array": Kind(
        make=lambda: array("b", _LETTERS),
        fill=lambda base: base.frombytes(_LETTERS),
        empty=_drain,
        snapshot=operator.methodcaller("tobytes"),
        other=array("b", _LETTERS[7:90]),
    ),
    "dict_keys": _mapping(_PAIRS.copy, dict.keys),
    "dict_items": _mapping(_PAIRS.copy, dict.items),
    "dict_values": _mapping(_PAIRS.copy, dict.values),
    "odict_keys": _mapping(lambda: OrderedDict(_PAIRS), OrderedDict.keys),
    "odict_items": _mapping(lambda: OrderedDict(_PAIRS), OrderedDict.items),
    "odict_values": _mapping(lambda: OrderedDict(_PAIRS), OrderedDict.values),
    "mappingproxy": _mapping(_PAIRS.copy, types.MappingProxyType),
}

_NO_ARGUMENTS = (
    "pop popitem popleft clear copy __copy__ reverse sort keys values items __len__ __iter__ __reversed__ __repr__ "
    "__str__ __bool__ elements most_common total __pos__ __neg__ byteswap buffer_info tolist tobytes tounicode "
    "capitalize decode expandtabs hex isalnum isalpha isascii isdigit islower isspace istitle isupper lower lstrip "
    "rsplit rstrip split splitlines strip swapcase title upper"
)
_ONE_KEY = (
    "__getitem__ __delitem__ get setdefault move_to_end remove discard index count __contains__ append appendleft add"
)
_ONE_PART = "find rfind rindex partition rpartition startswith endswith removeprefix removesuffix"

_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(_NO_ARGUMENTS.split(), ()),
    **dict.fromkeys(_ONE_KEY.split(), (LAST,)),
    **dict.fromkeys(_ONE_PART.split(), (_LETTERS[-9:],)),
    **dict.fromkeys(("__mul__", "__rmul__", "__imul__"), (3,)),
    **dict.fromkeys(("center", "ljust", "rjust", "zfill"), (300,)),
    "__setitem__": (LAST, 7),
    "insert": (0, 7),
    "rotate": (9,),
    "add": (FRESH,),
    "__missing__": (FRESH,),
    "fromlist": ([1, 2, 3],),
    "frombytes": (_LETTERS,),
    "fromunicode": ("abc",),
    "__deepcopy__": ({},),
    "replace": (b"c", b"--"),
    "translate": (bytes(256),),
    "join": ([b"one", b"two"],),
    "__mod__": ((),),
    "resize": (9,),
    "__buffer__": (0,),
}

_SPECIAL: dict[tuple[str, str], tuple[Any, ...]] = {
    ("dict", "pop"): (LAST,),
    ("collections.OrderedDict", "pop"): (LAST,),
    ("collections.ChainMap", "pop"): (LAST,),
    ("collections.defaultdict", "__getitem__"): (FRESH,),
    **{(name, "setdefault"): (FRESH, 1) for name in ("dict", "collections.OrderedDict", "collections.ChainMap")},
    **{
        (name, method): (_LETTERS[-1],)
        for name in ("bytearray", "array.array")
        for method in ("remove", "index", "count")
    },
    **{(name, method): (7,) for name in ("bytearray", "array.array") for method in ("append",)},
}


class Result(Struct, frozen=True):
    """What the stress of one row saw: how often it ran, how many looks at it there were, the first one half done."""

    row: Contract
    runs: int
    looks: int
    torn: int
    example: str = ""


def action(row: Contract) -> Step | None:
    """The row's operation on a container, None where this interpreter has no such method."""
    kind = KINDS[row.container]
    if row.shape is KeyShape.SLICE:
        arguments: tuple[Any, ...] = (slice(10, 150), *([kind.other[:20]] if row.name == "__setitem__" else []))
    elif row.shape is KeyShape.NEGATIVE:
        arguments = (-1, *([7] if row.name == "__setitem__" else []))
    else:
        default = _ARGUMENTS.get(row.name, (kind.other,))
        arguments = _SPECIAL.get((row.container, row.name), default)
    if row.name == "__contains__":
        return lambda container: operator.contains(container, *arguments)
    method = getattr(type(kind.view(kind.make())), row.name, None)
    return None if method is None else lambda container: method(container, *arguments)


def mutates(row: Contract) -> bool:
    """Whether the row changes its container."""
    return any(effect.operation.mutates for effect in row.effects)


def outcome(step: Step, container: Any) -> Any:
    """The result of a step, an exception as its type."""
    try:
        return step(container)
    except Exception as error:  # the empty container has no items: that is an outcome like any other
        return type(error)


def stress(row: Contract, seconds: float, runs: int = 1_000_000) -> Result | None:
    """Run the row against other threads for so long or so many times; None where there is nothing to run."""
    step = action(row)
    if step is None:
        return None
    return _stress_change(row, step, seconds, runs) if mutates(row) else _stress_read(row, step, seconds, runs)


def _stress_change(row: Contract, step: Step, seconds: float, runs: int) -> Result:
    kind = KINDS[row.container]
    base = kind.make()
    allowed = [kind.snapshot(base)]
    outcome(step, kind.view(base))
    allowed.append(kind.snapshot(base))
    shared = [kind.make()]

    def once() -> None:
        shared[0] = base = kind.make()
        outcome(step, kind.view(base))

    return together(row, once, lambda: kind.snapshot(shared[0]), allowed, seconds, runs)


def _stress_read(row: Contract, step: Step, seconds: float, runs: int) -> Result:
    kind = KINDS[row.container]
    base = kind.make()
    allowed = [outcome(step, kind.view(base))]
    kind.empty(base)
    allowed.append(outcome(step, kind.view(base)))
    kind.fill(base)
    view = kind.view(base)

    def once() -> None:
        kind.empty(base)
        kind.fill(base)

    return together(row, once, lambda: outcome(step, view), allowed, seconds, runs)


def together(
    row: Contract, once: Callable[[], None], look: Callable[[], Any], allowed: list[Any], seconds: float, runs: int
) -> Result:
    """One thread does, two look, at the same time; every look must be one of the allowed."""
    stop = threading.Event()
    looks, torn = [0, 0], []
    started = threading.Barrier(3)

    def watch(index: int) -> None:
        started.wait()
        while not stop.is_set():
            seen = outcome(lambda _: look(), None)
            looks[index] += 1
            if seen not in allowed:
                torn.append(seen)

    watchers = [threading.Thread(target=watch, args=(index,)) for index in range(2)]
    for watcher in watchers:
        watcher.start()
    collects = gc.isenabled()
    gc.disable()  # a collection may begin at any allocation, and runs code of Python that others have registered for it
    started.wait()
    done, end = 0, perf_counter() + seconds
    try:
        while done < runs and perf_counter() < end:
            once()
            done += 1
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()
        if collects:
            gc.enable()
    return Result(row, done, sum(looks), len(torn), repr(torn[0])[:60] if torn else "")


def claimed(row: Contract) -> bool:
    """Whether the table says that the row is one step on this interpreter, and that can be tried."""
    if row.name == "__buffer__":  # its result would keep the container from changing
        return False
    if free_threaded():
        walks = any(effect.operation is Operation.ITERATE for effect in row.effects)
        return row.atomic_free_threaded and (walks or mutates(row))
    return row.atomic_gil


def controls() -> list[Contract]:
    """Rows that change their container in several steps: the harness must be able to see that."""
    if free_threaded():
        return []
    return [row for row in TABLE if not row.atomic_gil and mutates(row) and row.container.startswith("collections")]


def main(seconds: float) -> int:
    """Try all rows within about so many seconds; 1 when a claim is wrong or the harness saw nothing at all."""
    claims = [row for row in TABLE if claimed(row)]
    each = seconds / (len(claims) + len(controls()))
    switch_interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        held = [result for row in claims if (result := stress(row, each)) is not None]
        caught = [result for row in controls() if (result := stress(row, each)) is not None]
    finally:
        sys.setswitchinterval(switch_interval)
    print(f"{sys.version.split()[0]}, {'no GIL' if free_threaded() else 'GIL'}")
    for result in [*held, *caught]:
        row, claim = result.row, "one step" if claimed(result.row) else "control"
        name = f"{row.container}.{row.name}" + ("" if row.shape is KeyShape.KEY else f" {row.shape.value}")
        print(f"{name:42} {claim:9} {result.runs:7} runs {result.looks:7} looks {result.torn:6} torn {result.example}")
    wrong = [result for result in held if result.torn]
    seen = sum(result.torn > 0 for result in caught)
    print(f"{len(held)} rows tried, {len(wrong)} not in one step; control: {seen} of {len(caught)} caught half done")
    return int(bool(wrong) or (bool(caught) and not seen))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 15))
