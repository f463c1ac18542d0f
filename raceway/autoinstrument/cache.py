"""The cache of instrumented bytecode, apart from Python's own: what libcst and the planner made of a module once.

One file per module, interpreter and form of rendering, named by a digest of these; it says inside of which source and
of which version of the transform it is. A run reads that one file, and the source only where its stamp is another one:

    digest of (version of the transform, digest of content) | content = (file name, form, stamp and digest of the
    source, what was made of it)

Code has no placeholders, but a list of where taps go (`model.placeholders`), and sites are packed (`model.sitetable`).
The file is written beside and moved into place, so parallel processes see a whole file or none. A cache that cannot be
read or written, or holds rubbish, only costs time.
"""

from __future__ import annotations

import contextlib
import importlib.util
import marshal
import os
import sys
from collections.abc import Sequence
from types import CodeType

from raceway import __version__, files
from raceway.autoinstrument.disk import digest, seal, stored
from raceway.autoinstrument.source import Source
from raceway.model.sites import Site
from raceway.model.sitetable import SiteTable, pack
from raceway.model.struct import Struct
from raceway.model.struct import made as made_of

_FORMAT = 3
"""Of the files; what the transform makes is told apart by its own files."""


class Cached(Struct):
    """What was made of a module."""

    code: CodeType
    sites: Sequence[Site]
    places: bytes
    """Where taps go."""
    warns: bool = True
    """Whether the compiler warns of the source. Only scripts are looked at: they warn in every run."""


def _transform_version() -> bytes:
    """What tells one version of the transform from another, without importing it: its files' names, sizes and dates."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = []
    for folder in ("transform", "model"):
        with contextlib.suppress(OSError), os.scandir(os.path.join(package, folder)) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append(f"{folder}/{entry.name} {status.st_size} {status.st_mtime_ns}")
    return repr((_FORMAT, __version__, sys.version, importlib.util.MAGIC_NUMBER, sorted(found))).encode()


class Cache:
    """One directory of cached modules; an empty name means no cache."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._version = digest(_transform_version()) if directory else b""
        self._interpreter = f"{sys.implementation.cache_tag} {sys.flags.optimize}"

    def load(self, source: Source, filename: str, form: str) -> Cached | None:
        """What was made of the source in that form of rendering; None when there is nothing usable.

        Raises what reading the source raises.
        """
        if not self.directory:
            return None
        found = stored(self._path(filename, form), self._version)
        if found is None:
            return None
        name, kind, stamp, known, places, warns, code, sites = found
        if name != filename or kind != form:
            return None
        made: Cached = made_of(Cached, (code, SiteTable(sites), places, warns))
        if stamp is None or stamp != source.stamp():
            if known != digest(source.content):
                return None
            if source.settled_stamp() is not None:  # it is an older file than it was, or the same one elsewhere
                self.store(source, filename, form, made)
        return made

    def has_file(self, filename: str, form: str) -> bool:
        """Whether there is anything for the module, usable or not."""
        return files.exists(self._path(filename, form))

    def store(self, source: Source, filename: str, form: str, made: Cached) -> None:
        """Keep what was made."""
        if not self.directory:
            return
        what = filename, form, source.settled_stamp(), digest(source.content)
        path = self._path(filename, form)
        try:
            content = marshal.dumps((*what, made.places, made.warns, made.code, pack(made.sites)))
        except ValueError:  # a constant that marshal does not know
            return
        with contextlib.suppress(OSError):
            files.make_directories(os.path.dirname(path))
            files.put(path, seal(self._version, content) + content)

    def _path(self, filename: str, form: str) -> str:
        name = digest(f"{self._interpreter} {form} {filename}".encode(errors="surrogatepass")).hex()
        return f"{self.directory}{os.sep}{name[:2]}{os.sep}{name[2:]}"
