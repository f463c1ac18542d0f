"""RacewayClient: the hand-marking SDK put together. It owns a pipeline to the collector, and little else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from raceway.client import default, inheritance, switches
from raceway.client import outgoing as outgoing_calls
from raceway.client.actors import Service
from raceway.client.budget import Budget, cost_of_a_mark
from raceway.client.config import Config
from raceway.client.context import begin, current, enter, sent
from raceway.client.plugins import Plugin, Plugins
from raceway.client.propagation import incoming, outgoing
from raceway.client.requesting import Requesting
from raceway.client.sampling import Sampling
from raceway.client.teller import Origin, Teller
from raceway.client.tracking import Tracking
from raceway.config import cache_directory
from raceway.errors import RacewayContextError
from raceway.model.events import Event
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.pipeline import Counts, Pipeline, Settings, Sink
from raceway.pipeline.complaints import to_standard_error

if TYPE_CHECKING:
    import httpx

SHUTDOWN_TIMEOUT = 5.0
"""Seconds that `shutdown` and `flush` wait for the collector."""


class RacewayClient(Tracking):
    """Tells a collector what a program does.

    All methods may be called from any thread and task. Tracking calls belong to the trace of the flow that makes them.
    A client that is made becomes the default one. `sinks` are where events go instead of the collector at
    `config.endpoint`. Raises ConfigError for settings that cannot be used.
    """

    def __init__(
        self, config: Config | None = None, plugins: Iterable[Plugin] = (), *, sinks: Sequence[Sink] | None = None
    ) -> None:
        self.config = Config() if config is None else config
        sampling = self.config.sampling()
        self.service = Service(self.config.service_name, self.config.instance_id or "", sampling)
        self._plugins = Plugins(plugins)
        self._requesting = Requesting()
        settings = Settings(
            batch_size=max(int(self.config.batch_size), 1),
            flush_interval=float(self.config.flush_interval),
            buffer_size=max(int(self.config.buffer_size), 1),
        )
        origin = Origin(self.config.service_name, self.config.environment, {"sdk_language": "python"})
        teller = Teller(origin, self.config.redactor, self._degraded)
        hooks: list[Any] = [self._plugins, *([_tell] if self.config.debug else [])]
        sources = [] if self.config.overhead_budget is None else [self._budget(self.config.overhead_budget, sampling)]
        self._pipeline = Pipeline(
            _sinks(self.config) if sinks is None else sinks,
            settings,
            maker=teller,
            before_send=hooks,
            sources=sources,
            terminate=True,
        )
        super().__init__(self._pipeline, sampling)
        name = self.config.switch_signal
        self._leave_signal = None if name is None else switches.switch_on_signal(sampling, name)
        switches.follow(sampling)
        default.set_client(self)
        inheritance.start(self)
        outgoing_calls.start(self, self.config.propagate)
        self._plugins.started(self)

    def start_trace(self, headers: object = None) -> str:
        """Begin a trace for the flow that calls and what it starts; returns its id.

        `headers` are those of a request that came in: then the trace of the caller goes on.
        """
        context = begin(self.service, incoming(headers))
        enter(context)
        return context.trace_id

    def end_trace(self) -> None:
        """End the trace of the flow that calls; its events are on their way. Outside of a trace nothing happens."""
        enter(None)
        self._pipeline.wake()

    def flush(self, timeout: float = SHUTDOWN_TIMEOUT) -> bool:
        """Send what waits, for so many seconds at most; whether all was delivered."""
        return self._pipeline.flush(timeout)

    def shutdown(self, timeout: float = SHUTDOWN_TIMEOUT) -> bool:
        """Send what waits and stop the worker; whether all was delivered. Calls after it do nothing but count."""
        delivered = self._pipeline.close(timeout)
        if self._leave_signal is not None:
            self._leave_signal()
        default.unset_client(self)
        inheritance.stop(self)
        outgoing_calls.stop(self)
        self._requesting.close()
        self._plugins.ended()
        return delivered

    def enable(self) -> None:
        """Make events again, or for the first time."""
        self.sampling.switch(on=True)

    def disable(self) -> None:
        """Make no more events until `enable`; traces and their headers go on. No call raises RacewayContextError."""
        self.sampling.switch(on=False)

    def counts(self) -> Counts:
        """What became of the events so far."""
        return self._pipeline.counts()

    def add_plugin(self, plugin: Plugin) -> None:
        """Have this plugin see events too, from now on."""
        self._plugins.add(plugin)
        Plugins([plugin]).started(self)

    def remove_plugin(self, plugin: Plugin) -> None:
        """Have it see no more."""
        self._plugins.remove(plugin)

    def propagation_headers(self, extra_headers: Mapping[str, Any] | None = None) -> dict[str, str]:
        """The headers that carry the trace to the next service, for one call. Those given are kept and win.

        Raises RacewayContextError outside of a trace, unless the client is off.
        """
        context = current()
        if context is None:
            if not self.sampling.is_on:
                return dict(extra_headers or {})
            raise RacewayContextError("propagation_headers")
        return outgoing(sent(context), extra_headers)

    def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        """An HTTP call that carries the trace, if there is one. Takes `data`, `json`, `params`, `headers`, `timeout`,
        `allow_redirects` and what else httpx takes; follows redirects. Raises what httpx raises."""
        return self._requesting.request(method, url, **kwargs)

    def _budget(self, limit: float, sampling: Sampling) -> Budget:
        return Budget(limit, cost_of_a_mark(), lambda: self._pipeline.counts().put, sampling)

    def _degraded(self) -> None:
        self._pipeline.degrade()


def _sinks(config: Config) -> list[Sink]:
    from raceway.pipeline.sinks import http_sink

    cache = cache_directory() if config.spool is None else ""
    spool = os.path.join(cache, "spool") if cache else os.fspath(config.spool or "")
    return [http_sink(config.endpoint, api_key=config.api_key, spool_root=spool)]


def _tell(event: Event) -> Event:
    """One line for people."""
    fields = event.kind.fields
    names = ("variable", "function_name", "lock_id", "url", "status", "error_type", "task_id", "future_id", "name")
    what = next((str(getattr(fields, name)) for name in names if hasattr(fields, name)), "")
    to_standard_error(f"{event.kind.name} {what} in {event.metadata.thread_id} of trace {event.trace_id}")
    return event
