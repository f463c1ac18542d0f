"""Plugins: code of others that sees every event before it is sent, and may hold it back or exchange it.

They are called by the worker, one after the other in the order given, never in a thread of the program. Secrets are
hidden already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from raceway.client.warning import warn
from raceway.errors import PluginWarning
from raceway.model.events import Event
from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.client.client import RacewayClient


class Plugin:
    """Base of plugins; override what is needed. One that raises is left out from then on, with one warning."""

    def on_start(self, client: RacewayClient) -> None:
        """The plugin was given to a client."""

    def filter(self, event: Event) -> bool:  # noqa: ARG002
        """Whether the event goes on; False holds it back from later plugins and from the collector."""
        return True

    def transform(self, event: Event) -> Event | None:
        """The event that goes on, this one or another; None holds it back."""
        return event

    def on_event(self, event: Event) -> None:
        """An event that went through `filter` and `transform`. Kinds it is not are None: `event.kind.StateChange`."""

    def on_shutdown(self) -> None:
        """The client has sent its last event."""


class Plugins:
    """The plugins of one client."""

    def __init__(self, plugins: Iterable[Plugin] = ()) -> None:
        self._plugins: tuple[Plugin, ...] = tuple(plugins)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._plugins)

    def add(self, plugin: Plugin) -> None:
        """Call this one too, after all others."""
        self._plugins = (*self._plugins, plugin)

    def remove(self, plugin: Plugin) -> None:
        """Call it no more."""
        self._plugins = tuple(one for one in self._plugins if one is not plugin)

    def __call__(self, event: Event) -> Event | None:
        """The event after all plugins; None when one held it back."""
        found: Event | None = event
        for plugin in self._plugins:
            try:
                if not _asked(plugin, "filter", event, True):
                    return None
                found = _asked(plugin, "transform", event, event)
                if found is None:
                    return None
                _asked(plugin, "on_event", found, None)
                event = found
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # SystemExit, too, would cost all events that wait
                self._disable(plugin, error)
        return event

    def started(self, client: RacewayClient) -> None:
        """They were given to a client."""
        self._each(lambda plugin: _asked(plugin, "on_start", client, None))

    def ended(self) -> None:
        """The client has sent its last event."""
        self._each(lambda plugin: getattr(plugin, "on_shutdown", _nothing)())

    def _each(self, call: Callable[[Plugin], object]) -> None:
        for plugin in self._plugins:
            try:
                call(plugin)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # SystemExit, too, would cost all events that wait
                self._disable(plugin, error)

    def _disable(self, plugin: Plugin, error: BaseException) -> None:
        self.remove(plugin)
        try:
            told = f"{type(error).__name__}: {error}"
        except Exception:  # it cannot be spelled
            told = type(error).__name__
        warn(PluginWarning(f"plugin {type(plugin).__qualname__} raised {told}; it is not called again"))


def _asked(plugin: Any, method: str, argument: Any, otherwise: Any) -> Any:
    """What a method of the plugin answers; `otherwise` where it has no such method."""
    found = getattr(plugin, method, None)
    return otherwise if found is None else found(argument)


def _nothing() -> None:
    pass
