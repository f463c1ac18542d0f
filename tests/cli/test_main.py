"""The command `raceway` and its subcommand `show`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from raceway import cli
from tests.conftest import ROOT

SOURCE = "counter = 0\n\n\ndef work():\n    global counter\n    counter += 1\n"


def raceway(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Run the command; its status."""
    monkeypatch.setattr(sys, "argv", ["raceway", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A file to show."""
    path = tmp_path / "program.py"
    path.write_text(SOURCE, encoding="utf-8")
    return str(path)


def test_show_prints_source_and_sites(
    program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raceway(monkeypatch, "show", program) == 0
    text, _, table = capsys.readouterr().out.partition("\n\nsite ")
    assert "global counter" in text
    assert text != SOURCE
    assert "counter" in table
    assert raceway(monkeypatch, "show", "--sites", program) == 0
    assert capsys.readouterr().out == f"site {table}"


def test_show_prints_sites_as_json(
    program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raceway(monkeypatch, "show", program, "--json") == 0
    sites = json.loads(capsys.readouterr().out)
    assert {(site["name"], site["line"], site["context"]) for site in sites} >= {("counter", 6, "augment")}


@pytest.mark.parametrize(
    ("source", "complaint"),
    [(b"def f(:\n", "SyntaxError: "), (b"\0", "null bytes"), (b"(x): int = 3\n", "cannot be instrumented: ")],
)
def test_show_tells_what_it_cannot_show(
    source: bytes, complaint: str, program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(program).write_bytes(source)
    assert raceway(monkeypatch, "show", program) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert complaint in captured.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["show", "no_such_file.py"],
            "raceway show: error: cannot read no_such_file.py: No such file or directory; correct the path",
        ),
        (["show"], "raceway show: error: the following arguments are required: FILE; see raceway show --help"),
        (["run", "--show"], "raceway run: error: argument --show: expected one argument; see raceway run --help"),
        (["watch"], "raceway: error: unknown command watch; see raceway --help"),
        (["--json"], "raceway: error: unknown command --json; did you mean run --json?; see raceway --help"),
        (["dif"], "raceway: error: unknown command dif; did you mean diff?; see raceway --help"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_its_slug(
    arguments: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raceway(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err == f"{complaint} [config]\n"


def test_help_and_usage_name_the_subcommands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raceway(monkeypatch, "--help") == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in cli.COMMANDS)
    assert raceway(monkeypatch) == 2
    assert capsys.readouterr().err.startswith("usage: raceway run")
    assert raceway(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("raceway 0.")


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help_that_describes_each_of_its_options(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raceway(monkeypatch, command, "--help") == 0
    text = capsys.readouterr().out
    parser = cli.parser_of(command, f"raceway {command}")
    assert parser.description
    assert parser.description in " ".join(text.split())
    assert [action.dest for action in parser._actions if not action.help and action.dest != "action"] == []


@pytest.mark.parametrize("arguments", [("explain",), ("completion", "bash")])
def test_a_reader_that_is_gone_is_no_error(arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "from raceway.cli import main; main()", *arguments]
    finished = subprocess.run(command, check=False, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    os.close(writer)
    assert (finished.returncode, finished.stderr) == (0, "")
