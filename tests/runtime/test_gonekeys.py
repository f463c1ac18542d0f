"""A container does not remember all keys that it was ever asked for."""

from __future__ import annotations

import pytest

from raceway.runtime.gonekeys import LEAST, KeysAsked, keys_in
from tests.conftest import ROOT, RunRaceway, available_cores

ASKS = """
import threading
import hidden

turns = hidden.Turns("ab")
table = {"kept": 1}

def look():
    with turns.of("a"):
        for first in "abcd":  # which stand in the record itself
            table.get(first)
        table.get("gone")
        table.get("kept")
        for number in range(%d):
            table.get(number)
        table.get("late")

def store():
    with turns.of("b"):
        table["gone"] = 1
        table["kept"] = 2
        table["late"] = 3

threads = [threading.Thread(target=work) for work in (look, store)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
STORES = {20: "gone", 21: "kept", 22: "late"}


@pytest.mark.parametrize("core", available_cores())
@pytest.mark.parametrize(("others", "lost"), [(LEAST // 2, set()), (8 * LEAST, {"gone"})])
def test_who_races_about_a_key_that_is_gone_is_told_of_for_a_while(
    others: int, lost: set[str], core: str, run_raceway: RunRaceway
) -> None:
    run_raceway.write("hidden.py", (ROOT / "fixtures/hidden.py").read_text(encoding="utf-8"))
    path = run_raceway.write("program.py", ASKS % others)
    run = run_raceway("--core", core, "--fail-on", "never", "--exclude", "hidden", path)
    sides = [side for finding in run.report["findings"] for side in finding["accesses"]]
    told = {STORES[line] for line in (side["line"] for side in sides) if line in STORES}
    assert told == {"gone", "kept", "late"} - lost


def test_new_keys_stay_until_the_next_time() -> None:
    asked = KeysAsked()
    assert not any(asked.add(number) for number in range(LEAST))
    assert asked.add("one more")
    assert asked.gone([]) == frozenset()  # all are new
    assert not asked.add(0)
    more = next(number for number in range(LEAST, 9 * LEAST) if asked.add(number))
    assert asked.gone([1, 2, 3]) == {*range(LEAST), "one more"} - {1, 2, 3}
    assert not asked.add(1)
    assert not asked.add(more)


def test_where_it_cannot_be_told_none_goes_until_they_are_very_many() -> None:
    asked, gone, largest = KeysAsked(), frozenset[object](), 0
    for number in range(99 * LEAST):
        if asked.add(number):
            largest = number if not gone else largest
            gone = asked.gone(None)
    assert gone
    assert largest > 15 * LEAST


def test_of_a_full_container_none_goes() -> None:
    asked = KeysAsked()
    number = next(number for number in range(9 * LEAST) if asked.add(number))
    assert asked.grow(LEAST)
    assert not asked.grow(LEAST // 2)
    assert not asked.add(number)


def test_keys_are_told_without_code_of_the_program() -> None:
    class Table(dict[int, int]):
        def __iter__(self) -> None:  # type: ignore[override]
            raise AssertionError("nobody walks")

    assert keys_in(Table({1: 2})) == [1]
    assert keys_in({3}) == keys_in(frozenset({3})) == [3]
    assert keys_in([1]) is None
