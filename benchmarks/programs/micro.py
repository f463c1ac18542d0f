"""Single accesses, in nanoseconds over an empty loop: each form in a loop of its own, once per turn of the loop.

One statement per turn: what a turn before has checked must not make the next one free, as it might in a straight line.
A parked thread has touched the objects called `shared`; the others were touched by this thread alone.
"""

from __future__ import annotations

import operator
import statistics
import threading
import time
from collections.abc import Callable
from itertools import repeat

from benchmarks.programs.measuring import parser, peak_mb, tell
from benchmarks.programs.parked import parked_thread

SIZES = {"tiny": 20, "small": 1_000, "full": 200_000}
REPETITIONS = 9

total = 0


class Thing:
    """An object with an attribute."""

    def __init__(self) -> None:
        self.x = 0


class Material:
    """What the forms work on."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.thing = Thing()
        self.shared = Thing()
        self.list = [0, 1, 2]
        self.dict = {"key": 0, "other": 1}

    def touch(self) -> None:
        """What the parked thread does with it."""
        with self.lock:
            self.shared.x += 1


def empty(count: int, material: Material) -> None:
    for _ in repeat(None, count):
        pass


def call_one(count: int, material: Material) -> None:
    index, operand = operator.index, 7
    for _ in repeat(None, count):
        index(operand)


def call_two(count: int, material: Material) -> None:
    is_, operand = operator.is_, 7
    for _ in repeat(None, count):
        is_(operand, operand)


def attribute_read(count: int, material: Material) -> None:
    thing = material.thing
    for _ in repeat(None, count):
        thing.x


def attribute_write(count: int, material: Material) -> None:
    thing = material.thing
    for _ in repeat(None, count):
        thing.x = 1


def attribute_update(count: int, material: Material) -> None:
    thing = material.thing
    for _ in repeat(None, count):
        thing.x += 1


def shared_attribute_read(count: int, material: Material) -> None:
    thing = material.shared
    for _ in repeat(None, count):
        thing.x


def shared_attribute_update(count: int, material: Material) -> None:
    thing = material.shared
    for _ in repeat(None, count):
        thing.x += 1


def list_read(count: int, material: Material) -> None:
    items, key = material.list, 1
    for _ in repeat(None, count):
        items[key]


def list_write(count: int, material: Material) -> None:
    items, key = material.list, 1
    for _ in repeat(None, count):
        items[key] = 1


def list_update(count: int, material: Material) -> None:
    items, key = material.list, 1
    for _ in repeat(None, count):
        items[key] += 1


def dict_read(count: int, material: Material) -> None:
    items, key = material.dict, "key"
    for _ in repeat(None, count):
        items[key]


def dict_write(count: int, material: Material) -> None:
    items, key = material.dict, "key"
    for _ in repeat(None, count):
        items[key] = 1


def dict_update(count: int, material: Material) -> None:
    items, key = material.dict, "key"
    for _ in repeat(None, count):
        items[key] += 1


def constant_key_read(count: int, material: Material) -> None:
    items = material.dict
    for _ in repeat(None, count):
        items["key"]


def global_read(count: int, material: Material) -> None:
    for _ in repeat(None, count):
        total


def global_write(count: int, material: Material) -> None:
    global total
    for _ in repeat(None, count):
        total = 1


def global_update(count: int, material: Material) -> None:
    global total
    for _ in repeat(None, count):
        total += 1


def cell_read(count: int, material: Material) -> None:
    value = 0

    def change() -> None:
        nonlocal value
        value = 1

    change()
    for _ in repeat(None, count):
        value


def cell_write(count: int, material: Material) -> None:
    value = 0

    def read() -> int:
        return value

    for _ in repeat(None, count):
        value = 1
    read()


def cell_update(count: int, material: Material) -> None:
    value = 0

    def read() -> int:
        return value

    for _ in repeat(None, count):
        value += 1
    read()


FORMS: tuple[Callable[[int, Material], None], ...] = (
    empty, call_one, call_two, attribute_read, attribute_write, attribute_update, shared_attribute_read,
    shared_attribute_update, list_read, list_write, list_update, dict_read, dict_write, dict_update,
    constant_key_read, global_read, global_write, global_update, cell_read, cell_write, cell_update,
)  # fmt: skip


def nanoseconds(form: Callable[[int, Material], None], count: int, material: Material) -> float:
    """One loop, per turn."""
    began = time.perf_counter_ns()
    form(count, material)
    return (time.perf_counter_ns() - began) / count


def main() -> None:
    """All forms again and again, so that a slow moment hits all of them; tells the medians."""
    options = parser(__doc__).parse_args()
    count = 1 if options.dry else SIZES[options.size]
    material = Material()
    times: dict[str, list[float]] = {form.__name__: [] for form in FORMS}
    with parked_thread(material.touch):
        for _ in range(REPETITIONS):
            for form in FORMS:
                times[form.__name__].append(nanoseconds(form, count, material))
    tell({"peak_mb": peak_mb(), **{name: statistics.median(each) for name, each in times.items()}})


if __name__ == "__main__":
    main()
