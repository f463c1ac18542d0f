"""The pipeline of a run of Raceway: what the detection core tells, to a file, a collector or both."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from raceway.config import Config, api_key, cache_directory, instance_id
from raceway.errors import ConfigError
from raceway.model.told import Told
from raceway.model.values import text
from raceway.pipeline.calls import Places
from raceway.pipeline.complaints import Tell
from raceway.pipeline.convert import Converter
from raceway.pipeline.encode import decode
from raceway.pipeline.facade import Pipeline
from raceway.pipeline.flows import Origin
from raceway.pipeline.ids import new_uuid
from raceway.pipeline.settings import Settings
from raceway.pipeline.sinks import file_sink, http_sink

FLUSH_INTERVAL = 0.05
"""Seconds between two looks at what was told."""


class Automatic:
    """Events of what the core tells, from `start` to `close`."""

    def __init__(
        self,
        config: Config,
        service: str,
        told: Callable[[], list[Told]],
        places: Places,
        enter: Callable[[], None],
        warn: Tell,
    ) -> None:
        """Raises ConfigError for an endpoint, key or file that cannot be used. Nothing runs yet."""
        sinks = []
        if config.trace is not None:
            try:
                sinks.append(file_sink(config.trace))
            except OSError as error:
                raise ConfigError(f"cannot write {config.trace}: {error.strerror}") from None
        if config.endpoint is not None:
            cache = cache_directory(config)
            spool = os.path.join(cache, "spool") if cache else ""
            sinks.append(http_sink(config.endpoint, api_key=api_key(), spool_root=spool, warn=warn))
        self._service = service
        self._warn = warn
        self._converter = Converter(self._origin(), told, places)
        self._pipeline = Pipeline(
            sinks,
            Settings(flush_interval=FLUSH_INTERVAL),
            sources=[self._converter],
            warn=warn,
            enter=enter,
            at_exit=False,
        )

    def _origin(self) -> Origin:
        return Origin(new_uuid(), text(self._service), text(instance_id()), "development", os.getpid())

    def start(self) -> None:
        """Begin to ask the core."""
        self._pipeline.start()

    def flush(self, timeout: float) -> bool:
        """Send what was told so far."""
        return self._pipeline.flush(timeout)

    def close(
        self, timeout: float, read: Callable[[str], bool], acted: Iterable[int], untold: Callable[[], int]
    ) -> None:
        """Send what there is and end. A judge of races asks which variables were `read`, and which sites `acted`."""
        self._pipeline.flush(timeout)
        facts = self._converter.facts(read, acted)
        if facts is not None:
            self._pipeline.put(decode(facts))
        self._pipeline.close(timeout)
        self._report(untold())

    def _report(self, untold: int) -> None:
        counts, sinks = self._pipeline.counts(), self._pipeline.sink_counts()
        dropped = untold + counts.dropped + counts.unfit
        lost = sum(one.lost + one.refused for one in sinks)
        spooled = sum(one.spooled for one in sinks)
        if dropped or lost:
            self._warn(f"events: {dropped} were dropped before they could be sent, {lost} after that")
        if spooled:
            self._warn(f"events: {spooled} could not be sent; the next run for this collector sends them")

    def after_fork(self) -> None:
        """In a forked child: a process of its own, with a trace of its own."""
        self._converter.begin(self._origin())
        self._pipeline.close_at_exit()
        self._pipeline.start()
