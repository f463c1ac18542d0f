"""The report of `raceway run`: when it is made, by whom, where it goes and what it does to the exit status."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, TIMEOUT_S, RunRaceway, clean_environ, has_gil

RACES = "races.py"

FINDING = "lost-update on counter"

SEVERITY, UNASKED = ("WARNING", 0) if has_gil() else ("ERROR", 66)
"""What the finding is on this interpreter, and the status of a run that was not told when to fail."""


@pytest.fixture
def run(run_raceway: RunRaceway) -> RunRaceway:
    """Runs Raceway in a directory that holds `races.py`: one race, and an ending of one's choice."""
    shutil.copy(ROOT / "fixtures" / "programs" / RACES, run_raceway.directory)
    return run_raceway


def test_a_finding_is_reported_and_fails_the_run_when_asked(run: RunRaceway) -> None:
    finished = run(RACES)
    assert (finished.stdout, finished.status) == ("end\n", UNASKED)
    assert finished.stderr.count(FINDING) == 1
    assert finished.kinds == ["lost-update"]
    assert finished.report["run"]["command"] == [RACES]
    assert run("--fail-on", "warning", RACES).status == 66
    assert run(RACES, environ={"RACEWAY_FAIL_ON": "warning"}).status == 66
    run.write("pyproject.toml", '[tool.raceway]\nfail-on = "warning"\n')
    assert run(RACES).status == 66
    assert run("--fail-on", "error", RACES).status == UNASKED


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("exit 0", 66),
        ("exit 3", 3),
        ("exit 256", 66),
        ("at-once 0", 66),
        ("at-once 5", 5),
        (f"signal {int(signal.SIGTERM)}", -signal.SIGTERM),
        (f"signal {int(signal.SIGINT)}", -signal.SIGINT),
        ("fork", 66),
        ("default-again", -signal.SIGTERM),
        ("busy", 7),
        ("blocked", -signal.SIGTERM),
        ("inside", -signal.SIGTERM),
        ("elsewhere", -signal.SIGTERM),
        ("client", -signal.SIGTERM),
        ("execute", 0),
    ],
)
def test_there_is_one_report_however_the_program_ends(ending: str, status: int, run: RunRaceway) -> None:
    finished = run("--fail-on", "warning", RACES, *ending.split())
    assert finished.status == status
    assert finished.stdout == "end\n"
    assert finished.stderr.count(FINDING) == 1
    assert finished.kinds == ["lost-update"]
    assert finished.stderr.count("raceway: ") == 1


def test_the_report_comes_after_everything_else(run: RunRaceway) -> None:
    program = run.write(
        "late.py",
        "import atexit, sys, threading\n"
        "def late():\n"
        "    while threading.main_thread().is_alive(): pass\n"
        "    print('thread', file=sys.stderr)\n"
        "atexit.register(print, 'handler', file=sys.stderr)\n"
        "threading.Thread(target=late).start()\n"
        "print('out')\n"
        "raise ValueError('error')\n",
    )
    finished = run(program)
    lines = [line for line in finished.stderr.splitlines() if line]
    places = [next(i for i, line in enumerate(lines) if word in line) for word in ("Error: error", "thread", "handler")]
    assert places == sorted(places)
    assert next(i for i, line in enumerate(lines) if line.startswith("raceway: ")) > places[-1]


def test_output_comes_before_the_report_in_one_file(run: RunRaceway) -> None:
    log = run.directory / "log"
    with log.open("wb") as file:
        command = [sys.executable, "-m", "raceway.run", RACES]
        subprocess.run(
            command, cwd=run.directory, env=clean_environ(), stdout=file, stderr=file, timeout=TIMEOUT_S, check=False
        )
    assert log.read_text().startswith(f"end\n{SEVERITY}")


def test_a_terminal_gets_the_report(run: RunRaceway) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "raceway.run", RACES]
    environ = clean_environ() | {"TERM": "xterm", "NO_COLOR": ""}
    process = subprocess.Popen(command, cwd=run.directory, env=environ, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    text = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # Linux tells the end of a terminal so
            chunk = b""
        if not chunk:
            break
        text += chunk
    os.close(ours)
    assert process.wait(TIMEOUT_S) == UNASKED
    assert b"\x1b[" in text
    assert b"lost-update" in text


def test_the_program_may_replace_or_close_standard_error(run: RunRaceway) -> None:
    program = run.write("quiet.py", f"import sys\nexec(open({RACES!r}).read())\nsys.stderr = None\n")
    assert "raceway: " in run(program).stderr
    program = run.write("closing.py", "import sys\nsys.stderr.close()\n")
    assert (run(program).status, run(program).stderr) == (0, "")


def test_quiet_prints_findings_only(run: RunRaceway) -> None:
    assert FINDING in run("--quiet", RACES).stderr
    assert (FINDING in run("--quiet", "--show", "error", RACES).stderr) is not has_gil()
    assert run("--quiet", "--exclude", "__main__", RACES).stderr == ""


def test_a_disabled_run_is_plain(run: RunRaceway) -> None:
    finished = run("--fail-on", "info", RACES, environ={"RACEWAY_ENABLED": "0"})
    assert (finished.stdout, finished.stderr, finished.status, finished.report) == ("end\n", "", 0, {})


def test_debug_tells_what_is_watched(run: RunRaceway) -> None:
    run.write("shop.py", "import json\n")
    program = run.write("app.py", "import shop\n")
    lines = run("--debug", "--exclude", "shop", program).stderr.splitlines()
    assert "raceway: __main__: watched: it is the program" in lines
    assert "raceway: shop: not watched: excluded" in lines
    assert "raceway: json: not watched: standard library" in lines


def test_a_module_of_the_program_is_watched(run: RunRaceway) -> None:
    run.write("app/__init__.py", "")
    source = (run.directory / RACES).read_text(encoding="utf-8")
    run.write("app/__main__.py", source)
    run.write("app/part.py", source)
    assert run("-m", "app").kinds == ["lost-update"]
    assert run("-m", "app.part").kinds == ["lost-update"]
    assert run("app").kinds == ["lost-update"]


def test_a_program_outside_the_working_directory_is_watched_with_its_modules(run: RunRaceway, tmp_path: Path) -> None:
    folder = run.report_file.parent / "elsewhere"
    folder.mkdir()
    shutil.copy(run.directory / RACES, folder / "shop.py")
    (folder / "app.py").write_text("import shop\n")
    assert run(folder / "app.py").report["summary"]["modules"] == 2
    archive = shutil.make_archive(str(run.report_file.parent / "app"), "zip", folder)
    (folder / "__main__.py").write_text("import shop\n")
    archive = shutil.make_archive(str(run.report_file.parent / "app"), "zip", folder)
    assert run(archive).report["summary"]["modules"] == 2


def test_globs_that_matched_nothing_are_named(run: RunRaceway) -> None:
    finished = run("--include", "shop.*", "--exclude", "nothing", RACES)
    assert {(note["reason"], note["module"]) for note in finished.report["not_seen"]} == {
        ("glob-matched-nothing", "shop.*"),
        ("glob-matched-nothing", "nothing"),
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--json", "no/such/folder/x.json"], "no/such/folder/x.json: No such file or directory"),
        (["--json", "."], ": Is a directory"),
        (["--config", "none.toml"], "none.toml: No such file or directory"),
        (["--unknown"], "unknown option --unknown"),
        (["--include", "shop.py"], "'shop.py' is a path"),
    ],
)
def test_what_is_wrong_is_told_before_the_program_starts(arguments: list[str], complaint: str, run: RunRaceway) -> None:
    finished = run(*arguments, RACES, json_report=False)
    assert (finished.stdout, finished.status) == ("", 2)
    assert complaint in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_settings_of_a_wrong_file_are_refused(run: RunRaceway) -> None:
    run.write("pyproject.toml", "[tool.raceway]\ncolour = 1\n")
    finished = run(RACES)
    assert (finished.stdout, finished.status, finished.stderr.count("\n")) == ("", 2, 1)
    assert "unknown key 'colour' in [tool.raceway]" in finished.stderr


def test_checking_a_report_file_leaves_no_trace(run: RunRaceway) -> None:
    there = run.write("there.json", "old")
    before = there.stat().st_mtime_ns
    program = run.write("look.py", "import os\nprint(sorted(os.listdir()), open('there.json').read())\n")
    environ = {"RACEWAY_JSON": "new.json"}
    finished = run(program, json_report=False, environ=environ)
    assert finished.stdout == "['look.py', 'races.py', 'there.json'] old\n"
    run("--json", "there.json", "no_such_file.py", json_report=False)
    assert there.stat().st_mtime_ns == before
    assert run("--json", "/dev/null", RACES, json_report=False).status == UNASKED


def test_a_report_that_cannot_be_written_in_the_end_is_status_2(run: RunRaceway) -> None:
    folder = run.directory / "gone"
    folder.mkdir()
    options = ("--fail-on", "warning", "--json", "gone/x.json")
    finished = run(*options, RACES, "remove", "gone", json_report=False)
    assert (finished.stdout, finished.status) == ("end\n", 2)
    assert "gone/x.json" in finished.stderr
    assert FINDING in finished.stderr
    folder.mkdir()
    run.write("both.py", "import os, sys\nos.rmdir('gone')\nsys.exit(3)\n")
    assert run(*options, "both.py", json_report=False).status == 3


def test_a_program_that_cannot_start_has_no_report(run: RunRaceway) -> None:
    for program in (["no_such_file.py"], ["-m", "no_such_module_here"], ["-m", "app.no_such"]):
        run.write("app/__init__.py", "")
        finished = run(*program)
        assert (finished.report, finished.stderr.count("\n")) == ({}, 1)


def test_a_relative_report_is_where_the_run_began(run: RunRaceway, tmp_path: Path) -> None:
    program = run.write("moving.py", "import os\nos.chdir('/')\n")
    assert run("--json", "races.json", program, json_report=False).status == 0
    assert (run.directory / "races.json").exists()


def test_the_command_raceway_does_the_same(run: RunRaceway) -> None:
    command = [sys.executable, "-c", "import sys; from raceway.cli import main; sys.argv[0] = 'raceway'; main()"]
    finished = subprocess.run(
        [*command, "run", "--fail-on", "warning", RACES, "exit", "0"],
        cwd=run.directory,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (finished.stdout, finished.returncode) == ("end\n", 66)


def test_threads_switch_as_often_as_asked(run: RunRaceway) -> None:
    run.write(
        "interval.py", "import sys\nprint(sys.getswitchinterval())\nif sys.argv[1:]: sys.setswitchinterval(0.25)\n"
    )
    plain = subprocess.run(
        [sys.executable, "interval.py"], cwd=run.directory, capture_output=True, text=True, check=True
    )
    assert run("interval.py").stdout == plain.stdout
    assert float(run("--switching", "often", "interval.py").stdout) == pytest.approx(1e-5)
    refused = run("--switching", "offen", "interval.py")
    assert (refused.status, "often" in refused.stderr) == (2, True)


def test_the_switch_interval_is_put_back_unless_the_program_has_set_it(run: RunRaceway) -> None:
    run.write(
        "session.py",
        "import sys\nfrom raceway.config import Config\nfrom raceway.session import Session\n"
        "before = sys.getswitchinterval()\n"
        "for own in (None, 0.25):\n"
        "    session = Session(Config(switching='often'), ())\n"
        "    session.start()\n"
        "    if own: sys.setswitchinterval(own)\n"
        "    session.stop()\n"
        "    print(sys.getswitchinterval() == (own or before))\n",
    )
    command = [sys.executable, "session.py"]
    done = subprocess.run(command, cwd=run.directory, env=clean_environ(), capture_output=True, text=True, check=True)
    assert done.stdout == "True\nTrue\n"
