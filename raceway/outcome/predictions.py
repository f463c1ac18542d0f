"""Predicted races of a run, when the settings ask for them. Serves the session.

What the core tells is drained by the worker of a pipeline, as it is for events, and goes through the predictor there.
When rows were dropped, since nobody asked in time, an order may be missing: then nothing is predicted.
"""

from __future__ import annotations

from collections.abc import Iterable

from raceway.detector.predicting import Predictor
from raceway.findings.sections import Sections
from raceway.model.races import RawRace
from raceway.model.sites import Context
from raceway.model.told import Told
from raceway.originals import allocate_lock
from raceway.pipeline.facade import Pipeline
from raceway.pipeline.settings import Settings
from raceway.runtime.contract import Core

INTERVAL = 0.05
"""Seconds between two looks at what was told."""


class Predictions:
    """The predictor of one process. Any thread may ask for `races`. With `alone` nobody else asks the core for rows."""

    def __init__(self, core: Core, alone: bool) -> None:
        self._core = core
        self._dropped = core.telling.untold
        settings, enter = Settings(flush_interval=INTERVAL), core.telling.hide_thread
        self._worker = Pipeline([], settings, sources=[self._drain], enter=enter, at_exit=False) if alone else None
        self.begin()

    def start(self) -> None:
        """Begin to ask the core."""
        if self._worker is not None:
            self._worker.start()

    def after_fork(self) -> None:
        """In a forked child."""
        self.begin()
        self.start()

    def close(self, timeout: float) -> None:
        """See all that was told, in so many seconds; the core still records."""
        if self._worker is not None:
            self._worker.close(timeout)

    def begin(self) -> None:
        """From here on: at first, and in a forked child, where what came before is before all."""
        self._lock = allocate_lock()
        self._predictor = Predictor(Sections(self._files).opaque, self._augments)

    def told(self) -> list[Told]:
        """What there is to tell since the last time; the predictor has seen it."""
        with self._lock:
            rows = self._core.telling.told()
            self._predictor.feed(rows)
        return rows

    def _drain(self) -> tuple[()]:
        while self.told():
            pass
        return ()

    def races(self) -> list[RawRace]:
        """The races that are predicted so far."""
        with self._lock:
            return [] if self._dropped() else self._predictor.races()

    def _files(self) -> Iterable[str]:
        names = self._core.names
        return {names.site_file(serial) for serial, site in names.all_sites() if site.index == 0}

    def _augments(self, serial: int) -> bool:
        return self._core.names.site(serial).context is Context.AUGMENT
