"""The contract table: complete, true to the interpreter, and found by type without calling code of the program."""

from __future__ import annotations

import bisect
import builtins
import functools
import gc
import heapq
import weakref
from array import array
from collections import Counter, OrderedDict, UserDict, defaultdict, deque
from types import MappingProxyType
from typing import Any

import pytest

from docs import generate_containers
from raceway.model.kinds import Commute, Operation
from raceway.runtime import contracts
from raceway.runtime.contracts import CONTAINERS, IGNORED, TABLE, Contract, Effect, Handover, KeyShape, Presence, Target

TYPES: dict[str, type] = {**CONTAINERS, "array.array": array}

LATER = {("array.array", "clear"), ("bytearray", "resize"), ("bytearray", "__buffer__"), ("array.array", "__buffer__")}
"""Methods that not every tested version has."""

WITHOUT_METHOD = {("collections.defaultdict", "__getitem__"), ("dict_values", "__contains__")}
"""Rows for what a type does without a method of its own."""


def label(row: Contract) -> str:
    """How a row is called in the output of a failure."""
    return f"{row.container}.{row.name}-{row.shape.value}"


def ancestors(tp: type) -> set[str]:
    """The names under which the table knows the type and its bases."""
    return {name for name, cls in TYPES.items() if cls in tp.__mro__} | {"object"}


def row(tp: type, name: str, shape: KeyShape = KeyShape.KEY) -> Contract:
    """The row that must be there."""
    found = contracts.operator(tp, name, shape)
    assert found is not None
    return found


def changes(contract: Contract) -> set[Commute]:
    """The classes of the changes of the structure."""
    return {effect.commute for effect in contract.effects if effect.operation is Operation.STRUCTURAL_CHANGE}


# The data


@pytest.mark.parametrize("name", TYPES)
def test_every_operation_has_a_row_or_a_reason(name: str) -> None:
    tp = TYPES[name]
    reasons = {ignored for container in ancestors(tp) for ignored in IGNORED.get(container, {})}
    reasons.add("__annotations__")  # a class gets some as soon as anybody asks for them
    offered = [method for method in dir(tp) if not method.startswith("_") or method.startswith("__")]
    missing = [method for method in offered if contracts.lookup(tp, method) is None and method not in reasons]
    assert missing == []


def test_rows_and_reasons_are_for_methods_that_exist() -> None:
    named = {(row.container, row.name) for row in TABLE} - LATER - WITHOUT_METHOD
    assert [pair for pair in named if not hasattr(TYPES[pair[0]], pair[1])] == []
    reasons = {(container, name) for container, names in IGNORED.items() if container != "object" for name in names}
    assert [pair for pair in reasons if not hasattr(TYPES[pair[0]], pair[1])] == []


def test_no_row_is_given_twice_and_none_is_also_ignored() -> None:
    assert len(TABLE) >= 150
    assert len({(row.container, row.name, row.shape) for row in TABLE}) == len(TABLE)
    assert [row for row in TABLE if row.name in IGNORED.get(row.container, {})] == []


def test_a_row_with_a_key_says_where_the_key_is() -> None:
    for contract in TABLE:
        effects = (*contract.effects, *contract.otherwise)
        if any(effect.target is Target.KEY for effect in effects):
            assert contract.key_argument == 0, label(contract)


def test_a_row_has_another_case_exactly_when_the_key_decides() -> None:
    for contract in TABLE:
        assert bool(contract.otherwise) == (contract.full_when is not Presence.ANY), label(contract)


def test_the_page_of_containers_is_up_to_date() -> None:
    assert generate_containers.PAGE.read_text(encoding="utf-8") == generate_containers.render()


# What decides false alarms


READ = Effect(Target.KEY, Operation.READ)
WRITE = Effect(Target.KEY, Operation.WRITE)


@pytest.mark.parametrize("tp", [dict, OrderedDict])
def test_a_store_changes_the_structure_for_a_new_key_only(tp: type) -> None:
    store = row(tp, "__setitem__")
    insert = Effect(Target.STRUCTURE, Operation.STRUCTURAL_CHANGE, Commute.INSERT_KEY)
    assert store.effects_when(True) == (WRITE,)
    assert store.effects_when(False) == (WRITE, insert)
    assert store.effects_when(None) == (WRITE, insert)


@pytest.mark.parametrize("name", ["__delitem__", "pop"])
def test_a_deletion_changes_the_structure_if_the_key_is_there(name: str) -> None:
    deletion = row(dict, name)
    discard = Effect(Target.STRUCTURE, Operation.STRUCTURAL_CHANGE, Commute.DISCARD)
    assert deletion.effects_when(True) == (Effect(Target.KEY, Operation.DELETE), discard)
    assert deletion.effects_when(False) == (READ,)


@pytest.mark.parametrize(
    ("tp", "name", "commute"),
    [(dict, "setdefault", Commute.SETDEFAULT), (set, "add", Commute.ADD), (set, "discard", Commute.DISCARD)],
)
def test_partners_at_one_key_are_of_one_class_whoever_came_first(tp: type, name: str, commute: Commute) -> None:
    contract = row(tp, name)
    for present in (True, False):
        classes = {effect.commute for effect in contract.effects_when(present) if effect.target is Target.KEY}
        assert classes == {commute}


@pytest.mark.parametrize("name", ["__getitem__", "get", "__contains__"])
def test_a_lookup_reads_its_key_only(name: str) -> None:
    assert row(dict, name).effects == (READ,)


@pytest.mark.parametrize("name", ["__iter__", "items", "keys", "values"])
def test_going_over_a_dictionary_iterates_its_structure(name: str) -> None:
    assert row(dict, name).effects == (Effect(Target.STRUCTURE, Operation.ITERATE),)


def test_what_is_one_step_everywhere_is_no_walk() -> None:
    whole = [row for row in TABLE if row.atomic_gil and row.atomic_free_threaded]
    assert len(whole) > 150
    assert [row.name for row in whole if Effect(Target.STRUCTURE, Operation.ITERATE) in row.effects] == []


@pytest.mark.parametrize(
    ("tp", "names"),
    [
        (dict, "clear update __ior__"),
        (list, "insert remove sort reverse clear __imul__ __delitem__"),
        (set, "clear intersection_update symmetric_difference_update"),
        (deque, "insert remove rotate reverse clear __delitem__"),
        (bytearray, "insert pop remove reverse __delitem__"),
        (array, "insert pop remove reverse byteswap"),
    ],
)
def test_wholesale_changes_commute_with_nothing(tp: type, names: str) -> None:
    assert [name for name in names.split() if changes(row(tp, name)) != {Commute.NONE}] == []


@pytest.mark.parametrize(
    ("tp", "commute"),
    [(list, Commute.APPEND), (deque, Commute.ENDS), (bytearray, Commute.APPEND), (array, Commute.APPEND)],
)
def test_appending_commutes_and_leaves_the_items_alone(tp: type, commute: Commute) -> None:
    for name in ("append", "extend", "__iadd__"):
        assert changes(row(tp, name)) == {commute}
    assert row(tp, "__getitem__").effects == (READ,)
    assert row(tp, "__setitem__").effects == (WRITE,)


@pytest.mark.parametrize("tp", [list, deque, bytearray, array])
def test_a_negative_index_depends_on_the_length(tp: type) -> None:
    length = Effect(Target.STRUCTURE, Operation.READ)
    assert row(tp, "__getitem__", KeyShape.NEGATIVE).effects == (READ, length)
    assert row(tp, "__setitem__", KeyShape.NEGATIVE).effects == (WRITE, length)


@pytest.mark.parametrize(
    ("tp", "looks"), [(list, Operation.READ), (bytearray, Operation.ITERATE), (array, Operation.ITERATE)]
)
def test_slices_are_about_the_structure(tp: type, looks: Operation) -> None:
    assert row(tp, "__getitem__", KeyShape.SLICE).effects == (Effect(Target.STRUCTURE, looks),)
    assert changes(row(tp, "__setitem__", KeyShape.SLICE)) == {Commute.NONE}
    assert changes(row(tp, "__delitem__", KeyShape.SLICE)) == {Commute.NONE}


def test_the_ends_of_a_deque_hand_over_and_commute() -> None:
    sides = {name: row(deque, name).handover for name in ("append", "appendleft", "pop", "popleft")}
    assert sides == {
        "append": Handover.RELEASE,
        "appendleft": Handover.RELEASE,
        "pop": Handover.ACQUIRE,
        "popleft": Handover.ACQUIRE,
    }
    assert {commute for name in sides for commute in changes(row(deque, name))} == {Commute.ENDS}
    waiting = {Handover.RELEASE, Handover.ACQUIRE}
    assert {contract.name for contract in TABLE if contract.handover in waiting} == sides.keys()


@pytest.mark.parametrize(
    ("tp", "puts", "takes"),
    [
        (list, "append extend insert __iadd__", "pop"),
        (dict, "__setitem__ setdefault", "pop popitem"),
        (OrderedDict, "__setitem__ setdefault", "pop popitem"),
        (set, "add update", "pop"),
    ],
)
def test_what_is_put_into_a_container_is_handed_to_who_takes_it_out(tp: type, puts: str, takes: str) -> None:
    assert {row(tp, name).handover for name in puts.split()} == {Handover.GIVE}
    assert {row(tp, name).handover for name in takes.split()} == {Handover.TAKE}
    # Which key `popitem` takes is not known: whoever looks for one meets it.
    assert not any(Commute.NONE in changes(row(tp, name)) for name in takes.split() if name != "popitem")


def test_who_takes_out_of_a_list_commutes_with_who_puts_in() -> None:
    assert row(list, "pop").effects == (Effect(Target.STRUCTURE, Operation.DELETE, Commute.APPEND),)
    assert changes(row(list, "append")) == {Commute.APPEND}


def test_a_defaultdict_stores_what_it_reads_the_first_time() -> None:
    reading = row(defaultdict, "__getitem__")
    assert Effect(Target.KEY, Operation.WRITE, Commute.SETDEFAULT) in reading.effects_when(False)
    assert reading.calls == "default_factory"
    assert row(Counter, "__getitem__").effects == (READ,)


def test_moving_to_the_end_does_not_touch_the_items() -> None:
    assert Commute.NONE not in changes(row(OrderedDict, "move_to_end"))


# Look-up


class Names(list[str]):
    """Overrides one method in Python."""

    def append(self, name: str) -> None:
        super().append(name.title())


class Loud:
    """A mixin with a method of a dictionary."""

    def pop(self, *_arguments: object) -> None:
        """Take nothing."""


class LoudDict(Loud, dict[str, int]):  # type: ignore[misc]
    """The mixin comes before the dictionary."""


class DictLoud(dict[str, int], Loud):  # type: ignore[misc]
    """The dictionary comes before the mixin."""


def test_a_subclass_has_the_rows_of_its_base() -> None:
    assert contracts.lookup(Names, "extend") is contracts.lookup(list, "extend")
    assert contracts.operator(Names, "__getitem__") is contracts.operator(list, "__getitem__")
    assert contracts.operator(Counter, "__setitem__") is contracts.operator(dict, "__setitem__")


def test_a_method_of_the_program_has_no_row() -> None:
    assert contracts.lookup(Names, "append") is None
    assert contracts.lookup(LoudDict, "pop") is None
    assert contracts.lookup(DictLoud, "pop") is contracts.lookup(dict, "pop")
    assert contracts.lookup(LoudDict, "get") is contracts.lookup(dict, "get")


def test_what_the_program_wrote_in_python_is_no_container() -> None:
    for tp in (int, str, tuple, object, type, UserDict, Loud, type("array", (), {"__module__": "array"})):
        assert not contracts.is_container(tp)
        assert contracts.lookup(tp, "append") is None
        assert contracts.operator(tp, "__getitem__") is None


def test_subclasses_are_containers_and_some_are_sequences() -> None:
    assert all(contracts.is_container(tp) for tp in (*TYPES.values(), Names, LoudDict))
    assert {name for name, tp in TYPES.items() if contracts.is_sequence(tp)} == {
        "list",
        "collections.deque",
        "bytearray",
        "array.array",
    }
    assert contracts.is_sequence(Names)


def test_operators_fall_back_as_the_interpreter_does() -> None:
    class Sized(dict[str, int]):
        def __len__(self) -> int:
            return 7

    assert contracts.operator(dict, "__bool__") is contracts.operator(dict, "__len__")
    assert contracts.operator(Sized, "__bool__") is None
    assert contracts.operator(type(OrderedDict[Any, Any]().values()), "__contains__") is row(
        type({}.values()), "__contains__"
    )


def test_the_shape_of_a_key_matters_only_where_the_table_says_so() -> None:
    assert contracts.operator(dict, "__getitem__", KeyShape.NEGATIVE) is contracts.operator(dict, "__getitem__")
    assert [KeyShape.of(key) for key in (0, -1, True, "a", slice(1), -1.0)] == [
        KeyShape.KEY,
        KeyShape.NEGATIVE,
        KeyShape.KEY,
        KeyShape.KEY,
        KeyShape.SLICE,
        KeyShape.KEY,
    ]


def test_a_getattribute_of_the_program_decides_what_a_method_call_reaches() -> None:
    class Proxy(list[int]):
        def __getattribute__(self, name: str) -> Any:
            return super().__getattribute__(name)

    assert contracts.lookup(Proxy, "append") is None
    assert contracts.operator(Proxy, "__getitem__") is contracts.operator(list, "__getitem__")


def test_no_code_of_the_program_runs() -> None:
    class Hostile(type):
        def __getattribute__(cls, name: str) -> Any:
            raise AssertionError(name)

        def __eq__(cls, other: object) -> bool:
            raise AssertionError

        def __hash__(cls) -> int:
            raise AssertionError

        def __instancecheck__(cls, instance: object) -> bool:
            raise AssertionError

    hostile = Hostile("Stack", (list,), {})
    for _ in range(2):
        assert contracts.is_container(hostile)
        assert contracts.lookup(hostile, "append") is contracts.lookup(list, "append")
        assert contracts.operator(hostile, "__len__") is contracts.operator(list, "__len__")
        assert contracts.call(hostile) is None


def test_a_class_is_not_kept_alive() -> None:
    plain = weakref.ref(type("Plain", (), {}))
    gc.collect()
    if plain() is not None:
        pytest.skip("this interpreter keeps classes itself: free-threaded 3.13 does once a thread was started")
    # A class that comes next is as good as sure to get the address of one that died.
    for number in range(10):
        base: type = (list, dict)[number % 2]
        cls = type("Short", (base,), {})
        assert contracts.lookup(cls, "append") is contracts.lookup(base, "append")
        alive = weakref.ref(cls)
        del cls
        gc.collect()
        assert alive() is None


def test_a_great_many_classes_are_forgotten_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from raceway.runtime.contracts import table

    monkeypatch.setattr(table, "_MOST_KNOWN", 10)
    classes = [type("Many", (list,), {}) for _ in range(50)]
    assert all(contracts.lookup(cls, "append") is contracts.lookup(list, "append") for cls in classes)
    assert len(table._KNOWN) <= 10


def test_a_view_shows_the_mapping_behind_it() -> None:
    base: dict[str, int] = {"a": 1}
    ordered = OrderedDict(base)
    for view in (base.keys(), base.values(), base.items(), MappingProxyType(base), MappingProxyType(base).keys()):
        assert contracts.behind(view) is base
    assert contracts.behind(ordered.items()) is ordered
    assert contracts.behind(base) is base
    assert contracts.behind(3) == 3


# Functions


def test_functions_are_known_by_object() -> None:
    known: dict[str, object] = {
        "list": list,
        "sorted": sorted,
        "len": len,
        "collections.deque": deque,
        "str.join": ", ".join,
        "bytes.join": b"".join,
        "heapq.heappush": heapq.heappush,
        "bisect.insort_right": bisect.insort,
        "functools.reduce": functools.reduce,
    }
    found = {name: contracts.call(function) for name, function in known.items()}
    assert found == {name: contracts.CALLS[name] for name in known}


def test_other_functions_are_not() -> None:
    others: list[object] = ["".__add__, [].append, "a".upper, isinstance, int, lambda: None, Loud, 7]
    assert [contracts.call(other) for other in others] == [None] * len(others)


def test_every_builtin_of_the_table_exists() -> None:
    plain = [name for name in contracts.CALLS if "." not in name]
    assert all(contracts.call(getattr(builtins, name)) is contracts.CALLS[name] for name in plain)
