"""The settings of a client. They are given in code: the environment may name the instance, and switch off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from urllib.parse import urlsplit

from raceway.client.sampling import Sampling, checked_share
from raceway.config import is_enabled
from raceway.errors import ConfigError
from raceway.pipeline.redactor import Redactor


@dataclass
class Config:
    """The settings of a client. Times are seconds.

    A batch is sent when `batch_size` events wait or `flush_interval` has gone by since the first. Without `instance_id`
    the environment variable RACEWAY_INSTANCE_ID names the instance, else host and process. `redactor` hides
    secrets; None hides nothing. `api_key` is sent to the collector alone. Of more than `buffer_size` events that
    wait the latest are dropped, and counted. While the collector is away events wait on disk, under the directory
    `spool`: by default that of runs that are watched, in the cache directory; none where it is empty. With `debug`
    every event is told on standard error, too.

    With `propagate` outgoing calls of httpx, requests, urllib3 and aiohttp carry the headers of the trace: all of them,
    or those to hosts that match one of these globs.

    `sample_rate` is the share of traces that is told of, `traces_per_second` how many begin at most, `routes` has rates
    of its own for requests: `{"/health": 0, "/api/*": 0.1, "POST /pay": 1}`. `overhead_budget` is the share of one
    processor that telling may cost: while it costs more, fewer traces are told of. Where `enabled` or the environment
    variable RACEWAY_ENABLED is false, nothing is told before `enable()`. `switch_signal` is the name of a signal that
    turns the client off, and on again.

    Raises ConfigError for a setting that cannot be meant.
    """

    endpoint: str = "http://localhost:8080"
    service_name: str = "unknown-service"
    instance_id: str | None = None
    environment: str = "development"
    batch_size: int = 50
    flush_interval: float = 1.0
    debug: bool = False
    redactor: Redactor | None = field(default_factory=Redactor)
    api_key: str | None = field(default=None, repr=False)
    buffer_size: int = 50_000
    spool: str | PathLike[str] | None = None
    propagate: bool | Sequence[str] = False
    sample_rate: float = 1.0
    traces_per_second: float | None = None
    routes: Mapping[str, float] = field(default_factory=dict)
    overhead_budget: float | None = None
    enabled: bool = True
    switch_signal: str | None = None

    def __post_init__(self) -> None:
        for name in ("endpoint", "service_name", "environment"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"{name}: expected a text, not {getattr(self, name)!r}")
        if not _is_http(self.endpoint):
            raise ConfigError(f"endpoint: expected an address such as http://localhost:8080, not {self.endpoint!r}")
        for name in ("batch_size", "flush_interval", "buffer_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < _LARGEST:
                raise ConfigError(f"{name}: expected a number above 0 and below {_LARGEST}, not {value!r}")
        for name in ("debug", "enabled"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name}: expected true or false, not {getattr(self, name)!r}")
        for name, kind, what in _KINDS:
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise ConfigError(f"{name}: expected {what}, not {value!r}")
        if self.overhead_budget is not None and not checked_share("overhead_budget", self.overhead_budget):
            raise ConfigError("overhead_budget: expected a number above 0; enabled=False tells nothing at all")
        hosts: object = self.propagate
        if not isinstance(hosts, bool) and (
            isinstance(hosts, str)
            or not isinstance(hosts, Iterable)
            or not all(isinstance(host, str) for host in hosts)
        ):
            raise ConfigError(f"propagate: expected true, false or a list of hosts, not {self.propagate!r}")
        self.sampling()

    def sampling(self) -> Sampling:
        """What decides which traces are told of."""
        on = self.enabled and is_enabled()
        return Sampling(self.sample_rate, self.traces_per_second, self.routes, on=on)


_LARGEST = 10**9
"""What no size, and no time in seconds, comes up to."""

_KINDS: tuple[tuple[str, type | tuple[type, ...], str], ...] = (
    ("api_key", str, "a text"),
    ("spool", (str, PathLike), "a path"),
    ("redactor", Redactor, "a Redactor or None"),
    ("routes", Mapping, "rates by path"),
    ("switch_signal", str, "the name of a signal"),
)


def _is_http(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
