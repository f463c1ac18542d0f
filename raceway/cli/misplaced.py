"""Options of Raceway that stand after the program: the program gets them, as it must, and a line tells of it.

Serves the end of a run. A program may well have options of the same names, so nothing is refused or taken away. What is
only like one of ours is told of where the program has refused its command line.
"""

from __future__ import annotations

from collections.abc import Iterator

from raceway.cli.options import Program
from raceway.config import OPTIONS
from raceway.errors import MisplacedOptionWarning

_SLUG = MisplacedOptionWarning.slug
_REFUSED = 2
"""The status with which programs end that do not understand their command line."""

_LIKE = 0.8
_SHORTEST = 5
"""Shorter words are like too many others."""


def hint(program: Program, status: int) -> str:
    """The line about options of ours among the program's arguments; empty when there are none."""
    place = f"-m {program.name}" if program.is_module else program.name
    ours = {f"--{setting.key}" for setting in OPTIONS} | {"--config"}
    given = list(dict.fromkeys(_long_options(program)))
    exact = [option for option in given if option in ours]
    if exact:
        names = f"{', '.join(exact[:-1])} and {exact[-1]}" if len(exact) > 1 else exact[0]
        them = "them" if len(exact) > 1 else "it"
        return f"raceway: {names} went to the program; if Raceway was meant, put {them} before {place} [{_SLUG}]"
    for option in given if status == _REFUSED else ():
        from difflib import get_close_matches

        close = get_close_matches(option, sorted(ours), n=1, cutoff=_LIKE) if len(option) >= _SHORTEST else []
        if close:
            meant = f"did you mean Raceway's {close[0]}? Put it before {place}"
            return f"raceway: {option} went to the program, which ended with status {status}; {meant} [{_SLUG}]"
    return ""


def _long_options(program: Program) -> Iterator[str]:
    for argument in program.arguments:
        if argument == "--":
            return
        if argument.startswith("--"):
            yield argument.partition("=")[0]
