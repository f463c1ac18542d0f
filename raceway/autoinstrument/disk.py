"""What is asked of the disk with every import of a module that is watched: in C where that is there, in one call each.

raceway/native/files.c has the twins. Serves the import hook and the cache.
"""

from __future__ import annotations

import importlib.util
import marshal

from raceway import files
from raceway.model.typing import Any

SEAL_BYTES = 8


def seal(version: bytes, content: bytes | memoryview) -> bytes:
    """What a file of the cache begins with: it makes what follows ours, of this version, and whole."""
    return digest(version + digest(content))


def _stored(path: str, version: bytes) -> Any:
    """What a file of the cache holds, None when it is not there, not whole, or of another version."""
    try:
        found = files.read(path)
        content = memoryview(found)[SEAL_BYTES:]
        return marshal.loads(content) if found[:SEAL_BYTES] == seal(version, content) else None
    except (OSError, ValueError, EOFError, TypeError):
        return None


try:
    from raceway._native import digest, is_link, stamp, stored
except ImportError:
    digest = importlib.util.source_hash
    """Eight bytes of SipHash, which the interpreter has at hand; hashlib brings in OpenSSL, and megabytes with it."""
    is_link = files.is_link
    stamp = files.stamp
    stored = _stored

__all__ = ["SEAL_BYTES", "digest", "is_link", "seal", "stamp", "stored"]
