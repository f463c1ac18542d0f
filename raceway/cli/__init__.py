"""The command line `raceway`: picks the subcommand. Each has a file of its own, imported when it is asked for."""

from __future__ import annotations

import os
import sys

from raceway.model.typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from raceway.cli.parser import Parser

COMMANDS = {
    "run": "run a program and report the races in it; the same as python -m raceway.run",
    "report": "render a stored report: text, html, sarif, junit, github, markdown",
    "baseline": "write down the findings that are known, and check for new ones",
    "diff": "compare the findings of two reports",
    "explain": "say what a kind of finding means",
    "show": "print a file as it runs when it is watched, with its table of sites",
    "doctor": "say which core runs and why, what is patched, and test Raceway itself",
    "completion": "print a script that completes the commands in bash, zsh or fish",
}
"""Every subcommand, and what it does."""

_USAGE = """\
usage: raceway run [options] SCRIPT [arguments]
       raceway run [options] -m MODULE [arguments]
       raceway COMMAND [options]
"""
_MORE = "raceway --help says more\n"


def main() -> NoReturn:
    """Run the subcommand that the command line names; ends the process."""
    command, *arguments = sys.argv[1:] or [""]
    if command == "run":
        from raceway.cli import run

        run.main(arguments, "raceway run")
    if command in COMMANDS:
        sys.exit(_subcommand(command, arguments))
    if command in ("-h", "--help"):
        sys.stdout.write(_help())
        sys.exit(0)
    if command == "--version":
        from raceway import __version__

        print(f"raceway {__version__}")
        sys.exit(0)
    wrong = f"raceway: error: unknown command {command}{_suggestion(command)}; see raceway --help [config]\n"
    sys.stderr.write(wrong if command else _USAGE + _MORE)
    sys.exit(2)


def _subcommand(command: str, arguments: list[str]) -> int:
    """Run it; gives the exit status. A reader that has seen enough of what it prints (`| head`) is no error."""
    from importlib import import_module

    status = 0
    try:
        status = import_module(f"raceway.cli.{command}").main(arguments, f"raceway {command}")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left must go somewhere when the process ends
    return status


def parser_of(command: str, prog: str) -> Parser:
    """The parser of a subcommand."""
    if command == "run":
        from raceway.cli.parser import run_parser

        return run_parser(prog)
    from importlib import import_module

    made: Parser = import_module(f"raceway.cli.{command}").parser(prog)
    return made


def _help() -> str:
    width = max(map(len, COMMANDS))
    rows = "".join(f"  {name:{width}}  {about}\n" for name, about in COMMANDS.items())
    more = "`raceway COMMAND --help` says more. `raceway --version` prints the version.\n"
    return f"{_USAGE}\nFind races in Python programs.\n\n{rows}\n{more}"


def _suggestion(command: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(command, COMMANDS, n=1)
    if not close and (command.startswith("-") or os.path.exists(command)):
        close = [f"run {command}"]
    return f"; did you mean {close[0]}?" if close else ""
