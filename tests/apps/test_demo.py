"""The demo's checker on hand-made reports, and both services with their load client on plain Python."""

from __future__ import annotations

import http.client
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.apps import demo

EXPECTATIONS = demo.load_expectations(demo.BANK)
PLANTED = {planted.name: planted for planted in EXPECTATIONS.race}
CALLER = {"file": "fixtures/apps/bank/routes.py", "line": 1, "function": "transfer"}
SERVICES = (demo.BANK, demo.BANK_FIXED)


def access(place: demo.Place, actor: str) -> dict[str, Any]:
    """One side of a finding, at a place of `bank`."""
    position = {
        "file": f"fixtures/apps/bank/{place.file}",
        "line": demo.line_of(demo.BANK, place),
        "function": place.function,
    }
    return position | {"actor": {"kind": "thread", "name": actor}, "stack": [position, CALLER]}


def finding(planted: demo.Planted, pair: int = 0) -> dict[str, Any]:
    """A finding that shows a planted race."""
    first, second = (planted.places[name] for name in planted.pairs[pair])
    return {
        "kind": planted.kind,
        "severity": "error",
        "variable": planted.variable,
        "accesses": [access(first, "Thread-1"), access(second, "Thread-2")],
    }


def report(*findings: dict[str, Any], **summary: int) -> demo.Report:
    """A report of these findings, decoded as the demo decodes it. The summary is that of a run that saw everything."""
    counts = {"error": len(findings), "warning": 0, "modules": 11, "accesses": 5000, "dropped": 0} | summary
    document = {"schema": 1, "summary": counts, "findings": findings, "not_seen": []}
    return msgspec.json.decode(msgspec.json.encode(document), type=demo.Report)


def names_found(*findings: dict[str, Any]) -> set[str]:
    """The planted races that these findings show."""
    return {name for name, shown in demo.found(report(*findings), EXPECTATIONS, demo.BANK).items() if shown}


def plain(directory: Path, scratch: Path) -> list[str]:
    """The command that starts a service on plain Python; it announces itself and keeps its files in `scratch`."""
    options = ["--port", "0", "--ready-file", str(scratch / "ready"), "--data", str(scratch)]
    return [sys.executable, str(directory / "app.py"), *options]


def test_every_expected_place_is_one_line_of_the_service() -> None:
    for planted in EXPECTATIONS.race:
        for place in planted.places.values():
            assert demo.line_of(demo.BANK, place) > 0
        assert {name for pair in planted.pairs for name in pair} == set(planted.places)


def test_the_races_of_the_specification_are_planted() -> None:
    kinds = [planted.kind for planted in EXPECTATIONS.race]
    assert {"lost-update", "check-then-act", "double-init", "iteration-mutation"} <= set(kinds)


def test_a_report_of_all_planted_races_is_accepted() -> None:
    full = report(*(finding(planted) for planted in EXPECTATIONS.race))
    assert all(demo.found(full, EXPECTATIONS, demo.BANK).values())
    assert demo.others(full, EXPECTATIONS, demo.BANK) == []


@pytest.mark.parametrize("name", PLANTED)
def test_every_pair_is_accepted_in_either_order(name: str) -> None:
    for pair in range(len(PLANTED[name].pairs)):
        shown = finding(PLANTED[name], pair)
        assert names_found(shown) == {name}
        shown["accesses"].reverse()
        assert names_found(shown) == {name}


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize(
    ("field", "value"), [("kind", "write-write"), ("variable", "Account.name"), ("severity", "info"), ("accesses", [])]
)
def test_a_finding_with_another_field_is_not_the_planted_race(name: str, field: str, value: object) -> None:
    assert names_found(finding(PLANTED[name]) | {field: value}) == set()


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("line", 1),
        ("file", "fixtures/apps/bank_fixed/transfers.py"),
        ("function", "Teller.transfer"),
        ("stack", []),
        ("stack", [CALLER, CALLER]),
    ],
)
def test_both_sides_need_their_place_and_their_stack(side: int, field: str, value: object) -> None:
    shown = finding(PLANTED["lost update of a balance"])
    shown["accesses"][side][field] = value
    assert names_found(shown) == set()


def test_a_stack_of_one_frame_is_no_stack() -> None:
    shown = finding(PLANTED["lost update of a balance"])
    del shown["accesses"][1]["stack"][1:]
    assert names_found(shown) == set()


def test_two_sides_by_one_actor_are_no_race() -> None:
    shown = finding(PLANTED["lost update of a balance"])
    shown["accesses"][0]["actor"] = shown["accesses"][1]["actor"]
    assert names_found(shown) == set()


def test_paths_may_be_absolute() -> None:
    shown = finding(PLANTED["lost update of a balance"])
    for side in shown["accesses"]:
        side["file"] = str(demo.ROOT / side["file"])
        side["stack"][0]["file"] = side["file"]
    assert names_found(shown) == {"lost update of a balance"}


def test_findings_that_were_not_planted_are_told_unless_listed_or_info() -> None:
    stray = finding(PLANTED["lost update of a balance"]) | {"kind": "write-write"}
    listed = stray | {"kind": EXPECTATIONS.also[0].kind, "variable": EXPECTATIONS.also[0].variable}
    told = demo.others(report(stray, listed, stray | {"severity": "info"}), EXPECTATIONS, demo.BANK)
    assert [one.kind for one in told] == ["write-write"]


def test_a_silent_report_of_a_watched_service_is_free_of_races() -> None:
    info = finding(PLANTED["account opened twice"]) | {"severity": "info"}
    assert demo.complaints(report(), demo.BANK_FIXED) == []
    assert demo.complaints(report(info, error=0), demo.BANK_FIXED) == []


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_errors_and_warnings_are_complaints(severity: str) -> None:
    shown = finding(PLANTED["account opened twice"]) | {"severity": severity}
    (complaint,) = demo.complaints(report(shown), demo.BANK_FIXED)
    assert severity in complaint
    assert "accounts.py" in complaint


@pytest.mark.parametrize("summary", [{"warning": 1}, {"modules": 10}, {"accesses": 0}, {"dropped": 3}])
def test_silence_of_a_run_that_did_not_see_everything_is_a_complaint(summary: dict[str, int]) -> None:
    assert len(demo.complaints(report(**summary), demo.BANK_FIXED)) == 1


def test_an_ambiguous_source_text_is_told() -> None:
    with pytest.raises(demo.DemoError, match="lines hold"):
        demo.line_of(demo.BANK, demo.Place("accounts.py", "AccountCache.open", "self._accounts"))


@pytest.mark.parametrize("wrong", [True, False])
def test_the_exit_status_tells_whether_every_run_was_as_expected(wrong: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = report(*(finding(one) for one in EXPECTATIONS.race[int(wrong) :]))
    monkeypatch.setattr(
        demo, "run_service", lambda directory, *_: (planted if directory == demo.BANK else report(), "text", "load")
    )
    assert demo.main([]) == int(wrong)
    assert demo.main(["--only", "bank_fixed", "--runs", "2"]) == 0


def test_a_run_that_fails_is_not_as_expected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise demo.DemoError("the service ended at once")

    monkeypatch.setattr(demo, "run_service", fail)
    assert demo.main(["--only", "bank_fixed"]) == 1
    assert "the service ended at once" in capsys.readouterr().out


@pytest.mark.parametrize("directory", SERVICES, ids=lambda directory: directory.name)
def test_a_service_answers_the_load_and_ends_with_status_0(directory: Path, tmp_path: Path) -> None:
    ready_file, log = tmp_path / "ready", tmp_path / "log"
    with demo.service(plain(directory, tmp_path), log) as process:
        url = f"http://127.0.0.1:{demo.wait_for_port(process, ready_file)}"
        printed = demo.put_load_on(url, rounds=3)
        demo.shut_down(process, url)
    assert "answered: 48 of 48 requests" in printed
    assert process.returncode == 0
    if directory == demo.BANK_FIXED:
        assert "Traceback" not in log.read_text(encoding="utf-8")
        assert "expected 4000000, actual 4000000" in printed


def test_a_service_that_nobody_stops_is_stopped(tmp_path: Path) -> None:
    ready_file = tmp_path / "ready"
    with demo.service(plain(demo.BANK, tmp_path), tmp_path / "log") as process:
        port = demo.wait_for_port(process, ready_file)
    assert process.returncode is not None
    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()


def test_a_service_that_ends_at_once_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    with (
        demo.service(command, tmp_path / "log") as process,
        pytest.raises(demo.DemoError, match="with status 3"),
    ):
        demo.wait_for_port(process, tmp_path / "ready")


def test_the_load_client_fails_when_nothing_answers() -> None:
    with pytest.raises(demo.DemoError, match="status 1"):
        demo.put_load_on("http://127.0.0.1:9", rounds=1)


def test_the_services_know_nothing_of_raceway() -> None:
    for directory in SERVICES:
        for path in directory.glob("*.py"):
            assert "raceway" not in path.read_text(encoding="utf-8").lower()


def test_the_load_client_checks_its_options() -> None:
    finished = subprocess.run(
        [sys.executable, str(demo.CLIENT), "http://127.0.0.1:9", "--workers", "1"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert finished.returncode == 2
    assert "two workers" in finished.stderr
