"""The settings of a client. They are given in code: what the environment may say is the name of the instance."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from raceway.errors import ConfigError
from raceway.pipeline.redactor import Redactor


@dataclass
class Config:
    """The settings of a client. Times are seconds.

    A batch is sent when `batch_size` events wait or `flush_interval` has gone by since the first. Without `instance_id`
    the environment variable RACEWAY_INSTANCE_ID names the instance, else host and process. `redactor` hides secrets;
    None hides nothing. `api_key` is sent to the collector alone. Of more than `buffer_size` events that wait the latest
    are dropped, and counted. With `debug` every event is told on standard error, too.

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
    spool: str | None = None

    def __post_init__(self) -> None:
        for name in ("endpoint", "service_name", "environment"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"{name}: expected a text, not {getattr(self, name)!r}")
        if not _is_http(self.endpoint):
            raise ConfigError(f"endpoint: expected an address such as http://localhost:8080, not {self.endpoint!r}")
        for name in ("batch_size", "flush_interval", "buffer_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise ConfigError(f"{name}: expected a number above 0, not {value!r}")


def _is_http(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
