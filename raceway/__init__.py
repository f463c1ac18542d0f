"""Raceway, a race detector for Python. This file holds the public names, each imported when it is first used.

Nothing else is imported here: `import raceway` in a program that is not watched must cost nothing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # the one of `typing` brings in `re`

if TYPE_CHECKING:
    from raceway import autoinstrument as autoinstrument
    from raceway.autoinstrument import install as enable_auto_instrumentation

__version__ = "0.1.0"

__all__ = ["__version__", "autoinstrument", "enable_auto_instrumentation"]

# Public name -> module, or module and attribute.
_HOMES = {
    "autoinstrument": ("raceway.autoinstrument", ""),
    "enable_auto_instrumentation": ("raceway.autoinstrument", "install"),
}


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
