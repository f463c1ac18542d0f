"""The options of `raceway run`: where they end, what is refused, and that the table of settings makes them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from raceway.cli.misplaced import hint
from raceway.cli.options import Program, parse_run
from raceway.cli.parser import run_parser
from raceway.config import SETTINGS
from tests.conftest import RunRaceway


def parse(*arguments: str) -> tuple[dict[str, object], Program]:
    """What was given, without what was not."""
    given, program = parse_run("raceway run", arguments)
    return {name: value for name, value in given.items() if value is not None}, program


@pytest.mark.parametrize(
    ("arguments", "given", "program"),
    [
        ("app.py", {}, Program("app.py", ())),
        ("app.py --json x -m y", {}, Program("app.py", ("--json", "x", "-m", "y"))),
        ("--quiet app.py --quiet", {"quiet": True}, Program("app.py", ("--quiet",))),
        ("--json out.json app.py", {"json": "out.json"}, Program("app.py", ())),
        ("--json=out.json app.py a", {"json": "out.json"}, Program("app.py", ("a",))),
        ("--include a --include b app.py", {"include": ["a", "b"]}, Program("app.py", ())),
        ("--show info --fail-on never app.py", {"show": "info", "fail_on": "never"}, Program("app.py", ())),
        ("--config x.toml --core pure app.py", {"config": "x.toml", "core": "pure"}, Program("app.py", ())),
        ("-m shop.app --json x", {}, Program("shop.app", ("--json", "x"), is_module=True)),
        ("--debug -mshop.app a", {"debug": True}, Program("shop.app", ("a",), is_module=True)),
        ("-- app.py --", {}, Program("app.py", ("--",))),
    ],
)
def test_options_end_where_the_program_begins(arguments: str, given: dict[str, object], program: Program) -> None:
    assert parse(*arguments.split()) == (given, program)


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        ("app.py --json out.json", 0, "--json went to the program; if Raceway was meant, put it before app.py"),
        ("app.py --fail-on=never", 1, "--fail-on went to the program; if Raceway was meant, put it before app.py"),
        (
            "-m shop.app a --html x --json=y --html z",
            0,
            "--html and --json went to the program; if Raceway was meant, put them before -m shop.app",
        ),
        (
            "app.py --jsn x",
            2,
            "--jsn went to the program, which ended with status 2; did you mean Raceway's --json? Put it before app.py",
        ),
        ("app.py --jsn x", 0, ""),
        ("app.py --port 80 -json --dry-run --h --", 2, ""),
        ("app.py -- --json x", 2, ""),
        ("app.py json", 2, ""),
    ],
)
def test_an_option_that_the_program_got_is_told_of(arguments: str, status: int, line: str) -> None:
    told = hint(parse(*arguments.split())[1], status)
    assert told == (f"raceway: {line} [option-after-program]" if line else "")


def test_the_line_is_the_last_of_the_report_and_quiet_leaves_it_out(run_raceway: RunRaceway) -> None:
    run_raceway.write("app.py", "import sys; print(sys.argv[1:])")
    told = run_raceway("app.py", "--live", json_report=False)
    assert (told.status, told.stdout) == (0, "['--live']\n")
    assert told.stderr.splitlines()[-1].startswith("raceway: --live went to the program; if Raceway was meant")
    quiet = run_raceway("--quiet", "app.py", "--live", json_report=False)
    assert (quiet.stdout, quiet.stderr) == ("['--live']\n", "")


def test_a_program_tells_its_command_line() -> None:
    assert Program("app.py", ("a",)).command == ("app.py", "a")
    assert Program("app", ("a",), is_module=True).command == ("-m", "app", "a")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("--htlm x app.py", "unknown option --htlm"),
        ("--htm=x app.py", "unknown option --htm; did you mean --html=x?"),
        ("-x app.py", "unknown option -x"),
        ("--quie app.py", "unknown option --quie"),
        ("--quiet", "no program is given: a SCRIPT, or -m MODULE"),
        ("--", "no program is given: a SCRIPT, or -m MODULE"),
        ("-m", "-m needs the name of a module"),
        ("-c a", "a program from the command line cannot be watched; give a file"),
        ("- a", "a program from standard input cannot be watched; give a file"),
        ("--json", "argument --json: expected one argument"),
        ("--show loud app.py", "argument --show: invalid choice: 'loud'"),
        (
            "--fail-on eror app.py",
            "argument --fail-on: invalid choice: 'eror'",
        ),
        ("--quiet=1 app.py", "argument --quiet: ignored explicit argument '1'"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(arguments: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(*arguments.split())
    assert caught.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith(f"raceway run: error: {complaint}")
    assert ("; did you mean error?; see" in text) is ("eror" in arguments)
    assert text.endswith("; see raceway run --help [config]\n")
    assert text.count("\n") == 1


def test_without_arguments_the_usage_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse()
    assert caught.value.code == 2
    assert "-m MODULE [arguments]" in capsys.readouterr().err


def test_help_tells_every_option_that_exists(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse("--help")
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for setting in SETTINGS:
        assert (f"--{setting.key} " in text or f"--{setting.key}\n" in text) is (setting.name != "enabled")
    assert "examples:" in text


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse("--version")
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("raceway 0.")


@pytest.mark.parametrize(
    "options",
    [
        "",
        "--quiet --debug",
        "--include a --include=b --exclude=c",
        "--json=x=y --cache-dir= --config c",
        "--show info --fail-on=never --core pure",
        "--json one --json two",
    ],
)
def test_options_are_read_as_argparse_reads_them(options: str) -> None:
    known = vars(run_parser("raceway run").parse_args(options.split()))
    assert parse(*options.split(), "app.py")[0] == {name: value for name, value in known.items() if value is not None}


def test_well_formed_options_are_read_without_argparse() -> None:
    program = "import sys; from raceway.cli.options import parse_run; "
    program += "parse_run('raceway run', ['--quiet', '--json', 'x', 'app.py']); print('argparse' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert finished.stdout == "False\n"
