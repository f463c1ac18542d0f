"""The text report reads as the goldens do, in colours on a terminal, and takes any content and any stream.

`RACEWAY_UPDATE_GOLDENS=1` writes the goldens anew; read the difference before you keep it.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from raceway.model.findings import Actor, Finding, Report
from raceway.model.kinds import Confidence, FindingKind, Severity
from raceway.model.struct import replace
from raceway.report import render_text
from tests.report import samples
from tests.report.strategies import reports

GOLDENS = Path(__file__).parent / "goldens"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def rendered(report: Report, *, show: Severity = Severity.WARNING, fail_on: Severity | None = Severity.ERROR) -> str:
    stream = io.StringIO()
    render_text(report, stream, show=show, fail_on=fail_on)
    return stream.getvalue()


def on_terminal(
    monkeypatch: pytest.MonkeyPatch, report: Report, *, columns: int, show: Severity = Severity.WARNING
) -> str:
    """What a terminal of this width gets, whatever terminal the tests run in."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    render_text(report, stream, show=show, fail_on=Severity.ERROR)
    return stream.getvalue()


def with_source(source: str, column: int, end_column: int) -> Report:
    side = replace(samples.LOST_UPDATE.accesses[0], source=source, column=column, end_column=end_column, stack=())
    return samples.report(replace(samples.LOST_UPDATE, accesses=(side,), steps=()))


def excerpt(report: Report) -> list[str]:
    """The line of source and the line of carets, without their gutters."""
    return [line.split("| ", 1)[1] for line in rendered(report).splitlines() if "| " in line]


DEEP = replace(
    samples.STOP_FLAG,
    severity=Severity.WARNING,
    kind=FindingKind.WRONG_THREAD,
    confidence=Confidence.PREDICTED,
    variable="Loop",
)

CASES: dict[str, tuple[Report, Severity]] = {
    "three_findings": (
        samples.report(samples.COUNTER, samples.LOST_UPDATE, samples.STOP_FLAG, not_seen=samples.NOT_SEEN),
        Severity.WARNING,
    ),
    "every_severity": (
        samples.report(samples.STOP_FLAG, DEEP, samples.LOCK_CYCLE, samples.COUNTER, samples.AWAIT_GAP),
        Severity.INFO,
    ),
    "suppressions": (
        replace(
            samples.report(samples.LOST_UPDATE),
            summary=replace(samples.WATCHED, error=1, suppressed=1),
            suppressed=(samples.KNOWN,),
            notes=samples.NOTES,
        ),
        Severity.WARNING,
    ),
    "free_threaded": (samples.report(samples.COUNTER, gil=False), Severity.WARNING),
    "all_hidden": (samples.report(samples.COUNTER, samples.STOP_FLAG), Severity.ERROR),
    "no_races": (samples.QUIET, Severity.WARNING),
    "no_races_but_gaps": (
        replace(samples.report(not_seen=samples.NOT_SEEN[:1]), summary=replace(samples.WATCHED, suppressed=4)),
        Severity.WARNING,
    ),
    "one_actor": (replace(samples.QUIET, summary=replace(samples.WATCHED, actors=1)), Severity.WARNING),
    "nothing_watched": (replace(samples.QUIET, summary=replace(samples.WATCHED, modules=0)), Severity.WARNING),
    "do_not_rely": (
        replace(samples.QUIET, summary=replace(samples.WATCHED, self_check="failed", dropped=1200)),
        Severity.WARNING,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_plain_text_is_as_agreed(name: str) -> None:
    report, show = CASES[name]
    golden = GOLDENS / f"{name}.txt"
    text = rendered(report, show=show)
    if os.environ.get("RACEWAY_UPDATE_GOLDENS") == "1":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_golden_belongs_to_a_case() -> None:
    assert {path.stem for path in GOLDENS.glob("*.txt")} == set(CASES)


def test_errors_come_before_warnings_and_the_order_within_is_kept() -> None:
    second = replace(samples.LOST_UPDATE, fingerprint="second")
    text = rendered(samples.report(samples.COUNTER, samples.LOST_UPDATE, second))
    marks = [text.index(f"[{one.fingerprint}]") for one in (samples.LOST_UPDATE, second, samples.COUNTER)]
    assert marks == sorted(marks)


@pytest.mark.parametrize(
    ("show", "hidden"),
    [
        (Severity.ERROR, "raceway: 1 error (1 warning, 1 info hidden, show with --show info); watched"),
        (Severity.WARNING, "raceway: 1 error, 1 warning (1 info hidden, show with --show info); watched"),
        (Severity.INFO, "raceway: 1 error, 1 warning, 1 info; watched"),
    ],
)
def test_hidden_findings_are_counted_with_the_option_that_shows_them(show: Severity, hidden: str) -> None:
    text = rendered(samples.report(samples.LOST_UPDATE, samples.COUNTER, samples.STOP_FLAG), show=show)
    assert hidden in text
    assert (samples.STOP_FLAG.message in text) is (show is Severity.INFO)


def test_a_run_that_fell_back_to_the_pure_core_says_why_and_what_to_do() -> None:
    report = samples.report(samples.COUNTER)
    assert "native-core-missing" not in rendered(report)
    fallen = replace(report, tool=replace(report.tool, core="pure", fallback="the native core cannot be loaded (why)"))
    assert rendered(fallen).count("native-core-missing: the native core cannot be loaded (why)") == 1
    assert "remedy: install Raceway again" in rendered(fallen)


@pytest.mark.parametrize("gil", [True, False])
def test_the_pure_core_admits_its_switch_points_where_there_is_a_gil(gil: bool) -> None:
    report = samples.report(samples.COUNTER, gil=gil)
    assert "its probes let threads switch" not in rendered(report)
    pure = replace(report, tool=replace(report.tool, core="pure"))
    assert ("its probes let threads switch" in rendered(pure)) is gil


@pytest.mark.parametrize(
    ("findings", "fail_on", "last"),
    [
        ([samples.COUNTER], Severity.ERROR, "1 warning; `--fail-on warning` makes it fail the run"),
        ([samples.COUNTER] * 2, Severity.ERROR, "2 warnings; `--fail-on warning` makes them fail the run"),
        ([samples.COUNTER], Severity.WARNING, "raceway: "),
        ([samples.COUNTER], None, "raceway: "),
        ([samples.LOST_UPDATE], Severity.ERROR, "raceway: "),
        ([samples.LOST_UPDATE, samples.COUNTER], Severity.ERROR, "raceway: "),
        ([], Severity.ERROR, "raceway: "),
    ],
)
def test_the_last_line_says_how_warnings_fail_the_run(
    findings: list[Finding], fail_on: Severity | None, last: str
) -> None:
    assert rendered(samples.report(*findings), fail_on=fail_on).splitlines()[-1].startswith(last)


@pytest.mark.parametrize(
    ("source", "column", "end_column", "shown"),
    [
        ("    a.b = 1", 4, 7, ["a.b = 1", "^^^"]),
        ("\ta.b\t= 1", 1, 8, ["a.b    = 1", "^" * 10]),
        ("  名前.b = 1", 2, 6, ["名前.b = 1", "^" * 6]),
        ("  e\u0301.b = 1", 2, 6, ["e\u0301.b = 1", "^" * 3]),
        ("  x = '\x1b[31m' + a.b", 16, 19, ["x = '\\x1b[31m' + a.b", " " * 17 + "^^^"]),
        ("  total(a.b,", 8, 3, ["total(a.b,", " " * 6 + "^^^^"]),
        ("  total(a.b,", 8, 90, ["total(a.b,", " " * 6 + "^^^^"]),
        ("  abc.d = 1", 2, 4, ["abc.d = 1", "^"]),
        ("self.balance = current", 8, 20, ["self.balance = current"]),
        ("    a.b = 1", 2, 5, ["a.b = 1"]),
        ("    a.b = 1", -1, 5, ["a.b = 1"]),
        ("a.b = 1", 900, 903, ["a.b = 1"]),
        ("  a.b = 1\nc.d = 2", 2, 5, ["a.b = 1", "^^^"]),
        ("   ", 1, 2, []),
        ("", 0, 0, []),
    ],
)
def test_carets_stand_under_the_access_or_are_left_out(
    source: str, column: int, end_column: int, shown: list[str]
) -> None:
    assert excerpt(with_source(source, column, end_column)) == shown


def test_a_long_line_shows_the_part_around_the_access() -> None:
    source = f"x = {'a + ' * 200}self.balance + {'b + ' * 200}c"
    text, carets = excerpt(with_source(source, 804, 816))
    assert len(text) < 160
    assert text.startswith("...")
    assert text.endswith("...")
    assert text[carets.index("^") : len(carets)] == "self.balance"


@pytest.mark.parametrize("at", [0, 3, 400, 797])
def test_an_access_longer_than_the_room_is_marked_as_far_as_it_is_shown(at: int) -> None:
    text, carets = excerpt(with_source("a + " * 200 + "a", (at // 4) * 4, 801))
    assert len(carets.rstrip()) <= len(text)
    assert "^" in carets


def test_names_cannot_move_the_cursor_or_add_lines() -> None:
    wicked = "\x1b[2Jname\r\n\u202e\u2028\x9b"
    side = replace(samples.LOST_UPDATE.accesses[0], actor=Actor("thread", wicked), file=wicked, locks=(wicked,))
    plain = rendered(samples.report(samples.LOST_UPDATE))
    text = rendered(samples.report(replace(samples.LOST_UPDATE, variable=wicked, accesses=(side, side))))
    assert "on \\x1b[2Jname\\r\\n\\u202e\\u2028\\x9b [3f2a90c1]" in text
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\r" not in plain


def test_plain_text_is_ascii_where_the_program_is() -> None:
    for report, show in CASES.values():
        assert rendered(report, show=show).isascii()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16", "shift_jis"])
def test_a_narrow_stream_gets_escapes_and_carets_that_fit_them(encoding: str) -> None:
    report = with_source("  konto_ü['日本'] = x.y", 18, 21)
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    render_text(report, stream, show=Severity.INFO, fail_on=None)
    lines = raw.getvalue().decode(encoding).splitlines()
    source, carets = (line.split("| ", 1)[1] for line in lines if "| " in line)
    wide = sum(character in "日本" for character in source)
    assert source.index("x.y") + wide == carets.index("^")
    if encoding == "ascii":
        assert source == "konto_\\xfc['\\u65e5\\u672c'] = x.y"


def test_a_lone_surrogate_is_escaped_on_every_stream() -> None:
    report = samples.report(replace(samples.LOST_UPDATE, variable="caf\udce9"))
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    render_text(report, stream, show=Severity.INFO, fail_on=None)
    assert "on caf\\udce9 [" in rendered(report)


@pytest.mark.parametrize("name", CASES)
def test_a_terminal_gets_the_same_text_in_colours(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    report, show = CASES[name]
    text = on_terminal(monkeypatch, report, columns=200, show=show)
    assert ESCAPE.sub("", text) == rendered(report, show=show)


def test_a_terminal_shows_severities_and_fixes_in_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    text = on_terminal(monkeypatch, samples.report(samples.LOST_UPDATE, samples.COUNTER), columns=80)
    for coloured in ("\x1b[1;31mERROR\x1b[0m", "\x1b[1;33mWARNING\x1b[0m", "\x1b[1;32mfix: \x1b[0m"):
        assert coloured in text


def test_a_terminal_breaks_sentences_at_its_width_and_leaves_places_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    report, show = CASES["three_findings"]
    lines = ESCAPE.sub("", on_terminal(monkeypatch, report, columns=46, show=show)).splitlines()
    assert "  teller-1 computed a new Account.balance from" in lines
    assert "  fix: Hold Bank.lock in Account.reset too:" in lines
    assert "    it already guards the other side." in lines
    assert any("... 3 frames of threading ..." in line for line in lines)
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("numbers", "heads"),
    [
        ((6, 7), ["Thread-6", "Thread-7"]),
        ((6, 6), ["...s_everything_of_a_connection_request)", "..._everything_of_a_connection_requests)"]),
    ],
)
def test_a_long_name_in_a_head_loses_its_function_first(numbers: tuple[int, int], heads: list[str]) -> None:
    sides = tuple(
        replace(side, actor=Actor("thread", f"Thread-{number} (process_everything_of_a_connection_{part})"))
        for side, number, part in zip(samples.LOST_UPDATE.accesses, numbers, ("request", "requests"), strict=True)
    )
    lines = rendered(samples.report(replace(samples.LOST_UPDATE, accesses=sides))).splitlines()
    head = lines[next(index for index, line in enumerate(lines) if line.endswith(("in this run:", "wrong:"))) + 1]
    assert [name.strip() for name in head.split("|")[1:]] == heads


def test_long_names_that_begin_alike_are_told_apart_in_the_heads() -> None:
    names = [f"the-subscription-renewal-worker-of-customer-{number}" for number in range(2)]
    sides = (
        replace(side, actor=Actor("thread", name))
        for side, name in zip(samples.LOST_UPDATE.accesses, names, strict=True)
    )
    text = rendered(samples.report(replace(samples.LOST_UPDATE, accesses=tuple(sides))))
    assert re.search(
        r"\| \.\.\.cription-renewal-worker-of-customer-0 +\| \.\.\.cription-renewal-worker-of-customer-1\n", text
    )


def test_a_lock_in_a_column_keeps_its_number_and_a_list_has_whole_names() -> None:
    lock = "WarehouseReservationCoordinator.bookkeeping_lock"
    cycle = samples.LOCK_CYCLE
    numbers = (1, 2, 3, 2, 3, 1)
    steps = tuple(
        replace(step, operation=f"{step.operation} {lock} #{number}")
        for step, number in zip(cycle.steps, numbers, strict=True)
    )
    text = rendered(samples.report(replace(cycle, steps=steps)), show=Severity.INFO)
    assert "| hold WarehouseReservationCoordinat... #1 |" in text
    assert re.search(r"\| wait for WarehouseReservationCoord... #1\n", text)
    sides = tuple(
        replace(side, actor=Actor("thread", f"a-rather-long-name-of-a-worker-{number}"))
        for number, side in enumerate(cycle.accesses * 2)
    )
    text = rendered(samples.report(replace(cycle, accesses=sides, steps=steps)), show=Severity.INFO)
    assert f"  a-rather-long-name-of-a-worker-0: hold {lock} #1\n" in text


def test_a_column_is_as_wide_as_its_words_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = tuple(replace(step, operation="wait for WarehouseReservations.lock") for step in samples.LOST_UPDATE.steps)
    report = samples.report(replace(samples.LOST_UPDATE, steps=steps))
    assert "wait for WarehouseReservations.lock" in rendered(report)
    assert re.search(r"wait for Warehouse\w*\.\.\.", on_terminal(monkeypatch, report, columns=80))


def test_markup_in_names_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    report = samples.report(replace(samples.LOST_UPDATE, variable="d['[bold]x[/bold]'] :smile:"))
    assert "d['[bold]x[/bold]'] :smile:" in on_terminal(monkeypatch, report, columns=100)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_no_colour_gets_plain_text(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setenv(name, value)
    stream = Terminal()
    render_text(samples.QUIET, stream, show=Severity.INFO, fail_on=None)
    assert stream.getvalue() == rendered(samples.QUIET, show=Severity.INFO, fail_on=None)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_narrow_terminal_without_colours_is_not_overrun(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    report = samples.report(samples.LOST_UPDATE)
    coloured = on_terminal(monkeypatch, report, columns=60)
    monkeypatch.setenv(name, value)
    stream = Terminal()
    render_text(report, stream, show=Severity.WARNING, fail_on=Severity.ERROR)
    assert stream.getvalue() == re.sub("\x1b\\[[0-9;]*m", "", coloured) != coloured


def test_a_program_with_a_rich_of_its_own_gets_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert on_terminal(monkeypatch, samples.QUIET, columns=80) == rendered(samples.QUIET)


def test_rich_is_not_imported_for_a_file() -> None:
    program = """
import io, sys
from raceway.model.kinds import Severity
from raceway.model.struct import replace
from raceway.report import render_text
from tests.report import samples
render_text(samples.report(samples.LOST_UPDATE), io.StringIO(), show=Severity.INFO, fail_on=None)
sys.exit("rich" in sys.modules)
"""
    finished = subprocess.run([sys.executable, "-c", program], cwd=GOLDENS.parents[2], check=False)
    assert finished.returncode == 0


class Reentrant(io.StringIO):
    """What a buffered stream does when a signal handler writes while a write is under way."""

    def write(self, text: str) -> int:
        raise RuntimeError("reentrant call inside")


class FullDisk(Terminal):
    """A stream whose every operation fails, `isatty` and `encoding` included."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def isatty(self) -> bool:
        raise OSError(5, "Input/output error")


def closed(stream: io.TextIOBase) -> io.TextIOBase:
    stream.close()
    return stream


def detached() -> io.TextIOWrapper:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    stream.detach()
    return stream


@pytest.mark.parametrize(
    "stream",
    [
        closed(io.StringIO()),
        closed(Terminal()),
        closed(io.TextIOWrapper(io.BytesIO(), encoding="ascii")),
        detached(),
        Reentrant(),
        FullDisk(),
        None,
        object(),
        io.BytesIO(),
    ],
    ids=lambda stream: type(stream).__name__,
)
def test_a_broken_stream_raises_an_os_error_and_nothing_else(stream: io.StringIO) -> None:
    with pytest.raises(OSError, match=r"could not be written|No space left"):
        render_text(samples.report(samples.LOST_UPDATE), stream, show=Severity.INFO, fail_on=None)


def test_a_stream_of_an_unknown_encoding_gets_ascii() -> None:
    class Odd(io.StringIO):
        encoding = "no-such-encoding"

    stream = Odd()
    render_text(with_source("é.b = 1", 0, 3), stream, show=Severity.INFO, fail_on=None)
    assert "\\xe9.b = 1" in stream.getvalue()


@settings(max_examples=60, deadline=None)
@given(reports())
def test_any_report_becomes_printable_plain_text(report: Report) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    render_text(report, stream, show=Severity.INFO, fail_on=Severity.ERROR)
    text = raw.getvalue().decode("ascii")
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.endswith("\n")
    # An interleaving whose columns do not fit side by side is a list, which has no line of names.
    assert rendered(report).count("\n") <= text.count("\n") + len(report.findings)


@settings(max_examples=40, deadline=None)
@given(reports())
def test_any_report_goes_to_a_terminal(report: Report) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        text = on_terminal(monkeypatch, report, columns=30, show=Severity.INFO)
    assert all(line.isprintable() for line in ESCAPE.sub("", text).split("\n"))
