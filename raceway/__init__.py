"""Raceway, a race detector for Python. This file holds the public names, each imported when it is first used.

Nothing else is imported here: `import raceway` in a program that is not watched must cost nothing.

PYTEST_DONT_REWRITE: a pytest that is watched finds it imported, and would warn.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # the one of `typing` brings in `re`

if TYPE_CHECKING:
    from raceway import autoinstrument as autoinstrument
    from raceway import sync as sync
    from raceway import transform as transform
    from raceway.autoinstrument import install as enable_auto_instrumentation
    from raceway.client import Config as Config
    from raceway.client import Context as Context
    from raceway.client import LockAnalyzer as LockAnalyzer
    from raceway.client import Plugin as Plugin
    from raceway.client import RacewayClient as RacewayClient
    from raceway.client import Redactor as Redactor
    from raceway.client import async_tracked as async_tracked
    from raceway.client import create_context as create_context
    from raceway.client import disable as disable
    from raceway.client import enable as enable
    from raceway.client import get_context as get_context
    from raceway.client import raceway_context as raceway_context
    from raceway.client import set_context as set_context
    from raceway.client import track as track
    from raceway.client import track_async as track_async
    from raceway.client import track_attrs as track_attrs
    from raceway.client import track_function as track_function
    from raceway.client import track_method as track_method
    from raceway.client import track_state as track_state
    from raceway.client import track_variables as track_variables
    from raceway.client import tracked_lock as tracked_lock
    from raceway.errors import RacewayContextError as RacewayContextError
    from raceway.errors import RacewayError as RacewayError

__version__ = "0.1.0"

_CLIENT = (
    "Config", "Context", "LockAnalyzer", "Plugin", "RacewayClient", "Redactor", "async_tracked", "create_context",
    "disable", "enable", "get_context", "raceway_context", "set_context", "track", "track_async", "track_attrs",
    "track_function", "track_method", "track_state", "track_variables", "tracked_lock",
)  # fmt: skip

# Public name -> module, or module and attribute.
_HOMES = {
    "autoinstrument": ("raceway.autoinstrument", ""),
    "sync": ("raceway.sync", ""),
    "transform": ("raceway.transform", ""),
    "enable_auto_instrumentation": ("raceway.autoinstrument", "install"),
    "RacewayContextError": ("raceway.errors", "RacewayContextError"),
    "RacewayError": ("raceway.errors", "RacewayError"),
    **{name: ("raceway.client", name) for name in _CLIENT},
}

__all__ = [  # noqa: PLE0604  # in groups
    "__version__",
    "autoinstrument",
    "enable_auto_instrumentation",
    "sync",
    "transform",
    "RacewayContextError",
    "RacewayError",
    *_CLIENT,
]


def __getattr__(name: str) -> object:
    """The public name, imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home, attribute = _HOMES[name]
    module = import_module(home)
    value: object = getattr(module, attribute) if attribute else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The names as if all were imported."""
    return sorted({*globals(), *__all__})
