"""What a started program is given so that an interpreter begins with Raceway: one directory first on PYTHONPATH, whose
`sitecustomize` starts it, and where to hand in. Both are gone from the environment before the program looks.

Only programs that may be or start an interpreter are given it; the others see the environment that they were meant to.
An interpreter that ignores its environment is started on a file of ours, which runs what the interpreter was to run.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence

from raceway import files
from raceway.children.commandline import is_bookkeeper, started_on
from raceway.model.typing import Any

SPOOL = "RACEWAY_CHILD"
"""Names the version of the interpreter and the directory of the run."""

BEFORE = "RACEWAY_CHILD_PYTHONPATH"
"""The PYTHONPATH that the program was meant to have; absent when it had none."""

ADDED = (b"PYTHONPATH", os.fsencode(SPOOL), os.fsencode(BEFORE))
"""What an environment has with Raceway, and without it otherwise or not at all."""

BOOT = os.path.join(os.path.dirname(files.absolute_path(__file__)), "boot")

_CHILD = os.path.join(BOOT, "_raceway_child.py")

_PYTHON = re.compile(r"(python|pypy)[\d.]*(t|d|td)?(\.exe)?$")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"})


def is_python(path: str) -> bool:
    """Whether the path is that of an interpreter, by its name."""
    return _PYTHON.match(os.path.basename(path)) is not None


def may_start_python(path: str, arguments: Sequence[str]) -> bool:
    """Whether the program is an interpreter, a shell, a script, or is given an interpreter to run."""
    if is_python(path):
        return not is_bookkeeper(started_on(arguments))
    return os.path.basename(path) in _SHELLS or any(map(is_python, arguments)) or _is_script(path)


def by_command(path: str, arguments: Sequence[str]) -> list[str] | None:
    """The command line on which Raceway begins in an interpreter that ignores its environment; None for any other."""
    if not is_python(path):
        return None
    started = started_on(arguments)
    if not started.ignores_environment or started.left_alone:
        return None
    return [arguments[0], *started.options, _CHILD, *arguments[1:]]


def _is_script(path: str) -> bool:
    try:
        return files.head(path, 2) == b"#!"
    except (OSError, ValueError):
        return False


def with_raceway(environ: Mapping[Any, Any], directory: str) -> dict[bytes, bytes]:
    """The environment, and what makes interpreters begin with Raceway, which hands in to `directory`."""
    given = {os.fsencode(name): os.fsencode(value) for name, value in environ.items()}
    before = given.get(b"PYTHONPATH", b"")
    given.pop(os.fsencode(BEFORE), None)
    if before:
        given[os.fsencode(BEFORE)] = before
    given[b"PYTHONPATH"] = os.fsencode(BOOT) + (os.fsencode(os.pathsep) + before if before else b"")
    given[os.fsencode(SPOOL)] = os.fsencode(f"{sys.version_info[0]}.{sys.version_info[1]}:{directory}")
    return given
