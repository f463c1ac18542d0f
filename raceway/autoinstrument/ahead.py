"""Instruments a large package ahead of its import, in processes of its own that fill the cache. Serves the session.

With the first module of a package that is not in the cache, all files of the package are looked at. When many of them
are not there either, helpers start at the far end; the importing process takes what it finds and does the rest itself.

The program must not notice. Helpers are started through a shell that ends at once and is waited for here, so they are
nobody's children; they have no terminal, no open file and no signal in common with it, run at a low priority, and stop
when it ends. Where a shell could be noticed (a handler for SIGCHLD, other threads, process 1) there are none.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from _thread import _count
from collections.abc import Callable, Iterator, Sequence

from raceway.autoinstrument.cache import Cache
from raceway.autoinstrument.scope import Scope
from raceway.config import helper_environment

_WORTH_BYTES = 500_000
"""About a second of work; a helper takes a third of one to get ready."""

_MOST_HELPERS = 4
_MOST_ARGUMENTS = 60_000
"""Characters of file names that one helper is given: systems bound the length of a command line."""

_SHELL = "/bin/sh"
_DETACH = '"$@" </dev/null >/dev/null 2>&1 &'
_HELPER = "import sys; sys.path.insert(0, sys.argv[1]); from raceway.autoinstrument.helper import main; main()"
_PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_TESTS = frozenset({"test", "tests"})

Start = Callable[[Sequence[str]], None]


class Ahead:
    """The helpers of one run; `missed` is told of each module that was not in the cache."""

    def __init__(self, cache: Cache, scope: Scope, form: str, start: Start | None = None) -> None:
        self._cache = cache
        self._scope = scope
        self._form = form
        self._start = start_helper if start is None else start
        self._looked_at: set[str] = set()

    def missed(self, module: str, filename: str) -> None:
        """A module was not in the cache: start helpers if its package is large and mostly is not, either."""
        package = _package_directory(module, filename)
        if not package or package in self._looked_at or not self._cache.directory:
            return
        self._looked_at.add(package)
        helpers = helper_count()
        if not helpers or not _is_unnoticed():
            return
        waiting = [name for name in self._waiting(module.partition(".")[0], package) if name != filename]
        if sum(map(_size, waiting)) < _WORTH_BYTES:
            return
        waiting.reverse()
        for first in range(helpers):
            share = list(_bounded(waiting[first::helpers]))
            if share:
                self._start([self._cache.directory, self._form, str(os.getpid()), *share])

    def _waiting(self, name: str, package: str) -> Iterator[str]:
        """The files of a package that will be instrumented if they are imported, in the order of their names."""
        for directory, folders, names in os.walk(package):
            folders[:] = sorted(folder for folder in folders if folder not in _TESTS and folder.isidentifier())
            inner = directory[len(package) :].replace(os.sep, ".")
            for file in sorted(names):
                stem, extension = os.path.splitext(file)
                path = os.path.join(directory, file)
                module = f"{name}{inner}" if stem == "__init__" else f"{name}{inner}.{stem}"
                if (
                    extension == ".py"
                    and self._scope.would_watch(module, path)
                    and not self._cache.has_file(path, self._form)
                ):
                    yield path


def _package_directory(module: str, filename: str) -> str:
    """The directory of the top-level package that a module is in, spelled as in `filename`; empty for other modules."""
    parts = module.split(".")
    directory, name = os.path.split(filename)
    if name != "__init__.py":
        parts.pop()
    for part in reversed(parts[1:]):
        directory, name = os.path.split(directory)
        if name != part:
            return ""
    return directory if parts and os.path.basename(directory) == parts[0] else ""


def helper_count() -> int:
    """How many processes beside this one the machine has room for."""
    affinity = getattr(os, "sched_getaffinity", None)
    processors = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    return min(_MOST_HELPERS, processors - 1)


def _is_unnoticed() -> bool:
    """Whether a child that lives for a moment escapes the program."""
    return (
        os.name == "posix"
        and os.getpid() != 1
        and _count() == 0  # threads that were started, beside the main one
        and signal.getsignal(signal.SIGCHLD) in (signal.SIG_DFL, signal.SIG_IGN)
    )


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _bounded(names: Sequence[str]) -> Iterator[str]:
    room = _MOST_ARGUMENTS
    for name in names:
        room -= len(name)
        if room < 0:
            return
        yield name


def start_helper(arguments: Sequence[str]) -> None:
    """Start a helper that is nobody's child. Does nothing where that cannot be."""
    if not sys.executable:
        return
    optimise = ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
    command = [sys.executable, "-I", *optimise, "-c", _HELPER, _PACKAGE_PARENT, *arguments]
    with contextlib.suppress(OSError, NotImplementedError, ValueError):
        shell = os.posix_spawn(_SHELL, ["sh", "-c", _DETACH, "sh", *command], helper_environment(), setsid=True)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(shell, 0)
