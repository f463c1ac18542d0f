"""The commands on stored reports: rendering, baselines, comparing, and one clear line for what is wrong."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from raceway import cli
from raceway.model.baseline import of_report
from raceway.model.findings import Report
from raceway.model.kinds import FindingKind, Severity
from raceway.model.struct import replace
from raceway.report import encode_json
from raceway.report.json import decode_baseline, encode_baseline
from tests.report import samples
from tests.report.sarif_rules import faults

MILD = replace(samples.LOST_UPDATE, severity=Severity.WARNING)


def raceway(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command; its status."""
    monkeypatch.setattr(sys, "argv", ["raceway", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


def stored(path: Path, report: Report) -> str:
    """The path of a stored report."""
    path.write_bytes(encode_json(report))
    return str(path)


@pytest.fixture
def everything(tmp_path: Path) -> str:
    """A stored report that has something of everything."""
    return stored(tmp_path / "report.json", samples.EVERYTHING)


@pytest.mark.parametrize("name", ["text", "html", "sarif", "junit", "github", "markdown", "json"])
def test_a_stored_report_is_rendered_to_a_file_as_to_standard_output(
    name: str, everything: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8"))
    assert raceway(monkeypatch, "report", everything, "--format", name) == 0
    sys.stdout.flush()
    assert raceway(monkeypatch, "report", everything, "--format", name, "-o", str(tmp_path / "out")) == 0
    assert (tmp_path / "out").read_bytes() == raw.getvalue()
    assert len(raw.getvalue()) > 1000


def test_the_rendered_files_are_what_they_claim(
    everything: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert raceway(monkeypatch, "report", everything, "--format", "sarif", "-o", str(out)) == 0
    assert faults(json.loads(out.read_bytes())) == []
    assert raceway(monkeypatch, "report", everything, "--format", "junit", "-o", str(out)) == 0
    assert ET.parse(out).getroot().tag == "testsuites"
    assert raceway(monkeypatch, "report", everything, "--format", "json", "-o", str(out)) == 0
    assert out.read_bytes() == Path(everything).read_bytes()


def test_the_text_shows_what_is_asked_for(
    everything: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raceway(monkeypatch, "report", everything) == 0
    assert "INFO" not in capsys.readouterr().out
    assert raceway(monkeypatch, "report", everything, "--show", "info") == 0
    assert "INFO read-write" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["report"], ["diff"], ["baseline", "write"], ["baseline", "check"]])
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read: No such file or directory; give the file that --json wrote"),
        (b"", "the report is not whole JSON: .*; run the program again with --json"),
        (encode_json(samples.EVERYTHING)[:-9], "the report is not whole JSON: .*; run the program again with --json"),
        (b'{"schema": 7}', "the report has schema 7, and this Raceway reads schema 1; use the Raceway that wrote it"),
        (b"[1]", "this is not a Raceway report: .*; give the file that --json wrote"),
    ],
)
def test_a_file_that_is_no_report_is_one_line_and_status_2(
    command: list[str],
    content: bytes | None,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("odd.json").write_bytes(content)
    assert raceway(monkeypatch, *command, *(["odd.json"] * (1 + (command == ["diff"])))) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(rf"raceway {' '.join(command)}: error: odd\.json: {complaint}.* \[report-unreadable\]\n", error)


@pytest.mark.parametrize("command", [["report", "--format", "html"], ["report"], ["baseline", "write"]])
def test_a_path_that_cannot_be_written_is_one_line_and_status_2(
    command: list[str], everything: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raceway(monkeypatch, *command, everything, "-o", "/no/such/place") == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"raceway .*: error: cannot write /no/such/place: No such file or directory; give .*\n", error)


def test_a_baseline_is_written_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    old = stored(tmp_path / "old.json", samples.report(samples.COUNTER, samples.STOP_FLAG))
    new = stored(tmp_path / "new.json", samples.report(samples.LOST_UPDATE, samples.COUNTER))
    assert raceway(monkeypatch, "baseline", "write", old) == 0
    assert capsys.readouterr().out == "raceway-baseline.json: 2 known findings\n"
    assert decode_baseline(Path("raceway-baseline.json").read_bytes()).fingerprints() == {"90be11d2", "77aa01f0"}
    assert raceway(monkeypatch, "baseline", "check", old) == 0
    assert capsys.readouterr().out == "0 new findings, 2 known, 0 not found\n"
    assert raceway(monkeypatch, "baseline", "check", new) == 66
    assert capsys.readouterr().out.splitlines() == [
        "+ 3f2a90c1  error   lost-update on Account.balance  bank.py:12",
        "- 77aa01f0  read-write on Worker.stopping  worker.py",
        "1 new finding, 1 known, 1 not found",
    ]
    assert raceway(monkeypatch, "baseline", "check", new, "--fail-on", "never") == 0


def test_a_baseline_of_another_version_is_refused(
    everything: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = tmp_path / "known.json"
    known.write_bytes(encode_baseline(of_report(samples.EVERYTHING)).replace(b'"baseline": 2', b'"baseline": 99'))
    assert raceway(monkeypatch, "baseline", "check", everything, "--baseline", str(known)) == 2
    assert capsys.readouterr().err == (
        f"raceway baseline check: error: {known}: the baseline has version 99, and this Raceway reads version 2; "
        "write it again with raceway baseline write, from a new report [config]\n"
    )


@pytest.mark.parametrize("command", [["diff"], ["baseline", "write"], ["baseline", "check"]])
def test_a_report_of_other_fingerprints_is_compared_with_nothing(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    old = stored(tmp_path / "old.json", replace(samples.EVERYTHING, tool=replace(samples.TOOL, fingerprints=1)))
    assert raceway(monkeypatch, *command, *([old] * (1 + (command == ["diff"])))) == 2
    assert capsys.readouterr().err == (
        f"raceway {' '.join(command)}: error: {old}: the report has fingerprints of version 1, and this Raceway makes "
        "version 2; run the program again with --json [report-unreadable]\n"
    )
    assert not Path("raceway-baseline.json").exists()
    assert raceway(monkeypatch, "report", old) == 0


def test_a_difference_is_told_in_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stored(tmp_path / "a.json", samples.report(MILD, samples.COUNTER, samples.STOP_FLAG))
    after = stored(tmp_path / "b.json", samples.report(samples.LOST_UPDATE, samples.COUNTER, samples.AWAIT_GAP))
    assert raceway(monkeypatch, "diff", before, after) == 66
    assert capsys.readouterr().out.splitlines() == [
        "+ c0ffee00  error   await-gap on Cache.entries['a']  cache.py:20",
        "- 77aa01f0  info    read-write on Worker.stopping  worker.py:31",
        "~ 3f2a90c1  error   lost-update on Account.balance  bank.py:12 (was warning)",
        "1 new finding, 1 gone, 2 in both",
    ]
    assert raceway(monkeypatch, "diff", after, after) == 0
    assert raceway(monkeypatch, "diff", before, after, "--fail-on", "never") == 0


def test_every_kind_is_explained(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in FindingKind:
        assert raceway(monkeypatch, "explain", kind.value) == 0
        text = capsys.readouterr().out
        assert text.startswith(f"{kind.value}\n")
        assert all(part in text for part in ("Like this:", "Better:", "What to do:"))
    assert raceway(monkeypatch, "explain") == 0
    listed = capsys.readouterr().out
    assert all(f"{kind.value} " in listed for kind in FindingKind)
    assert raceway(monkeypatch, "explain", "lost-updates") == 2
    assert (
        capsys.readouterr().err
        == "raceway explain: error: there is no kind 'lost-updates'; did you mean lost-update? [config]\n"
    )


@pytest.mark.parametrize("asked", ["report-unreadable", "[report-unreadable]"])
def test_a_message_is_explained_by_its_slug(
    asked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raceway(monkeypatch, "explain", asked) == 0
    text = capsys.readouterr().out
    assert text.startswith("report-unreadable\n\nA file that should be a JSON report of Raceway is none")
    assert "\n\nRemedy: run the program again" in text
    assert max(map(len, text.splitlines())) <= 88
    assert raceway(monkeypatch, "explain", "suppression-expird") == 2
    assert "did you mean suppression-expired?" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(everything: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "wb", buffering=0) as raw, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8", write_through=True))
        assert raceway(patched, "report", everything, "--format", "markdown") == 0
        raw.close()
