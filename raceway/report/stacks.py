"""Which frames of a stack are the program's own, and a stack without the many others. Serves the text and the page.

Frames of packages and of the standard library stand between a program and its callers, by the dozen where a framework
calls it: a row of them is told by its number and the names of their packages, a single one without what its path has
before the package.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from itertools import groupby

from raceway.model.findings import AccessSide, Frame
from raceway.model.struct import Struct, replace

_INSTALLED = r"(?:^|[/\\])(?:site|dist)-packages[/\\](?P<package>[^/\\]+)"
_LIBRARY = r"(?:[/\\]lib(?:64)?[/\\]python3\.\d+t?|^[A-Za-z]:\\(?:.*\\)?Lib)[/\\](?P<module>[^/\\]+)"
_LEAST = 2
"""So many frames in a row at least are told by their number."""
_LONGEST_ROUND = 8
_LEAST_ROUNDS = 3
"""So many functions that call each other in a row are known again, when they do so so many times."""


class Shown(Struct):
    """One line of a stack: a frame that `times` calls in a row went through, or `packages` of which it leaves so many
    frames out, or the `again` lines before it, which come so many times more."""

    times: int
    frame: Frame | None = None
    packages: tuple[str, ...] = ()
    again: int = 0


@functools.cache
def package_of(file: str) -> str:
    """The package or module of the standard library that a file belongs to; empty for one of the program itself."""
    if file.startswith("<frozen "):
        return file.removeprefix("<frozen ").rstrip(">")
    import re  # a run without findings does without

    found = re.search(_INSTALLED, file) or re.search(_LIBRARY, file)
    return found[1].removesuffix(".py") if found else ""


def short(frame: Frame) -> Frame:
    """A frame of a package, with its file from the package on."""
    import re

    found = re.search(_INSTALLED, frame.file) or re.search(_LIBRARY, frame.file)
    return replace(frame, file=f".../{frame.file[found.start(1) :]}") if found else frame


def is_foreign(frame: Frame, side: AccessSide) -> bool:
    """Whether a frame in the stack of a side is of a package, and not of the one that the side itself is in."""
    return package_of(frame.file) not in ("", package_of(side.file))


def shortened(side: AccessSide) -> Iterator[Shown]:
    """The callers of a side, innermost first, without the frame of the access itself, which is shown as its place. All
    frames of the program stay, and those of a package that the access itself is in."""
    frames = side.stack
    if frames and (frames[0].file, frames[0].function) == (side.file, side.function):
        frames = frames[1:]
    for foreign, run in groupby(frames, key=lambda frame: is_foreign(frame, side)):
        row = list(run)
        if foreign and len(row) >= _LEAST:
            yield Shown(len(row), packages=tuple(dict.fromkeys(package_of(frame.file) for frame in row)))
        else:
            yield from _repeated([short(frame) for frame in row] if foreign else row)


def _repeated(frames: Sequence[Frame]) -> Iterator[Shown]:
    """Each frame once for a row of equal ones, as recursion makes them, and once what functions that call each other
    make of it."""
    rows = [Shown(sum(1 for _ in run), frame) for frame, run in groupby(frames)]
    at = 0
    while at < len(rows):
        length, rounds = max(((size, _rounds(rows, at, size)) for size in range(2, _LONGEST_ROUND + 1)), key=_saved)
        if rounds >= _LEAST_ROUNDS:
            yield from rows[at : at + length]
            yield Shown(rounds - 1, again=length)
            at += length * rounds
        else:
            yield rows[at]
            at += 1


def _rounds(rows: list[Shown], at: int, size: int) -> int:
    """How many times in a row the next so many rows come."""
    rounds = 1
    while rows[at : at + size] == rows[at + rounds * size : at + (rounds + 1) * size]:
        rounds += 1
    return rounds


def _saved(found: tuple[int, int]) -> int:
    size, rounds = found
    return size * (rounds - 1)
