"""The options of `raceway run` for argparse, made from the table of settings: the help, the version, and what is wrong.

Serves the command line, which reads well-formed options itself: importing argparse takes as long as all the rest of it.
"""

from __future__ import annotations

import argparse

from raceway import __version__
from raceway.cli.options import refuse
from raceway.config import OPTIONS, Kind, Setting
from raceway.model.typing import NoReturn

_EXAMPLES = (
    ("app.py --port 8000", "watch app.py, which gets --port 8000"),
    ("-m shop.server", "watch a module, as `python -m` runs it"),
    ("--include sqlalchemy app.py", "watch an installed package, too"),
    ("--fail-on warning app.py", "end with 66 when a warning is found"),
    ("--html races.html app.py", "write the report as a page to look at"),
    ("--baseline known.json app.py", "report only what is new"),
)

_NOTES = """\
Options stand before the program; what follows it is the program's own.

Own code is watched: the program, and every module under its directory or the working
directory, but not what is installed. Every option is also a setting: RACEWAY_FAIL_ON=warning
in the environment, or fail-on = "warning" under [tool.raceway] in pyproject.toml.
RACEWAY_ENABLED=0 runs the program plainly.

The exit status is the program's own if that is not 0; else 70 when Raceway did not find the
race that it plants to check itself, 2 when a report could not be written, 66 when a finding
reaches --fail-on, and 0 otherwise.
"""

_WIDTH = 96

_METAVARS = {Kind.GLOBS: "GLOB", Kind.FILE: "FILE", Kind.DIRECTORY: "DIR", Kind.TEXT: "URL"}


class Parser(argparse.ArgumentParser):
    """A parser that tells a usage error in one line and ends with status 2."""

    def _check_value(self, action: argparse.Action, value: object) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            from difflib import get_close_matches

            close = get_close_matches(str(value), map(str, action.choices or ()), n=1)
            error.message += f"; did you mean {close[0]}?" if close else ""
            raise

    def error(self, message: str) -> NoReturn:
        """Print the line and exit."""
        refuse(self.prog, f"{message}; see {self.prog} --help")


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
    for setting in OPTIONS:
        _add(parser, setting)
    parser.add_argument("--config", metavar="FILE", help="read the settings from this file instead of pyproject.toml")
    parser.add_argument("--version", action="version", version=f"raceway {__version__}", help="print the version")
    return parser


def _examples(prog: str) -> str:
    width = max(len(example) for example, _ in _EXAMPLES)
    return "".join(f"  {prog} {example:{width}}  {meaning}\n" for example, meaning in _EXAMPLES)


def _add(parser: Parser, setting: Setting) -> None:
    option, about = f"--{setting.key}", setting.about
    if about.kind is Kind.FLAG:
        parser.add_argument(option, action="store_const", const=True, help=about.help)
    elif about.kind is Kind.GLOBS:
        parser.add_argument(option, action="append", metavar="GLOB", help=f"{about.help} (repeatable)")
    elif about.kind is Kind.RULES:
        parser.add_argument(option, action="append", metavar="RULE", help=f"{about.help} (repeatable)")
    elif about.choices:
        parser.add_argument(option, choices=about.choices, help=about.help)
    else:
        parser.add_argument(option, metavar=_METAVARS[about.kind], help=about.help)
