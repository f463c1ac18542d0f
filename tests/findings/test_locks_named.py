"""The locks that a fix names: the usual one of a place, the one that guards what is beside it, one that is replaced."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from raceway.findings.facts import Facts
from raceway.findings.fences import let_in
from raceway.findings.syntax import source
from raceway.findings.wording import message
from raceway.model.kinds import Confidence, FindingKind, Verdict
from raceway.model.struct import replace
from tests.conftest import RunRaceway
from tests.findings.test_causes import found
from tests.report import samples


def the_update(run_raceway: RunRaceway, program: str) -> dict[str, Any]:
    """The lost update of a program."""
    return next(one for one in found(run_raceway, program) if one["kind"] == "lost-update")


BOOK = """
class Book:
    def __init__(self):
        self.bids_lock = threading.Lock()
        self.asks_lock = threading.Lock()
        self.asks = 0

    def add(self):
        with self.asks_lock:
            self.asks = plus(self.asks)

    def cancel(self):
        with self.bids_lock:
            self.asks = plus(self.asks)

    def depth(self):
        with self.asks_lock:
            return self.asks

def plus(number):
    return number + 1

book = Book()
JOBS = {"adder": book.add, "canceller": book.cancel}
"""


def test_the_lock_that_most_places_of_the_source_hold_is_the_one_to_hold(run_raceway: RunRaceway) -> None:
    fix = the_update(run_raceway, BOOK)["fix"]
    assert fix == "Hold Book.asks_lock on both sides: canceller holds only Book.bids_lock at app.py:15."


def test_both_locks_are_named_where_neither_is_held_in_more_places(run_raceway: RunRaceway) -> None:
    fix = the_update(run_raceway, BOOK[: BOOK.index("    def depth")] + BOOK[BOOK.index("def plus") :])["fix"]
    assert re.fullmatch(r"Hold the same lock on both sides, Book\.\w+ or Book\.\w+: .*", fix)
    for who, lock, line in (("adder", "asks_lock", 11), ("canceller", "bids_lock", 15)):
        assert f"{who} holds only Book.{lock} at app.py:{line}" in fix


STATS = """
class Base:
    def __init__(self):
        self.lock = threading.Lock()

class Stats(Base):
    def __init__(self):
        super().__init__()
        self.pages = self.volume = 0

    def page(self):
        with self.lock:
            self.pages += 1

    def received(self):
        self.volume = plus(self.volume)

def plus(number):
    return number + 1

stats = Stats()
JOBS = {"one": stats.received, "two": stats.received}
"""


def test_a_lock_that_guards_what_is_beside_the_variable_is_named(run_raceway: RunRaceway) -> None:
    fix = the_update(run_raceway, STATS)["fix"]
    assert fix.startswith("Hold Base.lock around the whole update of Stats.volume, ")
    assert fix.endswith(", as Stats.page does for other variables (app.py:13).")


def test_a_lock_that_guards_the_variable_in_code_that_did_not_run_is_named(run_raceway: RunRaceway) -> None:
    fix = the_update(run_raceway, STATS.replace("self.pages += 1", "self.volume += 1"))["fix"]
    assert fix.endswith(", as Stats.page does (app.py:13).")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("threading.Lock()", "threading.Semaphore(2)"),
        ("def received", "def other(self):\n        with self.spare:\n            self.pages += 1\n\n    def received"),
    ],
    ids=["of-several", "two"],
)
def test_no_lock_is_named_where_none_guards_or_there_are_two(run_raceway: RunRaceway, old: str, new: str) -> None:
    program = STATS.replace("        self.lock =", "        self.spare = threading.Lock()\n        self.lock =")
    fix = the_update(run_raceway, program.replace(old, new) if old.startswith("def") else STATS.replace(old, new))[
        "fix"
    ]
    assert fix.startswith("Hold one lock around the whole update of Stats.volume")


CLOSURE = """
def counting():
    calls, times = {}, {}
    lock = threading.Lock()

    def count():
        with lock:
            times["a"] = 1
        calls["a"] = plus(calls.get("a", 0))

    return count

def plus(number):
    return number + 1

count = counting()
JOBS = {"one": count, "two": count}
"""


def test_a_lock_of_the_function_that_has_the_variable_is_named(run_raceway: RunRaceway) -> None:
    fix = the_update(run_raceway, CLOSURE)["fix"]
    assert fix.startswith("Hold lock around the whole update of counting.calls")
    assert fix.endswith(", as counting.count does for other variables (app.py:8).")


WINDOW = """
class Window:
    def __init__(self):
        self.total = 0
        self.reset()

    def reset(self):
        self.lock = threading.Lock()

    def add(self):
        with self.lock:
            self.total = plus(self.total)

    def roll(self):
        with self.lock:
            self.reset()

def plus(number):
    return number + 1

def work():
    window.add()
    window.roll()
    window.add()

window = Window()
JOBS = {"one": work, "two": work}
"""


def test_a_lock_that_is_replaced_is_told_so_and_not_for_one_of_another_object(run_raceway: RunRaceway) -> None:
    findings = {one["variable"]: one for one in found(run_raceway, WINDOW)}
    total, lock = findings["Window.total"], findings["Window.lock"]
    assert "Both hold Window.lock, but not the same one: " in total["message"]
    assert "Window.reset stores another one in its place (app.py:9)." in total["message"]
    assert "It is a lock, replaced while others take it" in lock["message"]
    for finding in (total, lock):
        fix = "Make Window.lock once, before others use it, and keep it: no new one in Window.reset (app.py:9)."
        assert finding["fix"] == fix


SLOTS = """import threading
class Base:
    def __init__(self, most):
        self.slots = MADE

class Printer(Base):
    def take(self):
        with self.slots:
            self.pages += 1
        self.left -= 1
"""


def around(tmp_path: Path, made: str, attribute: str) -> str:
    """The semaphore around an attribute of the printer."""
    file = tmp_path / "app.py"
    file.write_text(SLOTS.replace("MADE", made), encoding="utf-8")
    nodes = (node for node in source(str(file)).expressions.values() if isinstance(node, ast.Attribute))
    node = next(one for one in nodes if one.attr == attribute)
    return let_in(str(file), (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset))


@pytest.mark.parametrize("made", ["threading.Semaphore(2)", "threading.BoundedSemaphore(value=most)"])
def test_the_semaphore_around_an_access_is_known(tmp_path: Path, made: str) -> None:
    assert around(tmp_path, made, "pages") == "Base.slots"
    assert around(tmp_path, made, "left") == ""


@pytest.mark.parametrize("made", ["threading.Semaphore()", "threading.Semaphore(1)", "threading.Lock()", "other()"])
def test_what_lets_one_in_is_no_such_semaphore(tmp_path: Path, made: str) -> None:
    assert around(tmp_path, made, "pages") == ""


def test_a_semaphore_that_lets_several_in_keeps_nobody_out() -> None:
    first, second = samples.COUNTER.accesses
    kind = FindingKind.LOST_UPDATE
    facts = Facts(kind, "hits", Confidence.UNORDERED, Verdict.LATENT, True, first, second, (None, None), "")
    told = "Printer.slots keeps nobody out: it is a semaphore that lets several in at a time."
    assert told in message(replace(facts, semaphore="Printer.slots"))
    assert told not in message(replace(facts, semaphore="Printer.slots", reason="nothing reads it"))
