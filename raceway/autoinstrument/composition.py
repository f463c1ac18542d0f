"""Where `install` gets its session from: the one place of this package that reaches up to the composition root.

The hook's parts know nothing of sessions. `install` does not either: it asks here, and sees what `Watching` says.
"""

from __future__ import annotations

from types import CodeType

from raceway.autoinstrument.scope import Scope
from raceway.autoinstrument.source import Source
from raceway.config import Config
from raceway.model.findings import Finding
from raceway.model.typing import Protocol, TextIO


class Watching(Protocol):
    """A session, as the hook's users see it."""

    @property
    def config(self) -> Config:
        """The settings of the run."""

    @property
    def scope(self) -> Scope:
        """Which modules are instrumented."""

    def compile(self, source: Source, filename: str, module: str) -> CodeType:
        """Instrumented code of a module; raises SyntaxError as the compiler does, and OSError."""

    def start(self) -> None:
        """Begin to watch, import hook included."""

    def stop(self) -> None:
        """Undo all that `start` did."""

    def not_seen(self, reason: str, module: str, detail: str = "") -> None:
        """Note something that the run does not look at."""

    def findings(self) -> tuple[Finding, ...]:
        """All findings so far, worst first."""

    def write(self, stream: TextIO) -> bool:
        """Write the text report and the configured files; False when one could not be written."""


def open_session(config: Config, command: tuple[str, ...]) -> Watching:
    """A session that has not started yet."""
    from raceway.session import Session

    return Session(config, command)
