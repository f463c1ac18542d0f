"""Which modules are instrumented: a pure decision on a module's name and file, with the reason for it.

Serves the import hook. Own code is `__main__` and what lies under the script's or the working directory, or in an
editable install, and is neither installed nor part of the standard library; globs add to it and take from it.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import os
import sys
from collections.abc import Iterator

from raceway import files
from raceway.autoinstrument.disk import is_link
from raceway.autoinstrument.loaded import loaded
from raceway.model.struct import Struct
from raceway.model.typing import TextIO

_NEVER = frozenset({"raceway", "libcst", "msgspec"})
"""What instruments cannot be instrumented: taps would call it for ever."""

_WILD = frozenset("*?[")
"""What makes a glob more than a name; matching those takes `re`."""

_INSTALLED = frozenset({"site-packages", "dist-packages"})
_STANDARD_LIBRARY = os.path.normcase(os.path.dirname(os.path.realpath(os.__file__)))
_OURS = os.path.normcase(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


class Reason(enum.Enum):
    """Why a module is instrumented, or why not."""

    MAIN = "it is the program"
    OWN = "own code"
    INCLUDED = "included"
    EXCLUDED = "excluded"
    RACEWAY = "part of Raceway"
    STANDARD_LIBRARY = "standard library"
    INSTALLED = "installed package"
    ELSEWHERE = "lies neither under the script's directory nor under the working directory"
    NO_FILE = "has no file"


_FINAL = (Reason.OWN, Reason.STANDARD_LIBRARY)
"""Where a file is told by its name alone, wherever links lead."""

_ANY = "any.py"


class Decision(Struct):
    """Whether a module is instrumented. `globs` are those that match it, also where they did not decide."""

    instrument: bool
    reason: Reason
    globs: tuple[str, ...] = ()


class Rules(Struct):
    """What a decision depends on. `main` is the module that `-m` runs as `__main__`, `roots` are directories."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    main: str = "__main__"


def decide(rules: Rules, module: str, filename: str | None) -> Decision:
    """The decision on one module."""
    if module.partition(".")[0] in _NEVER:
        return Decision(False, Reason.RACEWAY)
    if not filename:
        return Decision(False, Reason.NO_FILE)
    place = _place(rules.roots, filename)
    if place is Reason.RACEWAY:
        return Decision(False, place)
    by_name = place is Reason.STANDARD_LIBRARY
    included = tuple([glob for glob in rules.include if _covers(glob, module, by_name)])
    excluded = tuple([glob for glob in rules.exclude if _covers(glob, module, False)]) if rules.exclude else ()
    globs = (*included, *excluded)
    if excluded:
        return _decision(False, Reason.EXCLUDED, globs)
    if module in ("__main__", rules.main, f"{rules.main}.__main__"):
        return _decision(True, Reason.MAIN, globs)
    if place is Reason.OWN:
        return _decision(True, place, globs)
    return _decision(True, Reason.INCLUDED, globs) if included else _decision(False, place, ())


@functools.lru_cache(maxsize=256)
def _decision(instrument: bool, reason: Reason, globs: tuple[str, ...]) -> Decision:
    """The decision, which is the same for most modules of a program."""
    return Decision(instrument, reason, globs)


def _covers(glob: str, module: str, by_name: bool) -> bool:
    """Whether the glob matches the module or a package it is in; `by_name` asks that it spells the package out."""
    if by_name and glob.partition(".")[0] != module.partition(".")[0]:
        return False
    if _WILD.isdisjoint(glob):
        return f"{module}.".startswith(f"{glob}.")
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, glob) for name in _with_parents(module))


def _with_parents(module: str) -> Iterator[str]:
    while module:
        yield module
        module = module.rpartition(".")[0]


def _place(roots: tuple[str, ...], filename: str) -> Reason:
    """Where a file lies. A link counts as what it points to, and as where it is when that is not own code."""
    directory, _, name = filename.rpartition(os.sep)
    if directory.startswith(os.sep) and name not in ("", os.curdir, os.pardir):
        given, place, path = _directory_place(roots, directory)
        # Links are not asked for where they would change nothing: most files are of the program or the interpreter.
        if given in _FINAL or not is_link(path + name):
            return place
    path = files.absolute_path(filename)
    return _linked_place(roots, path, files.real_path(path))


@functools.lru_cache(maxsize=4096)
def _directory_place(roots: tuple[str, ...], directory: str) -> tuple[Reason, Reason, str]:
    """Where a directory lies by its name, where all files of it lie that are no links, and its absolute path."""
    path = os.path.join(files.absolute_path(directory), "")
    given = _place_of(roots, os.path.normcase(path + _ANY))
    return given, _linked_place(roots, path + _ANY, os.path.join(files.real_path(path), _ANY)), path


def _linked_place(roots: tuple[str, ...], path: str, target: str) -> Reason:
    place = _place_of(roots, os.path.normcase(path))
    if place in _FINAL:
        return place
    real = _place_of(roots, os.path.normcase(target))
    return real if real in (Reason.OWN, Reason.RACEWAY) else place


def _place_of(roots: tuple[str, ...], path: str) -> Reason:
    if _under(_OURS, path):
        return Reason.RACEWAY
    if not _INSTALLED.isdisjoint(path.split(os.sep)):
        return Reason.INSTALLED
    if _under(_STANDARD_LIBRARY, path):
        return Reason.STANDARD_LIBRARY
    return Reason.OWN if any(_under(root, path) for root in roots) else Reason.ELSEWHERE


def _under(root: str, path: str) -> bool:
    return path.startswith(root.rstrip(os.sep) + os.sep)


class Scope:
    """The rules of one run, and which of its globs have matched something so far."""

    def __init__(
        self, include: tuple[str, ...], exclude: tuple[str, ...], roots: tuple[str, ...] | None = None
    ) -> None:
        self._rules = Rules(include, exclude, _spellings(default_roots() if roots is None else roots))
        self._decisions: dict[tuple[str, str | None], Decision] = {}
        self._matched: set[str] = set()
        self.running: set[str] = set()
        self._stream: TextIO | None = None

    def add_program(self, *, main: str = "__main__", root: str = "") -> None:
        """Tell what is run next: the module that `-m` names, or the directory or archive whose `__main__` it is."""
        self.running.add("__main__")
        roots = (*self._rules.roots, *_spellings((root,) if root else ()))
        self._rules = Rules(self._rules.include, self._rules.exclude, roots, main)
        self._decisions.clear()

    def add_running(self, module: str) -> None:
        """Tell that a module was imported already but is dealt with: it is instrumented in place."""
        self.running.add(module)

    def explain_on(self, stream: TextIO) -> None:
        """Print every decision from now on, with its reason."""
        self._stream = stream

    def decide(self, module: str, filename: str | None) -> Decision:
        """The decision on a module that exists; globs that match it count as matched."""
        known = self._decisions.get((module, filename))
        if known is None:
            known = self._decisions[module, filename] = decide(self._rules, module, filename)
            self._matched.update(known.globs)
            if self._stream is not None:
                self._explain(self._stream, module, known)
        return known

    def would_watch(self, module: str, filename: str) -> bool:
        """The same for a module that may never be imported."""
        return decide(self._rules, module, filename).instrument

    def reason(self, module: str, filename: str | None) -> Reason:
        """Why a module is watched or not; for the report, which must not count as a match."""
        return (self._decisions.get((module, filename)) or decide(self._rules, module, filename)).reason

    @property
    def roots(self) -> tuple[str, ...]:
        """Where own code lies."""
        return self._rules.roots

    def _explain(self, stream: TextIO, module: str, decision: Decision) -> None:
        if decision.reason not in (Reason.NO_FILE, Reason.RACEWAY):
            word = "watched" if decision.instrument else "not watched"
            with contextlib.suppress(OSError, ValueError):
                stream.write(f"raceway: {module}: {word}: {decision.reason.value}\n")

    def names(self, module: str) -> bool:
        """Whether the globs ask for this module of the standard library, which is left out unless asked for by name."""
        included = any(_covers(glob, module, by_name=True) for glob in self._rules.include)
        return included and not any(_covers(glob, module, by_name=False) for glob in self._rules.exclude)

    def names_standard_library(self) -> bool:
        """Whether the globs ask for any module of the standard library."""
        return any(glob.partition(".")[0] in sys.stdlib_module_names for glob in self._rules.include)

    def unmatched(self) -> tuple[str, ...]:
        """The globs that matched no module."""
        globs = dict.fromkeys((*self._rules.include, *self._rules.exclude))
        return tuple(glob for glob in globs if glob not in self._matched)


def default_roots() -> tuple[str, ...]:
    """Where own code lies: the script's directory, the working directory, and what is installed as editable."""
    roots = list(editable_roots())
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if isinstance(main, str):
        roots += [os.path.dirname(os.path.abspath(main)), os.path.dirname(os.path.realpath(main))]
    with contextlib.suppress(OSError):  # it was removed
        roots.append(os.getcwd())
    return tuple(roots)


def editable_roots() -> Iterator[str]:
    """Directories of editable installs: named in `.pth` files, or mapped by a finder that setuptools has generated."""
    for entry in dict.fromkeys(sys.path):
        if os.path.basename(entry) in _INSTALLED:
            yield from _listed_in(entry)
    for name, variables in loaded():
        mapping = variables.get("MAPPING") if name.startswith("__editable__") else None
        if isinstance(mapping, dict):
            yield from (target for target in mapping.values() if isinstance(target, str))


def _listed_in(site: str) -> Iterator[str]:
    try:
        names = [name for name in os.listdir(site) if name.endswith(".pth")]
    except OSError:
        return
    for name in names:
        try:
            with open(os.path.join(site, name), encoding="utf-8") as file:
                lines = file.read().splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            if line.strip() and not line.startswith(("#", "import ", "import\t")) and os.path.isabs(line.strip()):
                yield line.strip()


def _spellings(roots: tuple[str, ...]) -> tuple[str, ...]:
    """The roots as they are given and as links resolve them."""
    both = (spelled for root in roots for spelled in (os.path.abspath(root), os.path.realpath(root)))
    return tuple(dict.fromkeys(os.path.normcase(path) for path in both))
