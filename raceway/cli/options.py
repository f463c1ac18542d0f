"""The options of `raceway run`, which are those of `python -m raceway.run`: read by the table of settings.

Serves the command line. Options end where the program begins; what follows belongs to the program. Options that are
well formed are read here; anything else goes to argparse (`parser`), which gives the same for these and has words for
the others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from raceway.config import OPTIONS, SETTINGS, Kind, Setting
from raceway.errors import ConfigError, RacewayError
from raceway.model.struct import Struct
from raceway.model.typing import NoReturn


class Program(Struct):
    """What is to be run: a script, directory or archive, the module that `-m` names, or the text of `-c`."""

    name: str
    arguments: tuple[str, ...]
    is_module: bool = False
    is_command: bool = False

    @property
    def command(self) -> tuple[str, ...]:
        """The command line after the interpreter."""
        option = ("-m",) if self.is_module else ("-c",) if self.is_command else ()
        return (*option, self.name, *self.arguments)


def refuse(prog: str, wrong: str | RacewayError) -> NoReturn:
    """Tell in one line what is wrong, with the slug of its entry in docs/messages.md, and end with status 2."""
    slug = wrong.slug if isinstance(wrong, RacewayError) else ConfigError.slug
    if sys.stderr is not None:
        sys.stderr.write(f"{prog}: error: {wrong} [{slug}]\n")
    sys.exit(2)


def _wrong(prog: str, message: str) -> NoReturn:
    refuse(prog, f"{message}; see {prog} --help")


def parse_run(prog: str, arguments: Sequence[str]) -> tuple[dict[str, object], Program]:
    """The options that were given, by the name of their setting, and the program. Exits for what is wrong."""
    options, program = _split(prog, list(arguments))
    if program is not None:
        try:
            return _collected(options), program
        except ValueError:  # argparse has the words
            pass
    return _parsed(prog, arguments, options), program or _wrong(prog, "no program is given: a SCRIPT, or -m MODULE")


def _parsed(prog: str, arguments: Sequence[str], options: list[str]) -> dict[str, object]:
    from raceway.cli.parser import run_parser

    parser = run_parser(prog)
    if not arguments:
        parser.print_usage(sys.stderr)
        sys.stderr.write(f"{prog} --help says more\n")
        sys.exit(2)
    known, unknown = parser.parse_known_args(options)
    if unknown:
        from difflib import get_close_matches

        option, equals, value = unknown[0].partition("=")
        close = get_close_matches(option, [f"--{setting.key}" for setting in OPTIONS], n=1)
        _wrong(prog, f"unknown option {option}" + (f"; did you mean {close[0]}{equals}{value}?" if close else ""))
    return vars(known)


def _collected(options: list[str]) -> dict[str, object]:
    """The settings that the options give. Raises ValueError when it does not understand one."""
    settings: dict[str, Setting] = {f"--{setting.key}": setting for setting in OPTIONS}
    given: dict[str, object] = {}
    rest = iter(options)
    for option in rest:
        name, equals, value = option.partition("=")
        setting = settings.get(name)
        if name == "--config":
            given["config"] = _value(value if equals else None, rest)
        elif setting is None:
            raise ValueError(option)
        elif setting.about.kind is Kind.FLAG:
            if equals:
                raise ValueError(option)
            given[setting.name] = True
        else:
            value = _value(value if equals else None, rest)
            if setting.about.choices and value not in setting.about.choices:
                raise ValueError(option)
            if setting.about.kind in (Kind.GLOBS, Kind.RULES):
                before = given.get(setting.name, [])
                assert isinstance(before, list)
                given[setting.name] = [*before, value]
            else:
                given[setting.name] = value
    return given


def _value(attached: str | None, rest: Iterator[str]) -> str:
    """What stands behind the equals sign or, without one, comes next and is no option."""
    value = next(rest, "-") if attached is None else attached
    if attached is None and value.startswith("-"):
        raise ValueError(value)
    return value


def _split(prog: str, arguments: list[str]) -> tuple[list[str], Program | None]:
    """The options before the program, and the program."""
    with_value = {f"--{setting.key}" for setting in SETTINGS if setting.about.kind is not Kind.FLAG} | {"--config"}
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if argument == "-m":
            if index + 1 == len(arguments):
                _wrong(prog, "-m needs the name of a module")
            return arguments[:index], Program(arguments[index + 1], tuple(arguments[index + 2 :]), is_module=True)
        if argument.startswith("-m"):
            return arguments[:index], Program(argument[2:], tuple(arguments[index + 1 :]), is_module=True)
        if argument == "-":
            _wrong(prog, "a program from standard input cannot be watched; give a file")
        if argument == "-c":
            _wrong(prog, "a program from the command line cannot be watched; give a file")
        if argument == "--" or not argument.startswith("-"):
            rest = arguments[index + (argument == "--") :]
            return arguments[:index], Program(rest[0], tuple(rest[1:])) if rest else None
        index += 2 if argument in with_value else 1
    return arguments, None
