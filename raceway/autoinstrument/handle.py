"""What `install` returns: the way to the findings of the run, and the way to end it. Serves the public hook."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import sys
from types import TracebackType

from raceway.autoinstrument.composition import Watching
from raceway.autoinstrument.inplace import InPlace
from raceway.model.findings import Finding
from raceway.model.typing import Self, TextIO


class Handle:
    """A watched run. As a context manager it ends the run on leaving the block.

    A run that nobody ends is reported on standard error when the process ends; its exit status does not change.
    """

    def __init__(self, session: Watching | None, in_place: InPlace | None = None) -> None:
        self._session = session
        self._in_place = in_place
        self._process = os.getpid()
        # Without it the run belongs to another entry point, which ends and reports it, or there is none.
        self._owner = in_place is not None
        if self._owner:
            atexit.register(self._at_exit)

    @property
    def active(self) -> bool:
        """Whether the run is still watched."""
        return self._session is not None and self._in_place is not None

    def uninstall(self) -> None:
        """End the run and write its report files; findings can still be asked for. Does nothing the second time.

        A run that `python -m raceway.run` or pytest has started goes on.
        """
        if self._session is None or self._in_place is None:
            return
        atexit.unregister(self._at_exit)
        self._stop()
        config, text = self._session.config, io.StringIO()
        if any((config.json, config.html, config.sarif, config.junit)) and not self._session.write(text):
            with contextlib.suppress(OSError, ValueError, AttributeError):  # standard error may be gone, or None
                sys.stderr.write(text.getvalue())

    def findings(self) -> tuple[Finding, ...]:
        """All findings so far, worst first."""
        return () if self._session is None else self._session.findings()

    def report(self, file: TextIO | None = None) -> None:
        """Write the report so far as text, by default to standard error, and the configured files."""
        stream = sys.stderr if file is None else file
        if self._session is not None and stream is not None:
            self._session.write(stream)

    def _stop(self) -> None:
        assert self._session is not None
        assert self._in_place is not None
        self._session.stop()
        self._in_place.undo()
        self._in_place = None

    def _at_exit(self) -> None:
        if self._in_place is not None and os.getpid() == self._process:
            self._stop()
            self.report()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.uninstall()
