"""What identifies a source file in fingerprints, wherever the program was started and wherever its files lie.

    <...>                          source without a file: its name
    installed                      the path under site-packages or dist-packages
    of the standard library        the path under its directory
    of a project                   the path under the nearest directory above the file that holds one of `_MARKS`
    anything else                  the path under the directory that its package lies in; without a package, its name

Neither the working directory nor the checkout counts, so a baseline holds from any of them.
"""

from __future__ import annotations

import functools
import os

from raceway import files

_INSTALLED = ("site-packages", "dist-packages")
_STANDARD_LIBRARY = os.path.dirname(files.real_path(os.__file__)) + os.sep
_MARKS = ("pyproject.toml", "setup.cfg", "setup.py", ".git", ".hg")


def identity(path: str, directory: str = "") -> str:
    """What identifies the file, in parts that slashes separate. A relative path is one under `directory`."""
    if not path or path.startswith("<"):
        return path
    path = files.absolute_path(os.path.join(directory, path))
    folder, name = os.path.split(path)
    return "/".join((*_parts(folder), name))


@functools.lru_cache(maxsize=512)
def _parts(folder: str) -> tuple[str, ...]:
    """The directories that belong to the identity of the files in a folder."""
    parts = folder.split(os.sep)
    installed = [place for place, part in enumerate(parts) if part in _INSTALLED]
    if installed:
        return tuple(parts[installed[-1] + 1 :])
    if f"{folder}{os.sep}".startswith(_STANDARD_LIBRARY):
        return tuple(filter(None, folder[len(_STANDARD_LIBRARY) :].split(os.sep)))
    above = [os.sep.join(parts[:length]) or os.sep for length in range(len(parts), 0, -1)]
    for depth, directory in enumerate(above):
        if any(files.exists(os.path.join(directory, mark)) for mark in _MARKS):
            return tuple(parts[len(parts) - depth :])
    for depth, directory in enumerate(above):
        if not files.exists(os.path.join(directory, "__init__.py")):
            return tuple(parts[len(parts) - depth :])
    return tuple(parts)
