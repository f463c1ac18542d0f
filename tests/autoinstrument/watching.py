"""A stand-in for the session: its code is told from plain code by a word that it exchanges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType

from raceway.autoinstrument.finder import InstrumentingFinder
from raceway.autoinstrument.scope import Scope
from raceway.autoinstrument.source import Source

PLAIN, INSTRUMENTED = "plain", "taped"
"""Of one length: positions stay. Modules under test say which one they were compiled with."""

MODULE = f'how = "{PLAIN}"\n\n\ndef tell():\n    return "{PLAIN}"\n'


class Watching:
    """What the hook needs of a session, and a record of what it was asked."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.compiled: list[tuple[str, str]] = []
        self.notes: list[tuple[str, str, str]] = []

    def compile(self, source: Source, filename: str, module: str) -> CodeType:
        """The source with one word exchanged, compiled."""
        self.compiled.append((module, filename))
        content = source.content.replace(PLAIN.encode(), INSTRUMENTED.encode())
        return compile(content, filename, "exec", dont_inherit=True)

    def not_seen(self, reason: str, module: str, detail: str = "") -> None:
        """Note it."""
        self.notes.append((reason, module, detail))

    @property
    def modules(self) -> list[str]:
        """The modules that were compiled, in order."""
        return [module for module, _ in self.compiled]


@contextmanager
def watching(root: Path, *, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Iterator[Watching]:
    """The hook installed, for modules under `root`."""
    session = Watching(Scope(include, exclude, (str(root),)))
    finder = InstrumentingFinder(session.scope, session.compile, session.not_seen)
    finder.install()
    try:
        yield session
    finally:
        finder.uninstall()
