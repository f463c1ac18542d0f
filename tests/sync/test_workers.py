"""What another worker could have come to as well: the ways from what both were given, and what a job was packed in."""

from __future__ import annotations

import functools
import threading
from typing import Any, ClassVar

from raceway.sync.ways import PACKED, Ways, parts
from raceway.sync.works import Work, work_of


class Slotted:
    __slots__ = ("empty", "value")

    def __init__(self, value: object) -> None:
        self.value = value


class Pool:
    shared: ClassVar[list[object]] = []

    def __init__(self) -> None:
        self.table: dict[str, object] = {"a": Slotted("a")}
        self.slotted = Slotted([1])
        self.local = threading.local()
        self.own: list[int] = []
        self.local.own = self.own
        self.thread = threading.Thread(target=self.work)
        self.listed = [[Slotted("deep")]]

    @property
    def trap(self) -> object:
        raise AssertionError("a property was asked")

    def work(self, *_rest: object) -> None:
        return None


def ways(*given: object) -> Ways:
    """The ways of workers that are all given the same."""
    work = work_of(threading.Thread(target=Pool.work, args=given))
    assert work is not None
    return Ways([work.function, *work.given])


def has(found: list[object], target: object) -> bool:
    return any(one is target for one in found)


def test_attributes_slots_and_classes_lead_on() -> None:
    pool = Pool()
    common = ways(pool).common
    assert all(has(common, one) for one in (pool, pool.table, pool.slotted, pool.slotted.value, Pool.shared))


def test_what_lies_in_a_container_is_known_as_such() -> None:
    pool = Pool()
    found = ways(pool)
    assert has(found.inside, pool.table["a"])
    assert not has(found.common, pool.table["a"])
    assert not has(found.inside, pool.listed[0][0])


def test_what_is_local_to_threads_leads_nowhere() -> None:
    pool = Pool()
    own = pool.local.own
    del pool.own
    assert not has(ways(pool).common, own)


def test_closures_and_defaults_lead_on() -> None:
    kept: list[int] = []
    default: list[int] = []

    def work(_rows: list[int] = default) -> None:
        kept.append(1)

    found = work_of(threading.Thread(target=work))
    assert found is not None
    common = Ways([found.function, *found.given]).common
    assert has(common, kept)
    assert has(common, default)


def likes(first: threading.Thread, second: threading.Thread) -> bool:
    """Whether two threads have the same work."""
    one, other = work_of(first), work_of(second)
    assert one is not None
    assert other is not None
    return one.is_like(other)


def test_workers_of_one_object_are_alike_and_those_of_two_are_not() -> None:
    one, other = Pool(), Pool()
    assert likes(threading.Thread(target=one.work), threading.Thread(target=one.work))
    assert not likes(threading.Thread(target=one.work), threading.Thread(target=other.work))
    assert not likes(threading.Thread(target=one.work), threading.Thread(target=one.work, args=(1,)))


def test_numbers_may_differ_and_objects_may_not() -> None:
    def work(*_given: object) -> None:
        return None

    rows: list[int] = []
    thread = functools.partial(threading.Thread, target=work)
    assert likes(thread(args=(1, rows)), thread(args=(2, rows)))
    assert not likes(thread(args=(1, rows)), thread(args=(1, [])))


def test_a_thread_of_a_class_of_its_own_is_given_what_it_has() -> None:
    class Worker(threading.Thread):
        def __init__(self, rows: list[int], number: int) -> None:
            super().__init__()
            self.rows = rows
            self.number = number

        def run(self) -> None:
            return None

    rows: list[int] = []
    assert likes(Worker(rows, 1), Worker(rows, 2))
    assert not likes(Worker(rows, 1), Worker([], 1))
    work: Any = work_of(Worker(rows, 1))
    assert isinstance(work, Work)
    assert rows in work.given
    assert 1 in work.scalars


def test_what_is_no_function_has_no_work_that_is_known() -> None:
    assert work_of(threading.Thread(target=print)) is None


REACHED: list[int] = []
LEFT: list[int] = []


def reach() -> None:
    REACHED.append(1)


def begin() -> None:
    reach()


def test_names_that_functions_use_lead_on_and_others_do_not() -> None:
    work = work_of(threading.Thread(target=begin))
    assert work is not None
    common = Ways([work.function, *work.given]).common
    assert has(common, REACHED)
    assert not has(common, LEFT)


def test_a_partial_function_is_what_it_calls() -> None:
    def work(*_given: object) -> None:
        return None

    rows: list[int] = []
    packed = functools.partial(work, rows)
    assert likes(threading.Thread(target=packed), threading.Thread(target=work, args=(rows,)))
    assert not likes(threading.Thread(target=packed), threading.Thread(target=work, args=([],)))
    assert has(Ways([packed]).common, rows)


def test_a_method_in_c_leads_to_its_object() -> None:
    rows: list[int] = []
    assert has(Ways([rows.append]).common, rows)


def test_what_a_job_is_packed_in_is_taken_out() -> None:
    rows: list[int] = [1]
    for packed in ((1, (begin, (rows,))), [begin, rows], {"rows": rows}):
        assert has([*parts(packed)], rows)
    assert not has([*parts([[rows]])], rows)
    assert len(parts(tuple(range(1000)))) == PACKED
