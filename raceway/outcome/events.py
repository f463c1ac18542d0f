"""The events of a run, sent to a collector or written to a file, and the races that are predicted from what is told,
when the settings ask for that. Serves the session."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from raceway.config import Config
from raceway.model.races import RawRace
from raceway.model.records import Stack
from raceway.model.sites import FUNCTIONS
from raceway.model.typing import TYPE_CHECKING
from raceway.outcome.stream import say
from raceway.runtime.contract import Core

if TYPE_CHECKING:
    from raceway.outcome.predictions import Predictions
    from raceway.pipeline.automatic import Automatic
    from raceway.pipeline.calls import Function

_TIMEOUT_S = 5.0
"""How long the end of a run waits for its events."""


class RunEvents:
    """The events of one run. Raises ConfigError for settings that cannot be used. `directory`: what paths are relative
    to; `module_of` names the module of a file."""

    def __init__(
        self, config: Config, core: Core, command: tuple[str, ...], directory: str, module_of: Callable[[str], str]
    ) -> None:
        self._core = core
        self._directory = directory
        self._module_of = module_of
        wanted = config.endpoint is not None or config.trace is not None
        if wanted or config.predict:
            core.telling.begin(wanted and config.events == "full", config.predict)
        self._predictions = self._predict(alone=not wanted) if config.predict else None
        self._pipeline = self._make(config, command) if wanted else None
        self.form = FUNCTIONS if wanted and config.functions else ""
        """What the form of rendering is called in addition, for taps that these events are made of."""

    def start(self) -> None:
        """Begin to send and write; the core has begun to record."""
        if self._pipeline is not None:
            self._pipeline.start()
        if self._predictions is not None:
            self._predictions.start()

    def flush(self, timeout: float) -> bool:
        """Send and write the events so far, for so many seconds at most; whether all were."""
        return self._pipeline is None or self._pipeline.flush(timeout)

    def after_fork(self) -> None:
        """In a forked child: what waits is the parent's."""
        if self._pipeline is not None:
            self._pipeline.after_fork()
        if self._predictions is not None:
            self._predictions.after_fork()

    def predicted(self) -> list[RawRace]:
        """The races that are predicted so far."""
        return [] if self._predictions is None else self._predictions.races()

    def close(self) -> None:
        """Send and write the last ones; the core still records."""
        if self._pipeline is not None:
            names = self._core.names
            acted = [serial for serial, site in names.all_sites() if site.regions and names.has_acted(serial)]
            self._pipeline.close(_TIMEOUT_S, names.is_read, acted, self._core.telling.untold)
        if self._predictions is not None:
            self._predictions.close(_TIMEOUT_S)

    def _make(self, config: Config, command: tuple[str, ...]) -> Automatic:
        from raceway.pipeline.automatic import Automatic
        from raceway.pipeline.calls import Places

        places = Places(self._site, self._function, self._stack)
        telling = self._core.telling
        told = telling.told if self._predictions is None else self._predictions.told
        name = command[0] if command else ""
        service = os.path.splitext(os.path.basename(name))[0] if name != "-m" else command[1]
        return Automatic(config, service or "python", told, places, telling.hide_thread, _warn)

    def _predict(self, alone: bool) -> Predictions:
        from raceway.outcome.predictions import Predictions

        return Predictions(self._core, alone)

    def _site(self, serial: int) -> str:
        names = self._core.names
        return f"{self._file(names.site_file(serial))}:{names.site(serial).line}"

    def _file(self, file: str) -> str:
        """A file for people."""
        inside = bool(self._directory) and file.startswith(self._directory + os.sep)
        return file[len(self._directory) + 1 :] if inside else file

    def _function(self, serial: int) -> Function:
        from raceway.pipeline.calls import Function

        site, file = self._core.names.site(serial), self._core.names.site_file(serial)
        return Function(site.label, self._module_of(file), self._file(file), site.line)

    def _stack(self, stack: Stack) -> list[str]:
        from raceway.findings.naming import frames

        return [f"{one.file}:{one.line} in {one.function}" for one in frames(stack, self._directory)]


def _warn(line: str) -> None:
    say(f"raceway: warning: {line} [warning]", sys.stderr)
