"""`raceway completion`: prints a script that makes a shell complete the commands, their options and choices.

The words come from the parsers of the commands, so that a new option is completed without a change here.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence

from raceway.cli import COMMANDS, parser_of
from raceway.cli.parser import Parser
from raceway.model.struct import Struct

_SHELLS = ("bash", "zsh", "fish")


class Option(Struct):
    """One option of a command: `takes` tells that a value follows, `choices` which there are, if they are few."""

    command: str
    names: tuple[str, ...]
    help: str
    takes: bool
    choices: tuple[str, ...]


def main(arguments: Sequence[str], prog: str) -> int:
    """Print the script for the shell that the arguments name; the exit status."""
    given = parser(prog).parse_args(arguments)
    options = [option for name in COMMANDS for option in _options(name)]
    print(_fish(options) if given.shell == "fish" else _bash(options, zsh=given.shell == "zsh"), end="")
    return 0


def _options(command: str) -> Iterator[Option]:
    for made in _parsers(parser_of(command, f"raceway {command}")):
        for action in made._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield Option(command, (), "", False, tuple(action.choices))
            elif action.option_strings or action.choices:
                names = tuple(name for name in action.option_strings if name != "-h")
                yield Option(command, names, action.help or "", action.nargs != 0, tuple(action.choices or ()))


def _parsers(made: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield made
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def _bash(options: Sequence[Option], *, zsh: bool) -> str:
    values = "".join(
        f"        {'|'.join(shlex.quote(f'{one.command} {name}') for name in one.names)}) "
        f"words={shlex.quote(' '.join(one.choices))}; plain=no ;;\n"
        for one in options
        if one.names and one.choices
    )
    words = "".join(f"        {name}) words={shlex.quote(' '.join(_words(name, options)))} ;;\n" for name in COMMANDS)
    head = "#compdef raceway\nautoload -U +X bashcompinit && bashcompinit\n" if zsh else ""
    return f"""{head}# Completion for raceway, as `raceway completion {"zsh" if zsh else "bash"}` prints it.
_raceway() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" command="${{COMP_WORDS[1]}}"
    local words="" plain=yes
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W {shlex.quote(" ".join((*COMMANDS, "--help", "--version")))} -- "$current"))
        return
    fi
    case "$command $before" in
{values}        *) ;;
    esac
    if [ "$plain" = yes ]; then
        case "$command" in
{words}        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    case "$current" in
        -*) ;;
        *) if [ "$plain" = yes ]; then COMPREPLY+=($(compgen -f -- "$current")); fi ;;
    esac
}}
complete -o filenames -F _raceway raceway
"""


def _words(command: str, options: Sequence[Option]) -> list[str]:
    own = [one for one in options if one.command == command]
    return [*dict.fromkeys(word for one in own for word in (one.names or one.choices))]


def _fish(options: Sequence[Option]) -> str:
    lines = ["# Completion for raceway, as `raceway completion fish` prints it."]
    for name, about in COMMANDS.items():
        lines.append(f"complete -c raceway -n __fish_use_subcommand -a {name} -d {_quoted(about)}")
    for one in options:
        condition = f"complete -c raceway -n '__fish_seen_subcommand_from {one.command}'"
        choices = f" -a {_quoted(' '.join(one.choices))}" if one.choices else ""
        if not one.names:
            lines.append(f"{condition}{choices}")
            continue
        long = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in one.names)
        value = f" {'-x' if one.choices else '-r'}" if one.takes else ""
        lines.append(f"{condition}{long}{value}{choices} -d {_quoted(one.help)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A word of fish, which knows two escapes inside single quotes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def parser(prog: str) -> Parser:
    """The options of the command."""
    made = Parser(
        prog=prog,
        description="Print a script for a shell that completes the commands and options of raceway.",
        epilog='bash: eval "$(raceway completion bash)" in ~/.bashrc; zsh: the same in ~/.zshrc; '
        "fish: raceway completion fish > ~/.config/fish/completions/raceway.fish",
        allow_abbrev=False,
    )
    made.add_argument("shell", choices=_SHELLS, help="the shell")
    return made
