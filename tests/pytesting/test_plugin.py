"""`pytest --raceway`: which tests fail for which findings, and what the run says of them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from raceway import pytest_plugin
from raceway.config import OPTIONS, SETTINGS, Kind
from tests.conftest import clean_environ, has_gil
from tests.pytesting.running import BOTH, Project

RACES = """\
def test_race():
    bank = Bank()
    both(lambda: bank.withdraw(1))


def test_fine():
    assert Bank().balance == 100
"""


def test_a_test_that_races_fails_with_both_sides(project: Project) -> None:
    project.write("test_bank.py", BOTH + RACES)
    run = project.test(on_ci=True)
    assert run.outcomes == {"test_race": "failed", "test_fine": "passed"}
    assert run.status == 1
    text = run.out.partition("test_race ___")[2]
    assert "ERROR lost-update on Bank.balance" in text
    assert text.count("--> bank.py:13:9 in Bank.withdraw") == 2
    assert "FAILED test_bank.py::test_race - lost-update on Bank.balance: bank.py:13\n" in text
    assert re.search(r"called from test_bank\.py:\d+ in test_race\.<locals>\.<lambda>", text)
    assert run.found == {"Bank.balance": ["test_race"]}
    assert run.report["summary"]["self_check"] == "ok"
    assert run.report["coverage"]["tests"] == 2
    assert [test.rpartition("::")[2] for test in run.report["coverage"]["alone"]] == ["test_fine"]
    assert {module["module"] for module in run.report["coverage"]["watched"]} == {"bank", "test_bank"}


def test_what_fails_is_for_options_markers_and_settings_to_say(project: Project) -> None:
    source = """\
class Tally:
    def __init__(self):
        self.number = 0

    def up(self):
        self.number += 1


def test_warning():
    tally = Tally()
    both(tally.up)

@pytest.mark.raceway(fail_on="warning")
def test_stricter():
    tally = Tally()
    both(tally.up)

@pytest.mark.raceway(allow=["lost-update"])
def test_allowed_kind():
    bank = Bank()
    both(lambda: bank.withdraw(1))

@pytest.mark.raceway(allow=["Bank.*"])
class TestAllowed:
    def test_variable(self):
        bank = Bank()
        both(lambda: bank.withdraw(1))

@pytest.mark.no_raceway
def test_ignored():
    bank = Bank()
    both(lambda: setattr(bank, "balance", 1))

@pytest.mark.raceway(alow=["lost-update"])
def test_wrong():
    pass

@pytest.mark.raceway(allow=["lost-updte"])
def test_no_kind():
    pass
"""
    project.write("test_bank.py", BOTH + source)
    run = project.test("--strict-markers")
    assert run.outcomes == {
        "test_warning": "passed" if has_gil() else "failed",
        "test_stricter": "failed",
        "test_allowed_kind": "passed",
        "TestAllowed::test_variable": "passed",
        "test_ignored": "passed",
        "test_wrong": "error",
        "test_no_kind": "error",
    }
    assert run.out.count("\nraceway: the marker raceway takes allow=[...] and fail_on=SEVERITY, not alow\n") == 1
    wrong = "allow of the marker raceway has 'lost-updte', which is no kind; did you mean 'lost-update'?"
    assert run.out.count(f"\nraceway: {wrong}\n") == 1
    assert "Traceback" not in run.out
    assert sorted(run.found) == ["Bank.balance", "Tally.number"]
    assert "test_ignored" not in str(run.report["findings"])
    assert project.test("--raceway-fail-on=warning").outcomes["test_warning"] == "failed"
    assert project.test("--raceway-fail-on=never").outcomes["test_stricter"] == "failed"
    project.write("pytest.ini", "[pytest]\nraceway = true\nraceway_fail_on = warning\nraceway_allow = Tally.*\n")
    assert set(project.test("-k", "not wrong and not kind", raceway=False).outcomes.values()) == {"passed"}
    refused = project.test("-o", "raceway_allow=lost-updte", raceway=False)
    assert refused.status == 4
    assert "raceway: raceway_allow has 'lost-updte', which is no kind; did you mean 'lost-update'?" in refused.out


def test_state_of_the_test_itself_is_told_apart(project: Project) -> None:
    source = """\
@pytest.fixture
def shared():
    return {"seen": 0}

def test_own(shared):
    def work():
        seen = shared["seen"]
        str(seen)
        shared["seen"] = seen + 1
    both(work)

class Product:
    def __init__(self):
        self.count = 0

    def up(self):
        count = self.count
        str(count)
        self.count = count + 1

@pytest.fixture
def product():
    return Product()

def test_product(product):
    both(product.up)
"""
    project.write("test_bank.py", BOTH + source)
    run = project.test()
    assert run.outcomes == {"test_own": "passed", "test_product": "failed"}
    states = {finding["variable"]: finding.get("state", "") for finding in run.report["findings"]}
    assert states == {"test_own.shared['seen']": "test", "Product.count": ""}
    project.write("pytest.ini", "[pytest]\nraceway_test_state = true\n")
    assert project.test().outcomes["test_own"] == "failed"


def test_unittest_cases_doctests_fixtures_and_expected_failures(project: Project) -> None:
    source = """\
class Case(unittest.TestCase):
    def test_case(self):
        bank = Bank()
        both(lambda: bank.withdraw(1))
        self.assertLess(bank.balance, 100)

@pytest.fixture
def racing():
    bank = Bank()
    both(lambda: bank.withdraw(1))
    yield bank
    both(lambda: bank.withdraw(1))

def test_with_fixture(racing):
    pass

@pytest.mark.xfail(strict=True)
def test_expected():
    bank = Bank()
    both(lambda: bank.withdraw(1))

def test_fails():
    bank = Bank()
    both(lambda: bank.withdraw(1))
    limit = [1]
    assert bank.balance == limit[0]
"""
    project.write("test_bank.py", BOTH + source)
    run = project.test("--doctest-modules")
    assert run.outcomes == {
        "bank.Bank": "passed",
        "Case::test_case": "failed",
        "test_with_fixture": "error",
        "test_expected": "xfail",
        "test_fails": "failed",
    }
    failed = run.out.partition(" test_fails ___")[2]
    assert "assert 98 == 1" in failed
    assert "where 98 = <bank.Bank object at" in failed
    assert "Captured raceway call" in failed


def test_asserts_are_told_as_ever_and_watched(project: Project) -> None:
    source = """\
import threading

import bank

class Holder:
    items = [1, 2, 3]

def test_attribute():
    holder = Holder()
    assert holder.items[1] == holder.items[2], f"{holder.items}"

def test_call():
    assert bank.Bank().check(-1)

def test_compare():
    assert {"a": [1, 2]} == {"a": [1, 3]}

def test_in():
    names = ["a"]
    assert "b" in names and names

def test_race():
    account = bank.Bank()

    def look():
        assert account.balance in (100, 99)

    threads = [threading.Thread(target=look), threading.Thread(target=account.withdraw, args=(1,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""
    project.write("test_bank.py", source)
    plain, watched = project.test(raceway=False), project.test()
    failures = [run.out.partition("= FAILURES =")[2].partition("= short test summary")[0] for run in (plain, watched)]
    failures = [text.partition("= raceway =")[0] for text in failures]
    assert [line.split(" at 0x")[0] for line in failures[1].splitlines()][:-1] == [
        line.split(" at 0x")[0] for line in failures[0].splitlines()
    ][: len(failures[1].splitlines()) - 1]
    assert watched.outcomes == plain.outcomes
    assert watched.report["not_seen"] == []
    assert watched.found == {"Bank.balance": ["test_race"]}
    assert {side["function"] for side in watched.report["findings"][0]["accesses"]} == {
        "test_race.<locals>.look",
        "Bank.withdraw",
    }


def test_what_no_test_found_fails_the_run(project: Project) -> None:
    project.write("conftest.py", BOTH + "bank = Bank()\nboth(lambda: bank.withdraw(1))\n")
    project.write("test_bank.py", "def test_nothing():\n    pass\n")
    run = project.test()
    assert run.outcomes == {"test_nothing": "passed"}
    assert run.status == 66
    assert "ERROR lost-update on Bank.balance" in run.out


def test_a_run_that_does_not_find_its_canary_is_invalid(project: Project) -> None:
    project.write("test_bank.py", "def test_nothing():\n    from raceway import _native\n    _native.stop()\n")
    run = project.test("--raceway-core=native")
    assert (run.status, run.report["summary"]["self_check"]) == (70, "failed")
    assert "self-check failed" in run.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--raceway-fail-on=loud"], "'loud' is not one of error, warning, info, never"),
        (["--raceway-include=a/b"], "is a path; globs are over dotted module names"),
        (["--raceway-html=/nowhere/page.html"], "cannot write /nowhere/page.html: No such file or directory"),
    ],
)
def test_a_setting_that_is_wrong_is_one_line(project: Project, words: list[str], told: str) -> None:
    run = project.test(*words)
    assert run.status == 4
    assert told in run.out
    assert "Traceback" not in run.out


def test_a_run_without_the_option_imports_nothing_of_it(project: Project) -> None:
    look = "import sys\ndef test_it():\n    assert {n for n in sys.modules if n.startswith('raceway')} == %s\n"
    project.write("test_bank.py", look % {"raceway", "raceway.pytest_plugin"})
    run = project.test("--raceway-json=report.json", raceway=False)
    assert run.status == 0
    assert "raceway: not watching: --raceway-json says how, but --raceway is not given\n" in run.out


def test_it_is_found_by_its_entry_point_once(project: Project) -> None:
    project.write("test_bank.py", BOTH + RACES)
    project.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    above = f"--rootdir={project.directory.parent}"  # which paths in findings are relative to, as ids of tests are
    run = project.test("-p", "raceway.pytest_plugin", above, autoload=True)
    assert " - lost-update on Bank.balance: project/bank.py:13\n" in run.out


def test_its_options_are_those_of_the_command_line() -> None:
    offered = {name for name, _metavar, _help in pytest_plugin.VALUED}
    flags = {setting.key for setting in SETTINGS if setting.about.kind is Kind.FLAG}
    ready = {setting.key for setting in OPTIONS} - flags - {"explain-on", "off-on"}  # for programs that run on and on
    assert ready <= offered
    assert offered - {setting.key for setting in SETTINGS} == {"config"}
    repeatable = {setting.key for setting in SETTINGS if setting.about.kind in (Kind.GLOBS, Kind.RULES)}
    assert repeatable == pytest_plugin.REPEATABLE


def test_importing_the_plugin_costs_nothing() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import raceway.pytest_plugin; print(set(sys.modules) - before)"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=clean_environ()
    )
    assert out.stdout.strip() in ("{'raceway', 'raceway.pytest_plugin'}", "{'raceway.pytest_plugin', 'raceway'}")
