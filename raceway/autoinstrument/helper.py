"""A process that instruments files and puts them into the cache: what `ahead` starts.

It has the program's process as its first interest: it runs when nobody else wants to, and stops when that is gone.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence

from raceway.autoinstrument.cache import Cache, Cached
from raceway.autoinstrument.source import Source

_NICE = 10
_DESCRIPTORS = 1024


def main() -> None:
    """Do what the command line says: directory of the cache, form, process to serve, files."""
    os.closerange(3, _DESCRIPTORS)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    _root, directory, form, process, *files = sys.argv[1:]
    fill(Cache(directory), form, files, int(process))


def fill(cache: Cache, form: str, files: Sequence[str], process: int) -> None:
    """Instrument the files that are not in the cache, one after the other, as long as the process is there."""
    from raceway.transform import instrument

    for name in files:
        if not _is_alive(process):
            return
        source = Source(_reading(name), name)
        with contextlib.suppress(Exception):  # whatever it is: the program will meet it, or never import the file
            if cache.load(source, name, form) is None:
                done = instrument(source.content, name, "", form)
                cache.store(source, name, form, Cached(*done.parted()))


def _reading(name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        with open(name, "rb") as file:
            return file.read()

    return read


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
