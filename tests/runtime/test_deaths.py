"""A record goes with its object, whichever deallocator that has: no later object at the address has its past."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT, RunRaceway, available_cores, has_gil

pytestmark = [
    pytest.mark.skipif("native" not in available_cores(), reason="no native core"),
    pytest.mark.skipif(not has_gil(), reason="without a GIL all deaths are seen at the allocator"),
]

ASKS = """
import gc
import raceway._native as core

def gone():
    # Addresses of records at which nothing lives, and whether the allocator is wrapped.
    addresses, wrapped = core.records()
    living, left = set(), gc.get_objects()
    while left:
        one = left.pop()
        if id(one) not in living:
            living.add(id(one))
            left.extend(gc.get_referents(one))
    return len(addresses) > 0, [hex(address) for address in addresses if address not in living], wrapped
"""

MANY = """
import array, asyncio, collections, ctypes, functools, io, queue, socket, sqlite3, sys, threading, types, weakref
from asks import gone

threading.Thread(target=int).start()  # while there is but one actor, nothing is recorded

class Plain: pass
class Slotted: __slots__ = ("attr", "__weakref__")
class Lists(list): pass
class Dicts(dict): pass
class Sets(set): pass
class Errors(ValueError): pass
class Deques(collections.deque): pass
class Ordered(collections.OrderedDict): pass
class Defaults(collections.defaultdict): pass
class Partials(functools.partial): pass
class Locals(threading.local): pass
class Meta(type): pass
class Structure(ctypes.Structure): pass

lives_on = []

class Returns:
    def __del__(self):
        self.attr = 2
        if not lives_on:
            lives_on.append(self)

class Watched: pass

def watched():
    made = Watched()
    weakref.finalize(made, Plain)
    return made

def steps():
    try:
        yield 1
    finally:
        Plain().attr = 1

def started():
    made = steps()
    next(made)
    return made

loop = asyncio.new_event_loop()

def touch(thing):
    try:
        thing.attr = 1
        thing.attr
    except AttributeError:
        pass
    if isinstance(thing, (sqlite3.Connection, sqlite3.Cursor)):
        thing.row_factory = sqlite3.Row
    if isinstance(thing, array.array):
        thing[0] = 1
    try:
        {}[thing] = 1
    except TypeError:
        pass
    if hasattr(thing, "close"):
        thing.close()

makers = [
    Plain, Slotted, Lists, Dicts, Sets, Errors, Deques, Ordered, Defaults, Locals, Returns, watched, started, steps,
    lambda: Partials(print), lambda: Meta("Made", (), {}), lambda: type("Made", (), {}),
    lambda: types.ModuleType("made"), lambda: functools.partial(print), lambda: functools.lru_cache(steps),
    lambda: (lambda: 0),
    lambda: Returns().__del__, lambda: started().send, lambda: [].append, list, dict, set,
    frozenset, bytearray, collections.deque,
    collections.OrderedDict, collections.defaultdict, threading.Lock, threading.RLock, threading.Condition,
    queue.SimpleQueue, queue.Queue, socket.socket, lambda: asyncio.Future(loop=loop), ValueError, KeyError, OSError,
    StopIteration, MemoryError, ImportError, SyntaxError,
    lambda: sqlite3.connect(":memory:"), lambda: sqlite3.connect(":memory:").cursor(), lambda: array.array("i", [1]),
    io.BytesIO, io.StringIO, lambda: io.TextIOWrapper(io.BytesIO()), lambda: io.BufferedReader(io.BytesIO()),
    lambda: io.BufferedWriter(io.BytesIO()),
]
for make in makers:
    for number in range(20):
        touch(make())
print(*gone())
for number in range(20):
    touch(Structure())
print(*gone())
loop.close()
"""

NOTES = """
addresses, count = set(), 0

def note(thing):
    addresses.add(id(thing))

def again(thing):
    global count
    count += id(thing) in addresses
"""

REUSED = """
import threading
import noting
from hidden import Gate

class Plain: pass
class Sets(set): pass
class Errors(ValueError): pass
class Slotted: __slots__ = ("attr",)

class Returns:
    def __del__(self):
        self.attr = 0

class Meta(type): pass

def use(thing):
    if isinstance(thing, (set, list)):
        thing.clear()
        len(thing)
    else:
        thing.attr = 1
        thing.attr

ready, go_on = Gate(), Gate()
makers = [
    Plain, Slotted, Returns, Sets, set, list, Errors, ValueError, lambda: Meta("Made", (), {}), lambda: (lambda: 0),
]

def other():
    go_on.wait()
    for make in makers:
        for number in range(200):
            thing = make()
            noting.again(thing)
            use(thing)
    ready.open()

thread = threading.Thread(target=other)
thread.start()
for make in makers:
    for number in range(200):
        thing = make()
        noting.note(thing)
        use(thing)
        del thing
go_on.open()
ready.wait()
thread.join()
print(noting.count > 100)
"""

DEEP = """
def use(thing):
    thing.attr = 1

ring = frozenset()
error = ValueError()
error.attr = 1
items = []
for number in range(100_000):
    ring = frozenset([ring])
    items = [items]
    outer = ValueError()
    outer.__context__ = error
    error = outer
error.attr = 1
{ring: 1}[ring]
len(items)
del ring, items, error, outer
print("done")
"""


def test_no_record_outlives_its_object_and_the_allocator_is_left_alone(run_raceway: RunRaceway) -> None:
    run_raceway.write("asks.py", ASKS)
    run_raceway.write("app.py", MANY)
    run = run_raceway("--core", "native", "--exclude", "asks", "app.py")
    assert run.stdout.splitlines() == ["True [] False", "True [] True"], run.stderr


def test_who_takes_the_address_of_the_dead_has_nothing_to_do_with_them(run_raceway: RunRaceway) -> None:
    run_raceway.write("noting.py", NOTES)
    run_raceway.write("app.py", REUSED)
    environ = {"PYTHONPATH": str(ROOT / "fixtures")}
    run = run_raceway("--core", "native", "--exclude", "hidden", "--exclude", "noting", "app.py", environ=environ)
    assert (run.stdout, run.kinds) == ("True\n", []), run.stderr


def test_deep_nesting_is_let_go_of_in_turns(run_raceway: RunRaceway) -> None:
    run_raceway.write("app.py", DEEP)
    run = run_raceway("--core", "native", "app.py")
    assert (run.status, run.stdout) == (0, "done\n"), run.stderr
