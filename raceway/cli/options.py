"""The options of `raceway run`, which are those of `python -m raceway.run`: made from the table of settings.

Serves the command line. Options end where the program begins; what follows belongs to the program.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from msgspec import Struct

from raceway import __version__
from raceway.config import SETTINGS, Kind, Setting

_EXAMPLES = (
    ("app.py --port 8000", "watch app.py, which gets --port 8000"),
    ("-m shop.server", "watch a module, as `python -m` runs it"),
    ("--include sqlalchemy app.py", "watch an installed package, too"),
    ("--fail-on warning app.py", "end with 66 when a warning is found"),
    ("--json races.json app.py", "write the report for other programs"),
)

_NOTES = """\
Own code is watched: the program, and every module under its directory or the working
directory, but not what is installed. Every option is also a setting: RACEWAY_FAIL_ON=warning
in the environment, or fail-on = "warning" under [tool.raceway] in pyproject.toml.
RACEWAY_ENABLED=0 runs the program plainly.

The exit status is the program's own if that is not 0; else 2 when a report could not be
written, 66 when a finding reaches --fail-on, and 0 otherwise.
"""

_WIDTH = 96

_METAVARS = {Kind.GLOBS: "GLOB", Kind.FILE: "FILE", Kind.DIRECTORY: "DIR", Kind.TEXT: "URL"}


class Program(Struct, frozen=True):
    """What is to be run: a script, directory or archive, or the module that `-m` names."""

    name: str
    arguments: tuple[str, ...]
    is_module: bool = False

    @property
    def command(self) -> tuple[str, ...]:
        """The command line after the interpreter."""
        return ("-m", self.name, *self.arguments) if self.is_module else (self.name, *self.arguments)


class Parser(argparse.ArgumentParser):
    """A parser that tells a usage error in one line and ends with status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit."""
        self.refuse(f"{message}; see {self.prog} --help")

    def refuse(self, message: str) -> NoReturn:
        """The same for what is wrong outside the command line."""
        self.exit(2, f"{self.prog}: error: {message}\n")


class _Help(argparse.RawDescriptionHelpFormatter):
    """The notes as they are written, and one width: asking for the terminal's takes longer than reading options."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=_WIDTH)


def run_parser(prog: str) -> Parser:
    """The parser for the options alone."""
    parser = Parser(
        prog=prog,
        usage=f"{prog} [options] SCRIPT [arguments]\n       {prog} [options] -m MODULE [arguments]",
        description="Run a Python program and report the races in it.",
        epilog=f"examples:\n{_examples(prog)}\n{_NOTES}",
        formatter_class=_Help,
        allow_abbrev=False,
    )
    for setting in SETTINGS:
        if setting.about.ready and setting.name != "enabled":
            _add(parser, setting)
    parser.add_argument("--config", metavar="FILE", help="read the settings from this file instead of pyproject.toml")
    parser.add_argument("--version", action="version", version=f"raceway {__version__}", help="print the version")
    return parser


def parse_run(parser: Parser, arguments: Sequence[str]) -> tuple[dict[str, object], Program]:
    """The options that were given, by the name of their setting, and the program. Exits for what is wrong."""
    if not arguments:
        parser.print_usage(sys.stderr)
        sys.exit(2)
    options, program = _split(parser, list(arguments))
    known, unknown = parser.parse_known_args(options)
    if unknown:
        parser.error(f"unknown option {unknown[0]}")
    if program is None:
        parser.error("no program is given: a SCRIPT, or -m MODULE")
    return vars(known), program


def _examples(prog: str) -> str:
    width = max(len(example) for example, _ in _EXAMPLES)
    return "".join(f"  {prog} {example:{width}}  {meaning}\n" for example, meaning in _EXAMPLES)


def _add(parser: Parser, setting: Setting) -> None:
    option, about = f"--{setting.key}", setting.about
    if about.kind is Kind.FLAG:
        parser.add_argument(option, action="store_const", const=True, help=about.help)
    elif about.kind is Kind.GLOBS:
        parser.add_argument(option, action="append", metavar="GLOB", help=f"{about.help} (repeatable)")
    elif about.choices:
        parser.add_argument(option, choices=about.choices, help=about.help)
    else:
        parser.add_argument(option, metavar=_METAVARS[about.kind], help=about.help)


def _split(parser: Parser, arguments: list[str]) -> tuple[list[str], Program | None]:
    """The options before the program, and the program."""
    with_value = {f"--{setting.key}" for setting in SETTINGS if setting.about.kind is not Kind.FLAG} | {"--config"}
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if argument == "-m":
            if index + 1 == len(arguments):
                parser.error("-m needs the name of a module")
            return arguments[:index], Program(arguments[index + 1], tuple(arguments[index + 2 :]), is_module=True)
        if argument.startswith("-m"):
            return arguments[:index], Program(argument[2:], tuple(arguments[index + 1 :]), is_module=True)
        if argument == "-":
            parser.error("a program from standard input cannot be watched; give a file")
        if argument == "--" or not argument.startswith("-"):
            rest = arguments[index + (argument == "--") :]
            return arguments[:index], Program(rest[0], tuple(rest[1:])) if rest else None
        index += 2 if argument in with_value else 1
    return arguments, None
