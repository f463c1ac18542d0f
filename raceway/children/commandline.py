"""What an interpreter was started on, read from its command line as CPython reads it."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from raceway.model.struct import Struct


class Sort(enum.Enum):
    """What is run."""

    SCRIPT = "script"
    MODULE = "module"
    COMMAND = "command"
    INPUT = "input"


class Started(Struct):
    """What is run, and where on the command line it is named: a script's index, that of a module's or command's text.

    `text` is the script, module or command; `options` are the options before it, `flags` their letters.
    """

    sort: Sort
    index: int
    text: str
    options: tuple[str, ...]
    flags: str

    @property
    def ignores_environment(self) -> bool:
        """Whether the interpreter takes nothing from the environment, or has no `sitecustomize`."""
        return not _ISOLATING.isdisjoint(self.flags)

    @property
    def left_alone(self) -> bool:
        """Whether only the interpreter itself can run it: it goes on to ask, or does not read a script's first line."""
        return not _UNLIKE_OURS.isdisjoint(self.flags) or self.sort is Sort.INPUT


_ISOLATING = frozenset("EIS")
_UNLIKE_OURS = frozenset("ix")


def started_on(arguments: Sequence[str]) -> Started:
    """What `python *arguments` runs; the first argument is the interpreter."""
    flags = ""
    index = 1
    options: Sequence[str] = ()
    while index < len(arguments):
        first, word = index, arguments[index]
        options = arguments[1:first]
        if word == "--":
            index += 1
            break
        if word == "-" or not word.startswith("-"):
            break
        if word.startswith("--"):
            index += 1 if "=" in word or word != "--check-hash-based-pycs" else 2
            continue
        for place, letter in enumerate(word[1:], 1):
            flags += letter
            if letter in "cmWX":
                index += not word[place + 1 :]
                rest = word[place + 1 :] or (arguments[index] if index < len(arguments) else "")
                if letter in "cm":
                    sort = Sort.COMMAND if letter == "c" else Sort.MODULE
                    joined = (word[:place],) if place > 1 else ()
                    return Started(sort, index, rest, (*options, *joined), flags)
                break
        index += 1
    if index < len(arguments) and arguments[index] != "-":
        return Started(Sort.SCRIPT, index, arguments[index], tuple(options), flags)
    return Started(Sort.INPUT, index, "", tuple(options), flags)


_TRACKERS = ("resource_tracker import main", "semaphore_tracker import main")


def is_bookkeeper(started: Started) -> bool:
    """Whether it is a process of multiprocessing, or of what descends from it, that runs no code of the program."""
    return started.sort is Sort.COMMAND and any(tracker in started.text for tracker in _TRACKERS)
