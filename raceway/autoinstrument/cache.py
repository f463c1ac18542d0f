"""The cache of instrumented bytecode, apart from Python's own: what libcst and the planner made of a module once.

A file is named by a digest of all it depends on: source, file name, interpreter, and the transform itself. It holds
code with placeholders and the site table, behind a digest of its content. It is written beside and moved into place, so
parallel processes see a whole file or none. A cache that cannot be read or written, or holds rubbish, only costs time.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import marshal
import os
import sys
import tempfile
from types import CodeType

import msgspec

from raceway import __version__
from raceway.model.sites import Site

_DIGEST_BYTES = 32


class Cached(msgspec.Struct, frozen=True):
    """What the transform made of a module; `code` is marshalled."""

    code: bytes
    sites: tuple[Site, ...]
    marker: bytes


def _transform_version() -> str:
    """What tells one version of the transform from another, without importing it: its files' names, sizes and dates."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = []
    for folder in ("transform", "model"):
        with contextlib.suppress(OSError), os.scandir(os.path.join(package, folder)) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append(f"{folder}/{entry.name} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(sorted(found))


class Cache:
    """One directory of cached modules; an empty name means no cache."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        interpreter = (sys.implementation.cache_tag, sys.version, sys.flags.optimize, importlib.util.MAGIC_NUMBER)
        self._salt = repr((__version__, interpreter, _transform_version())).encode()

    def load(self, source: bytes, filename: str, form: str) -> tuple[CodeType, tuple[Site, ...], bytes] | None:
        """Code with placeholders, sites and marker; None when there is nothing usable."""
        if not self._directory:
            return None
        try:
            with open(self._path(source, filename, form), "rb") as file:
                content = file.read()
            digest, packed = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
            if hashlib.sha256(packed).digest() != digest:
                return None
            cached = msgspec.msgpack.decode(packed, type=Cached)
            code = marshal.loads(cached.code)
        except (OSError, ValueError, EOFError, TypeError, msgspec.MsgspecError):
            return None
        return (code, cached.sites, cached.marker) if isinstance(code, CodeType) else None

    def store(
        self, source: bytes, filename: str, form: str, code: CodeType, sites: tuple[Site, ...], marker: bytes
    ) -> None:
        """Keep what the transform made."""
        if not self._directory:
            return
        packed = msgspec.msgpack.encode(Cached(marshal.dumps(code), sites, marker))
        path = self._path(source, filename, form)
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(packed).digest() + packed)
                os.replace(temporary, path)
            except OSError:
                os.unlink(temporary)

    def _path(self, source: bytes, filename: str, form: str) -> str:
        key = hashlib.sha256(self._salt)
        for part in (form.encode(), filename.encode(errors="surrogatepass"), source):
            key.update(b"%d:" % len(part))
            key.update(part)
        name = key.hexdigest()
        return os.path.join(self._directory, name[:2], name[2:])
