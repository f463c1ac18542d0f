"""Published packages with documented races: the checker that looks for them in a report, and the cases themselves."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from tests.conftest import ROOT

WILD = ROOT / "fixtures" / "apps" / "wild"


def load() -> ModuleType:
    """The script as a module; it lies in no package."""
    spec = importlib.util.spec_from_file_location("wild_run", WILD / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # msgspec resolves the annotations of a struct in the module that defines it.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


wild = load()
CASES: dict[str, Any] = wild.cases()

COUNTER = wild.Expected(
    kind="lost-update", file="shop/stock.py", lines=((10, 12), (20, 20)), variable="*.count", severity="warning"
)


def reported(*sides: tuple[str, int], **changes: str) -> Any:
    """A finding that is the documented race but for the given sides and changes."""
    fields = {"kind": "lost-update", "severity": "error", "confidence": "observed", "variable": "Stock.count"} | changes
    accesses = [{"file": file, "line": line} for file, line in sides or [("shop/stock.py", 11), ("shop/stock.py", 20)]]
    return msgspec.convert({**fields, "accesses": accesses}, wild.Reported)


def why(*findings: Any) -> str:
    """Why the documented race is not among the findings, empty when it is."""
    result = wild.outcome(COUNTER, findings)
    assert (result.found is None) == bool(result.why)
    text = result.why
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    "finding",
    [
        reported(),
        reported(("shop/stock.py", 20), ("shop/stock.py", 12)),
        reported(("/v/lib/site-packages/shop/stock.py", 10), ("/v/lib/site-packages/shop/stock.py", 20)),
        reported(("shop/stock.py", 10), ("other.py", 3), ("shop/stock.py", 20)),
        reported(severity="warning", confidence="unordered"),
    ],
    ids=["exact", "sides-swapped", "absolute-paths", "third-access", "least-severity"],
)
def test_the_documented_race_is_found(finding: Any) -> None:
    assert why(finding) == ""


@pytest.mark.parametrize(
    ("finding", "difference"),
    [
        (reported(kind="read-write"), "kind read-write"),
        (reported(variable="Stock.total"), "variable Stock.total"),
        (reported(severity="info"), "severity info"),
        (reported(severity="info", kind="write-write"), "severity info, kind write-write"),
        (reported(("shop/stock.py", 11), ("shop/stock.py", 21)), "nothing at these lines"),
        (reported(("shop/stock.py", 11), ("shop/stock.py", 11)), "nothing at these lines"),
        (reported(("shop/stock.py", 11), ("workshop/stock.py", 20)), "nothing at these lines"),
        (reported(("workshop/stock.py", 11), ("workshop/stock.py", 20)), "nothing at these lines"),
    ],
)
def test_anything_else_is_a_miss_that_says_why(finding: Any, difference: str) -> None:
    assert why(finding) == difference


def test_one_access_is_not_two_sides() -> None:
    same = msgspec.structs.replace(COUNTER, lines=((10, 12), (10, 12)))
    assert wild.outcome(same, [reported(("shop/stock.py", 11), ("app.py", 1))]).found is None
    assert wild.outcome(same, [reported(("shop/stock.py", 11), ("shop/stock.py", 11))]).found is not None


def test_a_miss_names_the_closest_finding() -> None:
    assert why(reported(kind="write-write", severity="info"), reported(kind="read-write")) == "kind read-write"
    assert why() == "nothing at these lines"


def test_findings_beyond_the_documented_ones_are_told_apart() -> None:
    case = wild.Case(package="shop", version="1.0", include="shop", finding=(COUNTER,))
    surplus = reported(("shop/till.py", 1), ("shop/till.py", 2), variable="Till.open")
    report = wild.Report(findings=(surplus, reported()))
    outcomes = wild.check(case, report)
    assert [result.found for result in outcomes] == [reported()]
    assert wild.others(outcomes, report) == (surplus,)
    assert surplus.text == "error lost-update observed Till.open: shop/till.py:1 / shop/till.py:2"


def test_a_report_of_raceway_is_read() -> None:
    access = {"operation": "read", "file": "a.py", "line": 3, "column": 0, "stack": []}
    finding = {"kind": "read-write", "severity": "info", "confidence": "unordered", "variable": "x", "count": 2}
    document = msgspec.json.encode({"schema": 1, "findings": [finding | {"accesses": [access]}], "not_seen": []})
    report = msgspec.json.decode(document, type=wild.Report)
    assert [found.text for found in report.findings] == ["info read-write unordered x: a.py:3"]


def test_the_table_has_one_row_per_documented_race() -> None:
    case = wild.Case(package="shop", version="1.0", include="shop", finding=(COUNTER,))
    missed = wild.check(case, wild.Report(findings=()))
    found = wild.check(case, wild.Report(findings=(reported(),)))
    assert wild.table([*wild.rows("shop", missed), *wild.rows("shop", found)]).splitlines() == [
        "shop  lost-update  shop/stock.py:10-12 / 20  MISSED: nothing at these lines",
        "shop  lost-update  shop/stock.py:10-12 / 20  found, observed",
    ]


def test_settings_of_the_developer_do_not_reach_the_run() -> None:
    environ = {"RACEWAY_CORE": "pure", "PYTHONPATH": "/x", "HOME": "/h", "WILD_CACHE": "/c"}
    assert wild.clean_environ(environ) == {"HOME": "/h", "WILD_CACHE": "/c"}


def scripted(monkeypatch: pytest.MonkeyPatch, findings: Sequence[Any]) -> None:
    """Give every case the same report instead of running it."""
    monkeypatch.setattr(wild, "prepare", lambda case, environment: sys.executable)
    monkeypatch.setattr(wild, "watch", lambda *place: wild.Report(findings=tuple(findings)))


def test_the_status_tells_whether_all_were_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    case = wild.Case(package="shop", version="1.0", include="shop", finding=(COUNTER,))
    monkeypatch.setattr(wild, "cases", lambda: {"shop": case})
    command_line = ["--verbose", "--cache", str(tmp_path)]
    scripted(monkeypatch, [reported(), reported(variable="Stock.total")])
    assert wild.main(command_line) == 0
    assert "Stock.total" in capsys.readouterr().out
    scripted(monkeypatch, [])
    assert wild.main(command_line) == 1
    assert "MISSED" in capsys.readouterr().out


def test_a_case_that_cannot_run_fails_and_the_rest_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    case = wild.Case(package="shop", version="1.0", include="shop", finding=(COUNTER,))
    broken = msgspec.structs.replace(case, package="broken")
    monkeypatch.setattr(wild, "cases", lambda: {"broken": broken, "shop": case})
    scripted(monkeypatch, [reported()])

    def prepare(case: Any, environment: Path) -> str:
        if case.package == "broken":
            raise wild.RunFailedError("no such version")
        return sys.executable

    monkeypatch.setattr(wild, "prepare", prepare)
    assert wild.main(["--cache", str(tmp_path)]) == 1
    output = capsys.readouterr()
    assert "FAILED" in output.out
    assert "found, observed" in output.out
    assert "broken: no such version" in output.err


def test_a_run_without_a_report_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ended = subprocess.CompletedProcess((), 1, stdout="", stderr="boom\n")
    monkeypatch.setattr(wild, "execute", lambda command, timeout, directory: ended)
    stale = tmp_path / "report.json"
    stale.write_text('{"findings": []}', encoding="utf-8")
    with pytest.raises(wild.RunFailedError, match="no report, status 1:\nboom"):
        wild.watch(sys.executable, CASES["paho-mqtt"], tmp_path, stale)


def test_a_command_that_cannot_be_started_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(wild.RunFailedError, match="python"):
        wild.execute([tmp_path / "python"], 10)


def test_an_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        wild.main(["nowhere"])
    assert "no such case: nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_whole(name: str) -> None:
    case = CASES[name]
    assert case.finding
    for expected in case.finding:
        assert expected.severity in wild.SEVERITIES
        assert all(0 < low <= high for low, high in expected.lines)
    readme = (WILD / name / "README.md").read_text(encoding="utf-8")
    assert f"{case.package} {case.version}" in readme
    assert re.search(r"https://github\.com/\S+/(issues|pull)/\d+", readme)
    driver = (WILD / name / "driver.py").read_text(encoding="utf-8")
    assert "threading.Thread(" in driver or "asyncio.gather(" in driver
    assert not re.search(r"sleep|Barrier|setswitchinterval|assert|Lock\(|Event\(", driver)


@pytest.mark.parametrize("name", CASES)
def test_the_documented_races_are_found_where_the_package_is_installed(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    try:
        installed = importlib.metadata.version(case.package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{case.package} is not installed; fixtures/apps/wild/run.py installs and runs it")
    if installed != case.version:
        pytest.skip(f"{case.package} {installed} is installed, the race is in {case.version}")
    outcomes = wild.check(case, wild.watch(sys.executable, case, WILD / name, tmp_path / "report.json"))
    assert [result.why for result in outcomes] == [""] * len(outcomes)
