"""Both cores count the same accesses: one for each committed tap whose operand is watched.

Of what runs before there is a second actor the native core counts the taps that are passed.
"""

from __future__ import annotations

import pytest

from tests.conftest import RunRaceway, available_cores

SECOND_ACTOR = """
import threading
threading.Thread(target=int).start()
"""

PROGRAMS = {
    "attributes": """
class Box:
    limit = 3
    __slots__ = ("kept", "__dict__")
    def __init__(self): self.kept = 1; self.other = 2
    @property
    def size(self): return self.kept
    def act(self):
        self.kept += 1
        return self.size + self.limit + Box.limit + self.other
boxes = [Box() for _ in range(3)]
for box in boxes:
    for _ in range(5):
        box.act()
        getattr(box, "kept"); setattr(box, "other", 1); hasattr(box, "gone")
""",
    "containers": """
def fill(table, items):
    for number in range(50):
        table[number % 7] = number
        table[number % 7] += 1
        items.append(number)
        items[-1] += 1
        number in table; table.get(number); len(items)
    for key in table: pass
    for pair in table.items(): pass
    del table[0]
    return sorted(items), items[:2], table.pop(1), table.setdefault(9, 1)
fill({}, [])
""",
    "names": """
total = 0
def add():
    global total
    total += 1
def outer():
    count = 0
    def inner():
        nonlocal count
        count += 1
        return count
    return [inner() for _ in range(10)]
for _ in range(20): add()
outer()
""",
    "missing": """
class Box: pass
class Giver:
    def __getattr__(self, name): return 0
def add(table, items, box):
    for place in 1, 2, 3:
        giver = Giver()
        giver.made += 1
        try: table["gone"] += 1
        except KeyError: pass
        try: items[place] += 1
        except IndexError: pass
        try: box.gone += 1
        except AttributeError: box.gone = 0
add({}, [0], Box())
""",
    "another class": """
import threading
class Plain: pass
class Computed:
    @property
    def x(self): return 1
box, first, second = Plain(), threading.Lock(), threading.Lock()
box.x = 5
def look(): return box.x
def work():
    for _ in range(2):
        for _ in range(2):
            with first: look()
            with second: pass
        box.__class__ = Computed
thread = threading.Thread(target=work)
thread.start()
thread.join()
""",
    "defaults of a class": """
class Box:
    size = 1
    def __init__(self, own):
        if own: self.size = 2
def act(boxes):
    for _ in range(3):
        for box in boxes:
            box.size; getattr(box, "size")
            if box.size: box.size
    boxes[0].size = 3
    boxes[1].size += 1
    del boxes[0].size
    for box in boxes: box.size
act([Box(False), Box(True), Box(False)])
""",
    "from the end": """
import collections
def act(items):
    for _ in range(3):
        items[-1] = items[-2] = 1
        items[-1] += 1
        items[-1], items[-2]
        items[0 - 1], items[0]
        if items[-1]: items[-1] = 3
        items.append(4)
act([1, 2]); act(bytearray(b"ab")); act(collections.deque([1, 2]))
""",
    "keys": """
class Point:
    pass
def act(table, point):
    for _ in range(3):
        table[1, 2] = 1; table[point, 1] = 2; table[point] = 3; table[(1, (2, point))] = 4
        table[1, 2], table[point, 1]
act({}, Point())
""",
}


@pytest.mark.skipif("native" not in available_cores(), reason="there is no native core to compare with")
@pytest.mark.parametrize("name", PROGRAMS)
def test_both_cores_count_the_same(name: str, run_raceway: RunRaceway) -> None:
    run_raceway.write("second.py", SECOND_ACTOR)
    path = run_raceway.write("program.py", "import second\n" + PROGRAMS[name])
    options = "--fail-on", "never", "--exclude", "second"
    counts = {
        core: run_raceway("--core", core, *options, path).report["summary"]["accesses"]
        for core in ("pure", "native")
    }
    assert counts["pure"] == counts["native"] > 0
