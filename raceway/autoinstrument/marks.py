"""Which instrumented files hold suppressions in comments. Serves the session, which looks at the end of a run.

Code that comes from the cache was not read as text, so the files are searched for the bytes of the mark: that needs no
parser and no import, and nearly all files are done with then.
"""

from __future__ import annotations

from raceway import files

MARK = b"raceway:"
"""What every such comment holds, and those that are meant to be one and misspelled."""


class Marks:
    """The files of a run, each searched once."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._marked: list[str] = []

    def add(self, path: str) -> None:
        """A file that was instrumented."""
        self._waiting.append(path)

    def files(self) -> tuple[str, ...]:
        """Those of the files that hold the mark; what cannot be read holds none."""
        while self._waiting:
            path = self._waiting.pop()
            if MARK in content(path):
                self._marked.append(path)
        return tuple(dict.fromkeys(self._marked))


def content(path: str) -> bytes:
    """The file's bytes, none when it cannot be read."""
    try:
        return files.read(path)
    except (OSError, ValueError):
        return b""
