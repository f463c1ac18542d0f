"""Runs with suppressions and baselines, and with files that cannot be read or written: no finding is ever lost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RunRaceway

RACES = """\
import threading

class Account:
    balance = 0
    visits = 0

def fee():
    return 1

def work():
    Account.balance = Account.balance + fee(){balance}
    Account.visits = Account.visits + fee(){visits}

threads = [threading.Thread(target=work) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def variables(run: RunRaceway, *arguments: str, balance: str = "", visits: str = "") -> list[str]:
    """The variables of the findings of a run with these options and comments; the run's own words are in `said`."""
    run.write("app.py", RACES.format(balance=balance, visits=visits))
    finished = run(*arguments, "app.py")
    said[:] = [finished.stderr, str(finished.status)]
    suppressed.clear()
    suppressed.update({one["variable"]: one["suppressed"] for one in finished.report.get("suppressed", [])})
    assert finished.report["summary"]["suppressed"] == len(suppressed)
    return sorted(finding["variable"] for finding in finished.findings)


said: list[str] = []
suppressed: dict[str, str] = {}


def test_a_comment_suppresses_on_its_line(run_raceway: RunRaceway) -> None:
    comment = "  # raceway: ignore[lost-update] approximate"
    assert variables(run_raceway, visits=comment) == ["Account.balance"]
    assert suppressed == {"Account.visits": "app.py:12: approximate"}
    assert "(1 suppressed)" in said[0]
    assert variables(run_raceway, balance=comment, visits=comment) == []
    assert said[1] == "0"


def test_a_comment_is_read_without_blanks_and_told_of_when_its_word_is_misspelled(run_raceway: RunRaceway) -> None:
    assert variables(run_raceway, visits="  #raceway:ignore[lost-update] approximate") == ["Account.balance"]
    assert suppressed == {"Account.visits": "app.py:12: approximate"}
    wrong = "  # raceway: ignor[lost-update] approximate"
    assert variables(run_raceway, visits=wrong) == ["Account.balance", "Account.visits"]
    assert "    app.py:12: 'ignor[lost-update] approximate': write # raceway: ignore[KIND] reason\n" in said[0]
    assert said[1] == "2"


def test_a_comment_that_does_nothing_is_reported(run_raceway: RunRaceway) -> None:
    other = "  # raceway: ignore[iteration-mutation] other"
    old = "  # raceway: ignore[lost-update] until=2001-01-01 old"
    assert variables(run_raceway, balance=other, visits=old) == ["Account.balance", "Account.visits"]
    assert "suppression-unused: suppressed nothing in this run\n    app.py:11: " in said[0]
    assert "suppression-expired: is past its last day, so it suppresses nothing\n    app.py:12: " in said[0]
    assert said[1] == "66"


def test_a_comment_that_does_not_parse_makes_status_2_and_loses_nothing(run_raceway: RunRaceway) -> None:
    wrong = "  # raceway: ignore this one"
    assert variables(run_raceway, "--fail-on", "never", balance=wrong) == ["Account.balance", "Account.visits"]
    assert "    app.py:11: 'ignore this one': write # raceway: ignore[KIND] reason\n" in said[0]
    assert "lost-update on Account.balance" in said[0]
    assert said[1] == "2"


def test_rules_come_from_options_settings_and_files(run_raceway: RunRaceway) -> None:
    assert variables(run_raceway, "--suppress", "lost-update variable=Account.v*") == ["Account.balance"]
    run_raceway.write("pyproject.toml", '[tool.raceway]\nsuppress = ["* function=work # all of it"]\n')
    assert variables(run_raceway) == []
    assert suppressed["Account.balance"] == "suppress: all of it"
    run_raceway.write("pyproject.toml", '[tool.raceway]\nsuppressions = "rules.txt"\n')
    run_raceway.write("rules.txt", "# known\n* variable=*.balance # slow\n")
    assert variables(run_raceway) == ["Account.visits"]
    assert suppressed["Account.balance"] == f"{run_raceway.directory}/rules.txt:2: slow"


@pytest.mark.parametrize(
    ("option", "value", "content", "complaint"),
    [
        ("--suppress", "lost-updates", "", "suppress: cannot read the suppression 'lost-updates': .* write KIND"),
        (
            "--suppressions",
            "odd",
            "\nwrite-write x",
            "odd:2: cannot read the suppression 'write-write x': .* write KIND",
        ),
        ("--suppressions", "gone", None, "cannot read the suppressions .*gone: No such file .*; correct the path"),
        ("--baseline", "odd", '{"baseline": 1}', "odd: the baseline has version 1, .*; write it again with raceway"),
        ("--baseline", "odd", '{"baseline": 2, "fin', "odd: the baseline is not whole JSON: .*; write it again with"),
        ("--baseline", "gone", None, "gone: cannot be read: No such file or directory; give the file"),
        ("--html", "no/where", None, "cannot write .*no/where: No such file or directory"),
        ("--sarif", ".", None, "cannot write .*: Is a directory"),
        ("--junit", "app.py/x", None, "cannot write .*: Not a directory"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_before_the_program_starts(
    option: str, value: str, content: str | None, complaint: str, run_raceway: RunRaceway
) -> None:
    run_raceway.write("app.py", "print('started')\n")
    if content is not None:
        run_raceway.write("odd", content)
    finished = run_raceway(option, value, "app.py", json_report=False)
    assert (finished.status, finished.stdout) == (2, "")
    slug = r"\[(config|suppression-unreadable)\]"
    assert re.fullmatch(rf"python -m raceway\.run: error: .*{complaint}.* {slug}\n", finished.stderr)


def test_a_baseline_leaves_what_is_new(run_raceway: RunRaceway) -> None:
    assert variables(run_raceway, visits="  # raceway: ignore[*]") == ["Account.balance"]
    known = run_raceway.write("known.json", json.dumps({"baseline": 2, "findings": baseline_of(run_raceway)}))
    assert variables(run_raceway, "--baseline", str(known)) == ["Account.visits"]
    assert suppressed == {"Account.balance": "in the baseline"}
    run_raceway.write("all.json", run_raceway.report_file.read_text(encoding="utf-8"))
    assert variables(run_raceway, "--baseline", "all.json") == []  # what was known then stays known


def baseline_of(run: RunRaceway) -> list[dict[str, str]]:
    """The entries of a baseline for the last report."""
    report = json.loads(run.report_file.read_bytes())
    return [
        {name: one[name] for name in ("fingerprint", "kind", "severity", "variable")} | {"file": "app.py"}
        for one in report["findings"]
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("option", ["--json", "--html", "--sarif", "--junit"])
def test_a_disk_that_is_full_loses_no_finding(option: str, run_raceway: RunRaceway) -> None:
    run_raceway.write("app.py", RACES.format(balance="", visits=""))
    finished = run_raceway("--quiet", "--show", "error", option, "/dev/full", "app.py", json_report=False)
    assert finished.status == 2
    assert "raceway: error: cannot write /dev/full: No space left on device; give a path that can be" in finished.stderr
    assert all(f"lost-update on Account.{name}" in finished.stderr for name in ("balance", "visits"))
    assert finished.stderr.splitlines()[-1].startswith("raceway: error: cannot write /dev/full")


def test_every_form_is_written_by_one_run(run_raceway: RunRaceway) -> None:
    run_raceway.write("app.py", RACES.format(balance="", visits=""))
    names = {"--html": "report.html", "--sarif": "report.sarif", "--junit": "report.xml"}
    options = [word for pair in names.items() for word in pair]
    assert run_raceway(*options, "app.py").status == 66
    texts = {option: (run_raceway.directory / name).read_text(encoding="utf-8") for option, name in names.items()}
    assert texts["--html"].startswith("<!DOCTYPE html>")
    assert json.loads(texts["--sarif"])["version"] == "2.1.0"
    assert texts["--junit"].startswith("<?xml")
    assert all("Account.balance" in text for text in texts.values())


def test_the_lives_of_threads_are_in_the_report(run_raceway: RunRaceway, core: str) -> None:
    run_raceway.write("app.py", RACES.format(balance="", visits=""))
    lives = run_raceway("--core", core, "app.py").report["lives"]
    assert [life["actor"]["name"] for life in lives] == ["MainThread", "Thread-1 (work)", "Thread-2 (work)"]
    assert "ended" not in lives[0]
    assert all(0 <= life["began"] <= life["ended"] for life in lives[1:])


def test_the_hook_honours_suppressions_and_tells_of_files_it_could_not_write(run_raceway: RunRaceway) -> None:
    run_raceway.write("part.py", RACES.format(balance="  # raceway: ignore[*]", visits=""))
    program = run_raceway.write(
        "app.py",
        "import raceway\n"
        "with raceway.autoinstrument.install(html='/dev/full') as handle:\n"
        "    import part\n"
        "print([one.variable for one in handle.findings()])\n",
    )
    finished = subprocess.run(
        [sys.executable, str(program)],
        cwd=run_raceway.directory,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert finished.stdout == "['Account.visits']\n"
    assert "cannot write /dev/full" in finished.stderr
    assert "lost-update on Account.visits" in finished.stderr


def test_a_cause_is_named_in_the_first_screen(run_raceway: RunRaceway) -> None:
    run_raceway.write("app.py", RACES.format(balance="", visits=""))
    screen = "\n".join(run_raceway("app.py").stderr.splitlines()[:24])
    assert "ERROR lost-update on Account.balance" in screen
    assert "fix: Hold one lock around the whole update of Account.balance" in screen
    assert "how it goes wrong" in screen or "what happened in this run" in screen
