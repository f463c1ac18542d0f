"""What built-in functions and syntax do to the containers they are given. Serves the recorder."""

from __future__ import annotations

import builtins
import collections
from types import BuiltinFunctionType

from raceway.model.kinds import Operation
from raceway.runtime.contracts.terms import CallContract

_ITERATE = Operation.ITERATE
_LOOK = Operation.READ
"""Over all of it, in one step."""
_CHANGE = Operation.STRUCTURAL_CHANGE

_EACH = "one C call on GIL builds, if the items are of built-in types; item by item without the GIL"
_LAZY = "walked after the call, item by item"
_HEAP = "no lock on free-threaded builds"

_WALKERS = (
    CallContract(name="list", operation=_LOOK, whole_free_threaded=True),
    CallContract(name="dict", operation=_LOOK, whole_free_threaded=True),
    CallContract(name="sorted", operation=_LOOK, whole_free_threaded=True, note="copies first, then compares"),
    CallContract(name="str.join", operation=_ITERATE, whole_free_threaded=True),
    CallContract(name="repr", operation=_LOOK, whole_free_threaded=True),
    CallContract(name="ascii", operation=_LOOK, whole_free_threaded=True),
    CallContract(name="format", operation=_LOOK, whole_free_threaded=True),
    CallContract(name="str", operation=_LOOK, alone=True, whole_free_threaded=True),
    CallContract(name="print", operation=_LOOK, rest=True, whole_free_threaded=True),
    CallContract(name="tuple", operation=_ITERATE, note="without the GIL one step for a list only"),
    CallContract(name="set", operation=_ITERATE, note="without the GIL one step for a set or dict only"),
    CallContract(name="frozenset", operation=_ITERATE, note="without the GIL one step for a set or dict only"),
    CallContract(name="bytes", operation=_ITERATE, note=_EACH),
    CallContract(name="bytearray", operation=_ITERATE, note=_EACH),
    CallContract(name="bytes.join", operation=_ITERATE, note=_EACH),
    CallContract(name="sum", operation=_ITERATE, note=_EACH),
    CallContract(name="any", operation=_ITERATE, note=_EACH),
    CallContract(name="all", operation=_ITERATE, note=_EACH),
    CallContract(name="min", operation=_ITERATE, alone=True, calls="key", note=_EACH),
    CallContract(name="max", operation=_ITERATE, alone=True, calls="key", note=_EACH),
    CallContract(name="collections.deque", operation=_ITERATE, note=_EACH),
    CallContract(name="collections.OrderedDict", operation=_ITERATE, note="without the GIL one step for a dict only"),
    CallContract(name="collections.defaultdict", operation=_ITERATE, first=1, whole_free_threaded=True),
    CallContract(name="collections.Counter", operation=_ITERATE, whole_gil=False, note="in Python"),
    CallContract(name="functools.reduce", operation=_ITERATE, first=1, calls="function", note=_EACH),
)
_ITERATORS = (
    CallContract(name="iter", operation=_ITERATE, alone=True, whole_gil=False, note=_LAZY),
    CallContract(name="reversed", operation=_ITERATE, whole_gil=False, note=_LAZY),
    CallContract(name="enumerate", operation=_ITERATE, whole_gil=False, note=_LAZY),
    CallContract(name="zip", operation=_ITERATE, rest=True, whole_gil=False, note=_LAZY),
    CallContract(name="map", operation=_ITERATE, first=1, rest=True, whole_gil=False, calls="function", note=_LAZY),
    CallContract(name="filter", operation=_ITERATE, first=1, whole_gil=False, calls="function", note=_LAZY),
)
_SIZES = (
    CallContract(name="len", operation=Operation.READ, whole_free_threaded=True),
    CallContract(name="bool", operation=Operation.READ, whole_free_threaded=True),
)
_ALGORITHMS = (
    CallContract(name="heapq.heappush", operation=_CHANGE, note=_HEAP),
    CallContract(name="heapq.heappop", operation=_CHANGE, note=_HEAP),
    CallContract(name="heapq.heapify", operation=_CHANGE, note=_HEAP),
    CallContract(name="heapq.heapreplace", operation=_CHANGE, note=_HEAP),
    CallContract(name="heapq.heappushpop", operation=_CHANGE, note=_HEAP),
    CallContract(name="bisect.bisect_left", operation=_ITERATE, calls="key", note=_EACH),
    CallContract(name="bisect.bisect_right", operation=_ITERATE, calls="key", note=_EACH),
    CallContract(name="bisect.insort_left", operation=_CHANGE, calls="key", note="finds the place, then inserts"),
    CallContract(name="bisect.insort_right", operation=_CHANGE, calls="key", note="finds the place, then inserts"),
)

CALLS = {contract.name: contract for contract in (*_WALKERS, *_ITERATORS, *_SIZES, *_ALGORITHMS)}
"""Functions by their public name; a name without a module is a built-in."""

FORMS = {
    contract.name: contract
    for contract in (
        CallContract(name="for x in c", operation=_ITERATE, whole_gil=False, note="step by step"),
        CallContract(name="a, b = c", operation=_ITERATE, note=_EACH),
        CallContract(name="[*c]", operation=_LOOK, whole_free_threaded=True),
        CallContract(name="f(*c)", operation=_LOOK, whole_free_threaded=True),
        CallContract(name="f(**c)", operation=_LOOK, whole_free_threaded=True),
        CallContract(name='f"{c}"', operation=_LOOK, whole_free_threaded=True),
    )
}
"""Syntax that walks the container `c`."""

_OBJECTS: dict[int, tuple[object, CallContract]] = {
    id(function): (function, CALLS[name])
    for name, function in [
        *((name, builtins.__dict__[name]) for name in CALLS if name in builtins.__dict__),
        *((f"collections.{cls.__name__}", cls) for cls in (collections.deque, collections.OrderedDict)),
        *((f"collections.{cls.__name__}", cls) for cls in (collections.defaultdict, collections.Counter)),
    ]
}

# Where functions written in C say they come from. Their modules are not imported here: a program may have a file of
# the same name, and it is the program's business when that is loaded.
_HOMES = {"_heapq": "heapq", "_bisect": "bisect", "_functools": "functools"}


def call(function: object) -> CallContract | None:
    """The row of a function object, None for all that are not in the table; calls no code of the program."""
    known = _OBJECTS.get(id(function))
    if known is not None:
        return known[1]
    if type(function) is BuiltinFunctionType:
        owner = type(function.__self__)
        home = owner.__name__ if owner in (str, bytes) else _HOMES.get(function.__module__ or "")
        return CALLS.get(f"{home}.{function.__name__}")
    return None
