"""Report files: what is wrong with one is told in a line that names it, and writing tells how far it is."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from raceway.errors import ConfigError, NotWrittenError, ReportError
from raceway.model.baseline import IN_BASELINE, of_report
from raceway.model.struct import replace
from raceway.report import encode_json, formats
from raceway.report.files import Progress, read_baseline, read_report, write_bytes, write_file, write_stream
from raceway.report.json import decode_baseline, encode_baseline
from tests.report import samples


def test_a_report_reads_back(tmp_path: Path) -> None:
    write_file(samples.EVERYTHING, "json", str(tmp_path / "report.json"))
    assert read_report(str(tmp_path / "report.json")) == samples.EVERYTHING


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"schema": 9}', "has schema 9, and this Raceway reads schema 1; use the Raceway that wrote it"),
        (encode_json(samples.QUIET)[:200], "is not whole JSON: .*; run the program again with --json"),
        (b"\x00\xff", "not whole JSON"),
        (None, "cannot be read: No such file or directory; give the file that --json wrote"),
    ],
)
def test_a_file_that_is_no_report_is_named_with_cause_and_remedy(
    content: bytes | None, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReportError, match=rf"^{path}: .*{complaint}") as caught:
        read_report(str(path))
    assert "\n" not in str(caught.value)


def test_a_baseline_knows_the_findings_of_a_report_and_what_was_known_before() -> None:
    old = replace(samples.STOP_FLAG, suppressed=IN_BASELINE)
    suppressed = replace(samples.AWAIT_GAP, suppressed="suppress: later")
    report = replace(samples.report(samples.LOST_UPDATE, samples.COUNTER), suppressed=(old, suppressed))
    baseline = of_report(report)
    assert baseline.fingerprints() == {"3f2a90c1", "90be11d2", "77aa01f0"}
    assert decode_baseline(encode_baseline(baseline)) == baseline
    assert decode_baseline(encode_json(samples.report(samples.COUNTER))).fingerprints() == {"90be11d2"}
    assert encode_baseline(baseline).startswith(b'{\n  "baseline": 2,')


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"baseline": 1, "findings": []}', "has version 1, and this Raceway reads version 2; write it again with"),
        (b'{"baseline": 2, "findings": [{}]}', "does not keep to version 2: .*; write it again with"),
        (b'{"baseline": 1', "not whole JSON: .*; write it again with raceway baseline write"),
        (b'{"schema": 3}', "has schema 3"),
        (
            encode_json(replace(samples.QUIET, tool=replace(samples.TOOL, fingerprints=1))),
            "has fingerprints of version 1, and this Raceway makes version 2; run the program again with --json",
        ),
        (b"{}", "is not a Raceway report"),
    ],
)
def test_a_baseline_of_another_version_is_refused(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"^{path}: .*{complaint}"):
        read_baseline(str(path))


@pytest.mark.parametrize("name", ["html", "json", "sarif", "junit"])
def test_a_path_that_cannot_be_written_is_told_with_a_remedy(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotWrittenError, match=rf"cannot write {tmp_path}: Is a directory; give a path that can be"):
        write_file(samples.EVERYTHING, name, str(tmp_path))
    with pytest.raises(NotWrittenError, match="No such file or directory"):
        write_bytes(str(tmp_path / "no" / "where"), b"")


def test_a_fault_in_a_renderer_costs_its_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_report: object) -> list[str]:
        raise KeyError("oops")

    monkeypatch.setattr(formats, "form", lambda _name: broken)
    with pytest.raises(NotWrittenError, match=r"cannot write .*: KeyError: 'oops'"):
        write_file(samples.EVERYTHING, "html", str(tmp_path / "report.html"))


def test_a_reader_that_is_gone_is_no_error() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "wb") as stream:
        write_stream(samples.EVERYTHING, "markdown", stream)
        with pytest.raises(BrokenPipeError):
            stream.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def clock(*times: float) -> Callable[[], float]:
    """A clock that tells these times, one after the other."""
    return iter(times).__next__


def test_writing_that_is_quick_shows_nothing() -> None:
    stream = io.StringIO()
    progress = Progress(stream, "report.html", 3, clock(0.0, 0.2, 0.4))
    progress(1)
    progress(2)
    progress.clear()
    assert stream.getvalue() == ""


def test_writing_that_takes_long_is_told_now_and_then_and_leaves_nothing() -> None:
    stream = io.StringIO()
    progress = Progress(stream, "report.html", 5000, clock(0.0, 1.5, 1.55, 1.7))
    for number in (1000, 1001, 6000):
        progress(number)
    progress.clear()
    lines = stream.getvalue().split("\r\x1b[K")
    assert lines == [
        "",
        "raceway: writing report.html: 1,000 of 5,000 findings",
        "raceway: writing report.html: 5,000 of 5,000 findings",
        "",
    ]
