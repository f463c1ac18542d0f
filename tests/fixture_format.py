"""Reads the programs of `fixtures/race` and `fixtures/norace`: what each expects, from the comments it carries.

A program says `# expect: KIND VARIABLE SEVERITY` once per finding, or `# expect: nothing`; the severity is that of an
interpreter with a GIL. The lines of the two sides end in `# <- A` and `# <- B`, or `# <- AB` when they are one line; an
expectation about other lines, or about more or fewer sides, names its letters at its end. A program of several files is
a folder with a `main.py`, and its marks may be in any of them. `# needs: PACKAGE` names a package that is not there for
every interpreter, `# since: 3.12` the first version of Python that can run it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from raceway.model.kinds import FindingKind, Severity

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"

DEFAULT_MARKS = "AB"
_EXPECT = re.compile(r"^# expect: (?P<words>.+)$", re.MULTILINE)
_NEEDS = re.compile(r"^# needs: (?P<package>\w+)$", re.MULTILINE)
_SEVERITIES = frozenset(severity.value for severity in Severity)
_SINCE = re.compile(r"^# since: (?P<major>\d+)\.(?P<minor>\d+)$", re.MULTILINE)
_MARK = re.compile(r"# <- (?P<letters>[A-Z]+)$")


class FormatError(ValueError):
    """A program of the corpus does not say what it expects in the way it must."""


class Place(Struct, frozen=True, order=True):
    """A line of a program; `file` is the bare file name."""

    file: str
    line: int


class Expected(Struct, frozen=True):
    """One finding: `places` are its sides, sorted."""

    kind: FindingKind
    variable: str
    severity: Severity
    places: tuple[Place, ...]


class Program(Struct, frozen=True):
    """One program of the corpus: `name` is the same for both twins. It runs where the packages are that it `needs`, on
    Python of the version `since` or later."""

    name: str
    script: Path
    expected: tuple[Expected, ...]
    needs: tuple[str, ...] = ()
    since: tuple[int, int] = (3, 11)

    def missing(self) -> list[str]:
        """The packages that it needs and this interpreter has not; or the version."""
        if sys.version_info < self.since:
            return ["Python {}.{}".format(*self.since)]
        return [package for package in self.needs if find_spec(package) is None]


def programs(folder: Path) -> dict[str, Program]:
    """All programs of `fixtures/race` or `fixtures/norace`, by name."""
    scripts = {path.stem: path for path in folder.glob("*.py")}
    scripts |= {path.parent.name: path for path in folder.glob("*/main.py")}
    return {name: read_program(name, scripts[name]) for name in sorted(scripts)}


def read_program(name: str, script: Path) -> Program:
    """The program of `script` and what it expects."""
    files = sorted(script.parent.glob("*.py")) if script.name == "main.py" else [script]
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    needs = tuple(_NEEDS.findall(texts[script.name]))
    since = _SINCE.search(texts[script.name])
    version = (3, 11) if since is None else (int(since["major"]), int(since["minor"]))
    return Program(name, script, expectations(texts[script.name], marks(texts)), needs, version)


def marks(texts: Mapping[str, str]) -> dict[str, Place]:
    """The marked lines of a program by their letter."""
    found: dict[str, Place] = {}
    for file, text in texts.items():
        for number, line in enumerate(text.splitlines(), start=1):
            match = _MARK.search(line)
            for letter in match["letters"] if match is not None else "":
                if letter in found:
                    raise FormatError(f"{file}:{number}: the mark {letter} is there twice")
                found[letter] = Place(file, number)
    return found


def expectations(text: str, places: Mapping[str, Place]) -> tuple[Expected, ...]:
    """What the program text expects; every mark must be used, and every side marked."""
    lines = [match["words"].split() for match in _EXPECT.finditer(text)]
    if not lines:
        raise FormatError("the program has no '# expect:' line")
    if lines == [["nothing"]]:
        lines = []
    expected = tuple(_expected(words, places) for words in lines)
    used = {letter for words in lines for letter in _letters(words)}
    if used != set(places):
        raise FormatError(f"marks of no expectation: {sorted(set(places) - used)}")
    return expected


def _letters(words: list[str]) -> str:
    return DEFAULT_MARKS if words[-1] in _SEVERITIES else words[-1]


def _expected(words: list[str], places: Mapping[str, Place]) -> Expected:
    letters = _letters(words)
    *parts, severity = words if words[-1] in _SEVERITIES else words[:-1]
    if len(parts) < 2 or severity not in _SEVERITIES:
        raise FormatError(f"not an expectation: {' '.join(words)}")
    missing = [letter for letter in letters if letter not in places]
    if missing:
        raise FormatError(f"no line is marked {missing[0]}")
    found = tuple(sorted(places[letter] for letter in letters))
    return Expected(FindingKind(parts[0]), " ".join(parts[1:]), Severity(severity), found)
